"""One alert for each cause: what is put together, and in which thread it stands."""

import pytest
from msgspec.structs import replace

from scanner.outages.alerts import AlertKind, State
from scanner.outages.causes import Happened, draft_alerts
from scanner.outages.domain_watching import DomainEvent
from scanner.outages.host_watching import HostEvent
from scanner.outages.known import KnownHost
from scanner.outages.threads import Threads
from scanner.outcomes import ChangeKind, Effect, Severity
from scanner.records import Change

from .watching import RULES, Portfolio, certificate, night, seen, told

UP, DOWN = State.up, State.down


def test_hosts_of_one_pace_group_that_go_down_together_are_one_alert() -> None:
    portfolio = Portfolio()
    portfolio.see(mx1=UP, mx2=UP, mx3=UP)
    drafts = portfolio.look([seen(DOWN, "mx1.example.org"), seen(DOWN, "mx2.example.org"), seen(UP, "mx3.example.org")])
    assert told(drafts) == ["down mx1.example.org mx2.example.org"]
    assert drafts[0].cause == "mx1.example.org and 1 more mail host"


def test_hosts_at_one_address_that_go_down_together_are_one_alert() -> None:
    """A provider whose customers each have a name of their own for it."""
    names = ("mx.one.example", "mx.two.example", "mx.three.example")
    at = "192.0.9.1"
    portfolio = Portfolio()
    portfolio.look([seen(UP, name) for name in names])
    drafts = portfolio.look([seen(DOWN, name, down_addresses=(at,)) for name in names])
    assert told(drafts) == [f"down {' '.join(names)}"]


def test_hosts_that_share_an_address_with_a_third_are_one_alert() -> None:
    portfolio = Portfolio()
    hosts = {"mx.one.example": ("a",), "mx.two.example": ("b",), "mx.three.example": ("a", "b")}
    portfolio.look([seen(UP, name) for name in hosts])
    drafts = portfolio.look([seen(DOWN, name, down_addresses=at) for name, at in hosts.items()])
    assert len(drafts) == 1


def test_hosts_that_have_nothing_in_common_are_alerts_of_their_own() -> None:
    portfolio = Portfolio()
    portfolio.look([seen(UP, "mx1.example.org"), seen(UP, "mx2.example.net")])
    drafts = portfolio.look([seen(DOWN, "mx1.example.org"), seen(DOWN, "mx2.example.net")])
    assert told(drafts) == ["down mx1.example.org", "down mx2.example.net"]
    assert drafts[0].thread.alert != drafts[1].thread.alert


def test_a_host_that_follows_another_night_is_an_alert_of_its_own() -> None:
    portfolio = Portfolio()
    portfolio.see(mx1=UP, mx2=UP)
    assert portfolio.see(mx1=DOWN, mx2=UP) == ["down mx1.example.org"]
    assert portfolio.see(mx1=DOWN, mx2=DOWN) == ["down mx2.example.org"]


def test_of_several_hosts_of_an_outage_each_night_tells_who_is_back_and_who_is_not() -> None:
    portfolio = Portfolio()
    portfolio.see(mx1=UP, mx2=UP, mx3=UP)
    portfolio.see(mx1=DOWN, mx2=DOWN, mx3=DOWN)
    first = portfolio.look([seen(UP, "mx1.example.org"), *(seen(DOWN, f"mx{n}.example.org") for n in (2, 3))])
    assert told(first) == ["back_online 2 mx1.example.org"]
    assert first[0].still_down == ("mx2.example.org", "mx3.example.org")
    second = portfolio.look([seen(UP, f"mx{n}.example.org") for n in (1, 2, 3)])
    assert told(second) == ["back_online 3 mx2.example.org mx3.example.org"]
    assert second[0].still_down == ()
    assert portfolio.threads == ()


def test_what_is_not_up_at_the_first_look_is_one_alert() -> None:
    portfolio = Portfolio()
    names = ("mx1.example.org", "mx2.example.net")
    drafts = portfolio.look([seen(DOWN, name) for name in names])
    assert told(drafts) == [f"first_look {' '.join(names)}"]
    assert told(portfolio.look([seen(UP, name) for name in names])) == [f"back_online 2 {' '.join(names)}"]


def test_what_could_not_be_told_is_one_notice() -> None:
    portfolio = Portfolio()
    names = ("mx1.example.org", "mx2.example.net")
    for _ in range(2):
        portfolio.look([seen(State.unknown, name) for name in names])
    assert told(portfolio.look([seen(State.unknown, name) for name in names])) == [f"could_not_tell {' '.join(names)}"]


def test_a_certificate_of_many_hosts_is_one_alert() -> None:
    portfolio = Portfolio()
    names = ("mx1.example.org", "mx2.example.net", "mx3.example.com")
    portfolio.look([seen(UP, name) for name in names])
    one, other = certificate(14, 14), certificate(7, 7, "b" * 64)
    drafts = portfolio.look(
        [seen(UP, names[0], certificates=(one,)), seen(UP, names[1], certificates=(other,)),
         seen(UP, names[2], certificates=(one,))]
    )  # fmt: skip
    assert told(drafts) == [f"certificate_expires {names[0]} {names[2]}", f"certificate_expires {names[1]}"]
    assert drafts[0].certificate == one


def test_hosts_that_become_unstable_together_are_one_alert_and_one_digest() -> None:
    portfolio = Portfolio()
    nights = [portfolio.see(mx1=state, mx2=state) for state in (UP, DOWN, UP, DOWN, UP, DOWN)]
    assert nights[4:] == [["unstable mx1.example.org mx2.example.org"], ["digest mx1.example.org mx2.example.org"]]


# Domains --------------------------------------------------------------------------------------------


def change(domain: str, before: str = "10 mx.old.example", after: str = "10 mx.new.example", **more: str) -> Change:
    return Change(
        domain=domain,
        kind=ChangeKind.mx_changed,
        effect=Effect.other,
        severity=Severity.warning,
        hosts=("mx.old.example",),
        before=before,
        after=after,
        evidence=more.get("evidence", ""),
    )


def events(*changes: Change) -> list[str]:
    happened = Happened({}, {})
    happened.domain_events = [DomainEvent(AlertKind.dns_changed, each.domain, (each,)) for each in changes]
    return told(draft_alerts(happened, Threads((), night(1)), RULES))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([change("a.example")], ["dns_changed a.example"]),
        ([change("a.example"), change("b.example")], ["dns_changed a.example b.example"]),
        (
            [change("a.example", evidence="one"), change("b.example", evidence="two")],
            ["dns_changed a.example b.example"],
        ),
        (
            [change("a.example"), change("b.example", after="10 mx.else.example"), change("c.example")],
            ["dns_changed a.example c.example", "dns_changed b.example"],
        ),
    ],
)
def test_domains_that_changed_in_the_same_way_are_one_alert(changes: list[Change], expected: list[str]) -> None:
    assert events(*changes) == expected


def test_domains_that_are_gone_from_dns_in_one_night_are_one_alert_whosever_hosts_they_had() -> None:
    gone = [
        replace(change(f"{name}.example", "mx", "nxdomain"), kind=ChangeKind.nxdomain, hosts=(f"mx.{name}.example",))
        for name in "ab"
    ]
    assert events(*gone) == ["dns_changed a.example b.example"]


def test_a_host_and_a_domain_that_could_not_be_told_are_one_notice() -> None:
    host = KnownHost(name="mx1.example.org", pace_group="example.org")
    kind = AlertKind.could_not_tell
    happened = Happened({host.name: host}, {}, [HostEvent(kind, host.name, ("timed_out at ehlo",))])
    happened.domain_events = [DomainEvent(kind, "a.example", (), ("dns_failure (servfail)",))]
    drafts = draft_alerts(happened, Threads((), night(1)), RULES)
    assert told(drafts) == ["could_not_tell mx1.example.org a.example"]
    assert drafts[0].cause == "mx1.example.org and a.example"
    assert drafts[0].reasons == ("timed_out at ehlo", "dns_failure (servfail)")


# Threads --------------------------------------------------------------------------------------------


def test_threads_of_two_runs_have_different_names() -> None:
    first, second = (Threads((), night(number)).begin(AlertKind.down) for number in (1, 2))
    assert first.alert != second.alert


def test_a_thread_keeps_the_first_and_the_last_run_that_it_tells_of() -> None:
    opened = Threads((), night(1)).begin(AlertKind.down)
    later = Threads((opened,), night(2)).go_on(opened.alert)
    assert (later.sequence, later.runs, later.opened_at) == (2, ("directory-1", "directory-2"), opened.opened_at)
    assert Threads((later,), night(3)).go_on(opened.alert).runs == ("directory-1", "directory-3")


def test_a_thread_that_nothing_refers_to_is_closed() -> None:
    threads = Threads((), night(1))
    kept, gone = threads.begin(AlertKind.down), threads.begin(AlertKind.degraded)
    assert threads.keep_only([kept.alert, None]) == (kept,)
    assert gone.alert != kept.alert
