"""How a mail host is, by the attempts at its addresses."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.outages.alerts import State
from scanner.outages.attempt_ends import Attempt, Ending
from scanner.outages.host_health import HealthRules, HostSeen, Trouble, judge_host_health
from scanner.outcomes import AddressFlag, DnsStatus, HostFlag
from scanner.records import JudgedAddress, JudgedCertificate, JudgedHost
from scanner.times import utc_text
from scanner.tls.identity import NameMatch

A, B = "192.0.2.1", "198.51.100.1"
MX = "mx1.example.org"
PAUSE_S = 300.0
RULES = HealthRules(PAUSE_S, (30, 14, 7, 1), {})

GOOD, DOWN, US, OTHER = Ending.good, Ending.down_like, Ending.blocked_us, Ending.other


def attempt(number: int, ending: Ending, at_s: float = 0.0, **changes: Any) -> Attempt:
    """An attempt that took ten seconds; the second one begins a pause after the first, `at_s` later."""
    began_s = 1_800_000_000.0 + (number - 1) * (10.0 + PAUSE_S) + at_s
    fields: dict[str, Any] = {
        "session": f"{number}-{changes.get('server_name', MX)}",
        "server_name": MX,
        "number": number,
        "is_survey": True,
        "started_at": utc_text(began_s),
        "ended_at": utc_text(began_s + 10.0),
        "ending": ending,
        "why": f"{ending}",
        "offers_tls": True if ending is GOOD else None,
        "tls_failed": False,
    }
    return Attempt(**(fields | changes))


def address(name: str = A, *sessions: str, **changes: Any) -> JudgedAddress:
    record = JudgedAddress(address=name, sessions=sessions, stage=None, outcome=None, limit=None, reason=None, flags=())
    return replace(record, **changes)


def health(attempts: dict[str, Sequence[Attempt]], rules: HealthRules = RULES, **changes: Any) -> HostSeen:
    """The health of a host with an address for each list of attempts."""
    addresses = tuple(address(name, *(each.session for each in made)) for name, made in attempts.items())
    host = JudgedHost(
        preference=10,
        exchange=MX,
        flags=(),
        a_status=DnsStatus.ok,
        aaaa_status=DnsStatus.no_data,
        addresses=addresses,
    )
    return judge_host_health(replace(host, **changes), "example.org", lambda name: attempts.get(name, ()), rules)


@pytest.mark.parametrize(
    ("attempts", "state", "why"),
    [
        ([attempt(1, GOOD)], State.up, "one good session is enough"),
        ([attempt(1, DOWN), attempt(2, GOOD)], State.up, "a lost packet, a filter of 20 seconds: the second came up"),
        ([attempt(1, DOWN), attempt(2, DOWN)], State.down, "both failed, a pause apart"),
        ([attempt(1, DOWN)], State.unknown, "one attempt says nothing"),
        ([attempt(1, DOWN), attempt(2, DOWN, at_s=-2.0)], State.unknown, "not a whole pause apart"),
        ([attempt(1, DOWN), attempt(2, DOWN, at_s=-0.9)], State.down, "a clock that was set by less than a second"),
        ([attempt(1, DOWN), attempt(1, DOWN, at_s=600.0)], State.unknown, "the same attempt made again is one"),
        ([attempt(1, DOWN), attempt(2, OTHER)], State.unknown, "the second failed in another way"),
        ([attempt(1, OTHER), attempt(2, DOWN)], State.unknown, "or the first did"),
        ([attempt(1, DOWN), attempt(2, US)], State.blocked_us, "it speaks, and not with us"),
        ([attempt(1, US), attempt(2, GOOD)], State.up, "it spoke with us in the end"),
        ([attempt(1, DOWN), attempt(2, DOWN, is_survey=False)], State.unknown, "a small ClientHello is no attempt"),
        ([], State.unknown, "nothing was asked"),
    ],
)
def test_down_needs_two_attempts_a_pause_apart(attempts: list[Attempt], state: State, why: str) -> None:
    assert health({A: attempts}).state is state, why


def test_without_a_pause_to_keep_two_attempts_may_follow_at_once() -> None:
    rules = HealthRules(0.0, (), {})
    assert health({A: [attempt(1, DOWN), attempt(2, DOWN, at_s=-PAUSE_S)]}, rules).state is State.down


TWICE = [attempt(1, DOWN), attempt(2, DOWN)]


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        ([attempt(1, GOOD)], [attempt(1, GOOD)], State.up),
        ([attempt(1, GOOD)], TWICE, State.degraded),
        (TWICE, TWICE, State.down),
        (TWICE, [attempt(1, OTHER)], State.unknown),
        (TWICE, [attempt(1, US)], State.blocked_us),
        ([attempt(1, GOOD)], [attempt(1, OTHER)], State.up),
        ([attempt(1, OTHER)], [attempt(1, OTHER)], State.unknown),
    ],
)
def test_a_host_is_down_when_all_its_addresses_are(first: list[Attempt], second: list[Attempt], state: State) -> None:
    assert health({A: first, B: second}).state is state
    assert health({A: second, B: first}).state is state


@pytest.mark.parametrize(
    ("changes", "state", "why"),
    [
        ({"addresses": ()}, State.no_mail, "the DNS says that it has no address"),
        ({"addresses": (), "a_status": DnsStatus.nxdomain}, State.no_mail, "or that there is no such name"),
        ({"addresses": (), "a_status": DnsStatus.servfail}, State.unknown, "the DNS did not answer"),
        ({"addresses": (), "a_status": DnsStatus.local_fault}, State.unknown, "we could not ask"),
        ({"addresses": (), "a_status": DnsStatus.not_asked, "flags": (HostFlag.mx_is_localhost,)}, State.no_mail, ""),
        ({"aaaa_status": DnsStatus.timed_out}, State.unknown, "it may have an address that works"),
        ({"addresses": (address(A, flags=(AddressFlag.not_public,), reason="not_public"),)}, State.no_mail, ""),
        ({"addresses": (address(A, reason="opted_out"),)}, State.unknown, "nobody asked"),
        ({"addresses": (address(A, "1-" + MX), address(B, reason="no_ipv6"))}, State.down, "not asked: we can't"),
        ({"addresses": (address(A, "1-" + MX), address(B, reason="over_limit"))}, State.down, "not asked: enough were"),
        ({"addresses": (address(A, "1-" + MX), address(B, reason="not_yet_probed"))}, State.unknown, "not asked yet"),
        (
            {"addresses": (address(A, "1-" + MX), address(B, flags=(AddressFlag.address_withdrawn,)))},
            State.down,
            "its owner took the other one out of the DNS",
        ),
        (
            {"addresses": (address(A, "1-" + MX), address(B, flags=(AddressFlag.not_public,)))},
            State.down,
            "nobody reaches the other one either",
        ),
    ],
)
def test_what_the_dns_says_counts(changes: dict[str, Any], state: State, why: str) -> None:
    assert health({A: TWICE}, **changes).state is state, why


def test_an_address_that_works_outweighs_a_lookup_that_failed() -> None:
    assert health({A: [attempt(1, GOOD)]}, aaaa_status=DnsStatus.timed_out).state is State.up


def test_a_host_that_is_left_alone_is_known_to_be() -> None:
    seen = health({}, addresses=(address(A, reason="own_address"),))
    assert (seen.state, seen.is_left_alone) == (State.unknown, True)


def test_witnesses_speak_with_all_their_attempts() -> None:
    """Of an address that two other names were refused at, the record names their last sessions only."""
    others = ("mx.one.example", "mx.two.example")
    made = [attempt(number, DOWN, server_name=name) for number in (1, 2) for name in others]
    host = health({A: made}, addresses=(address(A, *(each.session for each in made if each.number == 2)),))
    assert host.state is State.down
    assert len(host.sessions) == 4


def test_another_name_that_comes_up_at_the_address_does_not_speak_for_this_one() -> None:
    made = [*TWICE, attempt(1, GOOD, server_name="mx.other.example")]
    assert health({A: made}, addresses=(address(A, *(each.session for each in TWICE)),)).state is State.down


def test_at_an_address_that_was_not_asked_for_this_name_all_speak() -> None:
    made = [attempt(1, GOOD, server_name="mx.other.example")]
    assert health({A: made}, addresses=(address(A, reason="over_limit"),)).state is State.up


@pytest.mark.parametrize(
    ("made", "state", "troubles"),
    [
        ([attempt(1, GOOD, offers_tls=False)], State.up, []),
        ([attempt(1, GOOD, offers_tls=False, tls_failed=True)], State.degraded, [Trouble.tls_broken]),
        ([attempt(1, GOOD, offers_tls=False, tls_failed=True), attempt(2, GOOD)], State.up, []),
    ],
)
def test_starttls_that_is_offered_and_fails_degrades(
    made: list[Attempt], state: State, troubles: list[Trouble]
) -> None:
    seen = health({A: made})
    assert (seen.state, [reason.trouble for reason in seen.reasons]) == (state, troubles)


def test_a_host_offers_tls_if_all_its_addresses_do() -> None:
    with_tls, without, unknown = (attempt(1, GOOD, offers_tls=offers) for offers in (True, False, None))
    assert health({A: [with_tls], B: [with_tls]}).offers_tls is True
    assert health({A: [with_tls], B: [without]}).offers_tls is False
    assert health({A: [with_tls], B: [unknown]}).offers_tls is None
    assert health({A: TWICE, B: [with_tls]}).offers_tls is True


@pytest.mark.parametrize(
    ("days_left", "trouble"),
    [
        (20, None),
        (13, Trouble.certificate_expires_soon),
        (-1, Trouble.certificate_expired),
    ],
)
def test_a_certificate_near_its_end_degrades(days_left: int, trouble: Trouble | None) -> None:
    served = JudgedCertificate(
        sha256="a" * 64,
        trusted=True,
        code=None,
        reason="",
        name=NameMatch.matches,
        not_after=utc_text(1_800_000_000.0 + days_left * 86400),
        days_left=days_left,
    )
    seen = health({A: [attempt(1, GOOD)]}, addresses=(address(A, "1-" + MX, certificate=served),))
    assert [reason.trouble for reason in seen.reasons] == ([trouble] if trouble else [])
    assert len(seen.certificates) == 1  # told of already with 30 days left


def test_a_host_shows_which_networks_it_was_reached_in() -> None:
    seen = health({A: [attempt(1, GOOD)], B: TWICE})
    assert dict(seen.networks) == {"192.0.2.0/24": State.up, "198.51.100.0/24": State.down}
    assert seen.networks_up == ("192.0.2.0/24",)
    assert seen.down_addresses == (B,)


def test_an_outage_is_since_its_first_failing_attempt() -> None:
    seen = health({A: TWICE})
    assert seen.since == TWICE[0].started_at
    assert seen.good_at is None
    assert seen.reasons[0].said == f"{A}: down_like (2 attempts)"
