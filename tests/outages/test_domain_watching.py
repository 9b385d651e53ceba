"""A domain night after night: what its mail hosts make of it, and what is told of itself."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.judgement.claims import NOTHING_TO_SAY
from scanner.judgement.verdicts import Unit, judge_units
from scanner.outages.alerts import AlertKind, State
from scanner.outages.domain_watching import DomainEvent, owners_of, watch_domain
from scanner.outages.known import KnownDomain, KnownHost
from scanner.outcomes import ChangeKind, DnsStatus, PolicyValue, RouteFlag, RouteKind, VerdictValue
from scanner.records import Domain, JudgedHost, MailRoute, PolicyVerdict, Verdict

from .watching import RULES, moment, night

UP, DOWN, DEGRADED = State.up, State.down, State.degraded
UNKNOWN, BLOCKED, NO_MAIL = State.unknown, State.blocked_us, State.no_mail

NAME = "example.org"


def domain(*exchanges: str, kind: RouteKind = RouteKind.mx, **changes: Any) -> Domain:
    """A domain with mail hosts of preference 10, 20, …; "mx1.example.org" if none is named."""
    names = exchanges or (("mx1.example.org",) if kind is RouteKind.mx else ())
    record = Domain(
        domain=NAME,
        line=None,
        lines=(1,),
        lines_total=1,
        input=NAME,
        metadata={},
        metadata_more=(),
        mail_route=MailRoute(kind=kind, flags=(), dns_status=_STATUS.get(kind, DnsStatus.ok), mx_total=len(names)),
        mail_hosts=tuple(_host(10 * place, name) for place, name in enumerate(names, 1)),
        verdicts=judge_units([Unit(NOTHING_TO_SAY, None)]),
        findings=(),
    )
    return replace(record, **changes)


_STATUS = {RouteKind.dns_failure: DnsStatus.servfail, RouteKind.nxdomain: DnsStatus.nxdomain}


def _host(preference: int, exchange: str) -> JudgedHost:
    return JudgedHost(
        preference=preference,
        exchange=exchange,
        flags=(),
        a_status=DnsStatus.ok,
        aaaa_status=DnsStatus.no_data,
        addresses=(),
    )


def policies(**values: PolicyValue) -> dict[str, Any]:
    """The verdicts of a domain with these on its policies."""
    verdicts = {name: PolicyVerdict(value=value) for name, value in values.items()}
    return {"verdicts": replace(domain().verdicts, **verdicts)}


def expected_mx(value: VerdictValue) -> dict[str, Any]:
    verdict = Verdict(value=value, yes=0, no=0, unknown=0, complete=True, preferred=value, reasons=())
    return {"verdicts": replace(domain().verdicts, expected_mx=verdict)}


class Watch:
    """One domain, watched night after night."""

    def __init__(self) -> None:
        self.known: KnownDomain | None = None
        self.number = 0

    def look(self, tonight: Domain, *states: State, observed: State | None = None) -> tuple[DomainEvent, ...]:
        """Another night, with the states of the domain's mail hosts (up, if none is given)."""
        self.number += 1
        names = [host.exchange for host in tonight.mail_hosts]
        given = states or (UP,) * len(names)
        hosts = {
            name: KnownHost(
                name=name, pace_group=NAME, state=state, observed=observed or state, since=moment(self.number, place)
            )
            for place, (name, state) in enumerate(zip(names, given, strict=True))
        }
        self.known, events = watch_domain(self.known, tonight, hosts, night(self.number), RULES)
        return events

    def told(self, *nights: Domain) -> list[str]:
        """What each of these nights tells: the kind, or kinds."""
        return [", ".join(event.kind for event in self.look(tonight)) for tonight in nights]


TWO = domain("mx1.example.org", "mx2.example.org")


@pytest.mark.parametrize(
    ("states", "expected", "why"),
    [
        ((UP, UP), UP, "all is well"),
        ((UP, DOWN), DEGRADED, "one of two is down"),
        ((DOWN, UP), DEGRADED, "whichever"),
        ((DOWN, DOWN), DOWN, "all its mail hosts are"),
        ((DOWN, NO_MAIL), DOWN, "one has no address, and nobody is there at the other"),
        ((NO_MAIL, NO_MAIL), NO_MAIL, "none has an address"),
        ((UP, NO_MAIL), DEGRADED, "one of two has none"),
        ((UP, DEGRADED), DEGRADED, "one has a trouble"),
        ((UP, UNKNOWN), UP, "what could not be told is no trouble"),
        ((DOWN, UNKNOWN), UNKNOWN, "the other may take its mail"),
        ((UNKNOWN, UNKNOWN), UNKNOWN, "nothing is known"),
    ],
)
def test_a_domain_is_what_its_mail_hosts_are(states: Sequence[State], expected: State, why: str) -> None:
    watch = Watch()
    watch.look(TWO, *states)
    assert watch.known is not None
    assert watch.known.state is expected, why


@pytest.mark.parametrize(
    ("tonight", "expected"),
    [
        (domain(kind=RouteKind.null_mx), NO_MAIL),
        (domain(kind=RouteKind.nxdomain), NO_MAIL),
        (domain(kind=RouteKind.no_mail_host), NO_MAIL),
        (domain(kind=RouteKind.dns_failure), UNKNOWN),
        (domain(kind=RouteKind.skipped), UNKNOWN),
    ],
)
def test_a_domain_without_mail_hosts_is_what_its_dns_says(tonight: Domain, expected: State) -> None:
    watch = Watch()
    watch.look(tonight)
    assert watch.known is not None
    assert watch.known.state is expected


def test_mail_hosts_that_were_not_looked_at_leave_open_whether_all_are_down() -> None:
    route = MailRoute(kind=RouteKind.mx, flags=(RouteFlag.mx_over_limit,), dns_status=DnsStatus.ok, mx_total=30)
    watch = Watch()
    watch.look(replace(TWO, mail_route=route), DOWN, DOWN)
    assert watch.known is not None
    assert watch.known.state is UNKNOWN


def test_what_the_dns_could_not_tell_keeps_the_last_state() -> None:
    watch = Watch()
    watch.look(TWO, DOWN, DOWN)
    watch.look(domain(kind=RouteKind.dns_failure))
    assert watch.known is not None
    assert (watch.known.state, watch.known.shown) == (DOWN, UNKNOWN)


def test_hosts_that_all_could_not_be_told_are_shown_so() -> None:
    watch = Watch()
    watch.look(TWO)
    watch.look(TWO, UP, UP, observed=BLOCKED)
    assert watch.known is not None
    assert (watch.known.state, watch.known.shown) == (UP, BLOCKED)


def test_a_domain_is_down_since_the_last_of_its_hosts_is() -> None:
    watch = Watch()
    watch.look(TWO)
    watch.look(TWO, DOWN, DOWN)
    assert watch.known is not None
    assert watch.known.since == moment(2, 1)


# What is told ---------------------------------------------------------------------------------------

MOVED = domain("mx.elsewhere.example")
GONE = domain(kind=RouteKind.nxdomain)
SERVFAIL = domain(kind=RouteKind.dns_failure)
DANE_VALID, DANE_INVALID, DANE_UNKNOWN = (
    domain(**policies(dane=value)) for value in (PolicyValue.valid, PolicyValue.invalid, PolicyValue.unknown)
)
STS_VALID, STS_INVALID = (domain(**policies(mta_sts=value)) for value in (PolicyValue.valid, PolicyValue.invalid))
HERE, AWAY, OPEN = (domain(**expected_mx(value)) for value in (VerdictValue.yes, VerdictValue.no, VerdictValue.unknown))


@pytest.mark.parametrize(
    ("nights", "told_each_night", "why"),
    [
        ((domain(), domain()), ["", ""], "nothing changed"),
        ((domain(), MOVED), ["", "dns_changed"], "other mail hosts"),
        ((domain(), MOVED, MOVED), ["", "dns_changed", ""], "told once"),
        ((domain(), GONE), ["", "dns_changed"], "it does not exist any more"),
        ((domain(), GONE, domain()), ["", "dns_changed", "dns_changed"], "and again it does"),
        ((domain(), domain(kind=RouteKind.null_mx)), ["", "dns_changed"], "it wants no mail any more"),
        ((domain(), SERVFAIL, domain()), ["", "", ""], "what could not be told has not changed"),
        ((domain(), SERVFAIL, MOVED), ["", "", "dns_changed"], "nor does it hide what has"),
        ((SERVFAIL, domain()), ["", ""], "the first answer is no change"),
        ((SERVFAIL, SERVFAIL, SERVFAIL, SERVFAIL), ["", "", "could_not_tell", ""], "three in a row are one notice"),
        ((domain(), domain(kind=RouteKind.skipped)) * 2, ["", "", "", ""], "who is left alone has not changed"),
        ((domain(kind=RouteKind.skipped),) * 4, ["", "", "", ""], "and is no notice"),
        ((DANE_VALID, DANE_INVALID), ["", "dane_broken"], "DANE broke"),
        ((DANE_VALID, DANE_UNKNOWN, DANE_INVALID), ["", "", "dane_broken"], "with a night between that could not tell"),
        ((DANE_VALID, DANE_UNKNOWN, DANE_VALID), ["", "", ""], "with nothing behind it"),
        ((DANE_INVALID, DANE_INVALID), ["", ""], "it was never valid"),
        ((STS_VALID, STS_INVALID), ["", "mta_sts_broken"], "MTA-STS broke"),
        ((HERE, AWAY), ["", "dns_changed"], "it does not point to where it should any more"),
        ((HERE, OPEN, AWAY), ["", "", "dns_changed"], "with a night between that could not tell"),
        (
            (domain("mx1.example.org", "mx2.example.org"), domain("mx2.example.org", "mx1.example.org")),
            ["", ""],
            "the same mail hosts in another order",
        ),
    ],
)
def test_a_change_is_one_against_the_last_that_was_known(
    nights: Sequence[Domain], told_each_night: list[str], why: str
) -> None:
    assert Watch().told(*nights) == told_each_night, why


def test_a_change_says_what_was_and_what_is() -> None:
    watch = Watch()
    watch.look(domain())
    (event,) = watch.look(MOVED)
    (change,) = event.changes
    assert (change.kind, change.before, change.after) == (
        ChangeKind.mx_changed,
        "10 mx1.example.org",
        "10 mx.elsewhere.example",
    )


def test_a_domain_whose_dns_changes_all_the_time_is_unstable() -> None:
    told = Watch().told(domain(), *[MOVED, domain()] * 2)
    assert told == ["", "dns_changed", "dns_changed", "dns_changed", "unstable"]


def test_the_end_of_an_unrest_is_told_in_its_thread() -> None:
    watch = Watch()
    watch.told(domain(), *[MOVED, domain()] * 2)
    assert watch.known is not None
    watch.known = replace(watch.known, unsteady="0123abcd-1")
    *quiet, last = [watch.look(domain()) for _ in range(7)]
    assert {event.kind for events in quiet for event in events} == {AlertKind.digest}
    assert [(event.kind, event.thread) for event in last] == [(AlertKind.stable, "0123abcd-1")]
    assert watch.known.unsteady is None


# Owners ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "owners"),
    [
        ([""], ()),
        (["a@example.org"], ("a@example.org",)),
        (["a@example.org, b@example.org"], ("a@example.org", "b@example.org")),
        (["a@example.org;b@example.org  c@example.org"], ("a@example.org", "b@example.org", "c@example.org")),
        (["a@example.org", "b@example.org", "a@example.org"], ("a@example.org", "b@example.org")),
        (["n/a"], ()),
        (["Ann Owner <ann@example.org>, <b@example.org>"], ("ann@example.org", "b@example.org")),
        (["info@bücher.example, Info@BÜCHER.example"], ("info@xn--bcher-kva.example", "Info@xn--bcher-kva.example")),
        (["a@b@example.org"], ("a@b@example.org",)),
    ],
)
def test_owners_stand_in_a_column_of_all_lines_of_a_domain(cells: list[str], owners: tuple[str, ...]) -> None:
    first, *more = ({"owner": cell} for cell in cells)
    record = domain(metadata=first, metadata_more=tuple(more))
    assert owners_of(record, "owner") == owners
    assert owners_of(record, "") == ()
    assert owners_of(record, "other") == ()
