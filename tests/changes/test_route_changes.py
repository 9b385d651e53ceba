"""Where mail goes, in two runs."""

import pytest

from scanner.changes.changes import compare_domains
from scanner.outcomes import DnsStatus, RouteKind
from scanner.records import Domain, Mx, Route
from tests.judgement.found import mx, route
from tests.judgement.sessions import MX
from tests.judgement.transport import judged_domain, to

from .changed import OTHER_MX, of_kind, without_hosts


def over(way: Route) -> Domain:
    return judged_domain(of=way, validates=None)


TO_MX = over(to(mx()))
IMPLICIT = over(route(RouteKind.implicit_mx, mx("example.org", None)))
NULL_MX = without_hosts(RouteKind.null_mx)
NOT_THERE = without_hosts(RouteKind.nxdomain)
NO_HOST = without_hosts(RouteKind.no_mail_host)
FAILED = without_hosts(RouteKind.dns_failure, DnsStatus.servfail)
SKIPPED = without_hosts(RouteKind.skipped)


@pytest.mark.parametrize(
    ("before", "after", "told", "why"),
    [
        (TO_MX, NOT_THERE, "worse error nxdomain: mx → nxdomain", "it had mail, and does not exist any more"),
        (IMPLICIT, NOT_THERE, "worse error nxdomain: implicit_mx → nxdomain", "the same without MX"),
        (NULL_MX, NOT_THERE, "other notice nxdomain: null_mx → nxdomain", "nobody loses mail"),
        (FAILED, NOT_THERE, "known_now notice route_kind_changed: dns_failure → nxdomain", "it may have been so"),
        (TO_MX, NO_HOST, "worse error route_kind_changed: mx → no_mail_host", "mail is lost"),
        (TO_MX, NULL_MX, "other warning route_kind_changed: mx → null_mx", "it wants none any more"),
        (TO_MX, IMPLICIT, "worse warning route_kind_changed: mx → implicit_mx", "the MX records are gone"),
        (IMPLICIT, TO_MX, "better notice route_kind_changed: implicit_mx → mx", "they came"),
        (NOT_THERE, TO_MX, "better notice route_kind_changed: nxdomain → mx", "it is there again"),
        (NULL_MX, TO_MX, "better notice route_kind_changed: null_mx → mx", "it takes mail now"),
        (NOT_THERE, NO_HOST, "other notice route_kind_changed: nxdomain → no_mail_host", "no mail either way"),
        (TO_MX, FAILED, "not_known warning route_kind_changed: mx → dns_failure", "nobody could find out"),
        (TO_MX, SKIPPED, "not_known warning route_kind_changed: mx → skipped", "nobody was to find out"),
        (FAILED, TO_MX, "known_now notice route_kind_changed: dns_failure → mx", "nobody could find out before"),
    ],
)
def test_a_route_of_another_kind_is_told_with_what_it_means(before: Domain, after: Domain, told: str, why: str) -> None:
    assert of_kind(before, after, "route_kind_changed", "nxdomain") == [told]


@pytest.mark.parametrize(
    ("before", "after", "told", "why"),
    [
        ([mx()], [mx(OTHER_MX)], [f"other warning mx_changed: 10 {MX} → 10 {OTHER_MX}"], "moved"),
        ([mx()], [mx(), mx(OTHER_MX)], [f"other warning mx_changed: 10 {MX} → 10 {MX}, 10 {OTHER_MX}"], "one more"),
        ([mx()], [mx(MX, 5)], [f"other notice mx_changed: 10 {MX} → 5 {MX}"], "the same, in another order"),
        ([mx(), mx(OTHER_MX)], [mx(OTHER_MX), mx()], [], "equal preferences have no order"),
        ([mx()], [mx()], [], "the same"),
    ],
)
def test_other_mail_hosts_are_told(before: list[Mx], after: list[Mx], told: list[str], why: str) -> None:
    assert of_kind(over(to(*before)), over(to(*after)), "mx_changed") == told


def test_other_mail_hosts_are_a_change_of_those_that_were_left() -> None:
    (change,) = [one for one in compare_domains(over(to(mx())), over(to(mx(OTHER_MX)))) if one.kind == "mx_changed"]
    assert change.hosts == (MX,)


def test_mail_hosts_that_nobody_could_look_up_have_not_changed() -> None:
    assert of_kind(TO_MX, FAILED, "mx_changed") == []
    assert of_kind(FAILED, TO_MX, "mx_changed") == []


def test_the_implicit_mx_has_no_preference() -> None:
    assert of_kind(TO_MX, IMPLICIT, "mx_changed") == [f"other warning mx_changed: 10 {MX} → example.org"]
