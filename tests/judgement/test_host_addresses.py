"""The addresses of one mail host: those without a session, those withdrawn, and those that others speak for."""

import pytest
from msgspec.structs import replace

from scanner.judgement.certificates import ChainJudge
from scanner.judgement.host_addresses import FactsOf
from scanner.judgement.hosts import HostJudgement, judge_host
from scanner.judgement.lookups import merge_hosts
from scanner.judgement.run_sessions import RunSessions
from scanner.outcomes import AddressFlag, DnsStatus, HostFlag, Outcome, Stage
from scanner.records import Host, SessionRecord

from .facts import ALL_WELL, facts
from .found import ROOTS, facts_of, flagged, host, looked_up, mx, options, told
from .judged import GOOD, NO_PLACE, judged, units, unknown
from .sessions import ADDRESS, MX, TARGET, ended, session, without_starttls

_CHAINS = ChainJudge(ROOTS, {})

# Without a session ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "said", "reason", "findings", "why"),
    [
        (
            (AddressFlag.not_public,),
            NO_PLACE,
            "not_public",
            [f"address-not-public error {MX} [10.0.0.1]"],
            "the DNS answer shows that nobody outside can deliver there",
        ),
        ((AddressFlag.own_address,), unknown("own_address"), "own_address", [], "ours: nothing to say"),
        ((AddressFlag.opted_out,), unknown("opted_out"), "opted_out", [], "wants to be left alone"),
        (
            (AddressFlag.not_public, AddressFlag.opted_out),
            unknown("opted_out"),
            "opted_out",
            [],
            "about those who want to be left alone nothing is said at all",
        ),
    ],
)
def test_an_address_that_is_not_contacted_says_why(
    flags: tuple[AddressFlag, ...], said: str, reason: str, findings: list[str], why: str
) -> None:
    found = judged(host(looked_up(flagged("10.0.0.1", *flags))))
    assert units(found) == [said]
    assert told(found.findings) == findings
    (address,) = found.record.addresses
    assert (address.reason, address.flags) == (reason, flags)
    assert (address.sessions, address.stage, address.outcome, address.limit) == ((), None, None, None)


def test_addresses_over_the_limit_are_listed_and_unknown() -> None:
    found = judged(
        host(looked_up("192.0.2.1", "192.0.2.2"), looked_up("2001:db8::1")),
        {"192.0.2.1": session(), "2001:db8::1": session()},
        max_addresses=2,
    )
    assert units(found) == [GOOD, unknown("over_limit"), GOOD]
    assert [address.reason for address in found.record.addresses] == [None, "over_limit", None]
    assert found.record.flags == (HostFlag.addresses_over_limit,)
    assert told(found.findings) == [f"addresses-over-limit notice {MX}"]
    assert found.findings[0].evidence == f"{MX} has 3 addresses, more than are tried"


@pytest.mark.parametrize(
    ("address", "no_ipv6", "reason", "why"),
    [
        ("2001:db8::1", True, "no_ipv6", "we have no IPv6: about us, not about the host"),
        ("2001:db8::1", False, "not_yet_probed", "the run is not finished"),
        ("192.0.2.1", True, "not_yet_probed", "IPv4 does not need it"),
        ("::ffff:192.0.2.1", True, "not_yet_probed", "dialled as IPv4"),
    ],
)
def test_an_address_without_a_session_is_unknown(address: str, no_ipv6: bool, reason: str, why: str) -> None:
    found = judged(host(aaaa=looked_up(address)), no_ipv6=no_ipv6)
    assert units(found) == [unknown(reason)]
    assert [one.reason for one in found.record.addresses] == [reason]
    assert told(found.findings) == []


def test_a_session_counts_although_a_later_start_has_no_ipv6() -> None:
    found = judged(host(aaaa=looked_up("2001:db8::1")), {"2001:db8::1": session()}, no_ipv6=True)
    assert units(found) == [GOOD]


# Opted out ------------------------------------------------------------------------------------------

NOT_ASKED = looked_up(status=DnsStatus.not_asked)


@pytest.mark.parametrize(
    ("found", "opt_out", "reason", "why"),
    [
        (host(looked_up(ADDRESS)), ADDRESS, "opted_out", "the address is on the list since it was looked up"),
        (host(looked_up(ADDRESS)), "192.0.2.0/24", "opted_out", "its network is"),
        (host(looked_up(ADDRESS)), MX, "opted_out", "its host is"),
        (host(looked_up(ADDRESS)), "example.org", "opted_out", "and all below a name"),
        (host(looked_up(ADDRESS)), "192.0.2.2", "not_yet_probed", "another address is not"),
        (host(looked_up(ADDRESS)), "mx2.example.org", "not_yet_probed", "another host is not"),
        (host(NOT_ASKED, NOT_ASKED), "", "opted_out", "a host is asked for, unless it opted out"),
        (None, MX, "opted_out", "it will never be asked for"),
        (None, "", "not_yet_probed", "it will be"),
    ],
)
def test_who_opted_out_is_unknown_for_that(found: Host | None, opt_out: str, reason: str, why: str) -> None:
    of_host = judged(found, opt_out=opt_out)
    assert units(of_host) == [unknown(reason)]
    assert [one.reason for one in of_host.record.addresses] == [reason] * bool(found and found.a.addresses)
    assert told(of_host.findings) == []


def test_what_was_heard_before_somebody_opted_out_stands() -> None:
    of_host = judged(host(looked_up(ADDRESS)), {ADDRESS: session()}, opt_out=ADDRESS)
    assert units(of_host) == [GOOD]


# Withdrawn ------------------------------------------------------------------------------------------


def looked_up_again(before: Host, after: Host) -> Host:
    return merge_hosts(before, replace(after, attempt=2))


ANOTHER = "192.0.2.2"
MOVED = looked_up_again(host(looked_up(ADDRESS)), host(looked_up(ANOTHER)))
REFUSED = ended(Stage.connect, Outcome.refused)


def test_a_withdrawn_address_whose_session_failed_stands_there_and_has_no_vote() -> None:
    of_host = judged(MOVED, {ADDRESS: REFUSED, ANOTHER: session()})
    assert units(of_host) == [GOOD]
    assert told(of_host.findings) == []
    shown = {one.address: (one.outcome, one.flags, len(one.sessions)) for one in of_host.record.addresses}
    assert shown == {
        ANOTHER: (Outcome.ok, (), 1),
        ADDRESS: (Outcome.refused, (AddressFlag.address_withdrawn,), 1),
    }


def test_a_withdrawn_address_whose_session_was_good_keeps_its_vote() -> None:
    of_host = judged(MOVED, {ADDRESS: without_starttls(), ANOTHER: REFUSED})
    assert units(of_host) == [NO_PLACE, "yes yes no - -"]
    assert told(of_host.findings) == [
        f"connection-refused error {MX} [{ANOTHER}]",
        f"starttls-not-supported error {MX} [{ADDRESS}]",
    ]


def test_a_withdrawn_address_that_nobody_talked_to_is_not_shown() -> None:
    of_host = judged(MOVED, {ANOTHER: session()})
    assert [one.address for one in of_host.record.addresses] == [ANOTHER]
    assert units(of_host) == [GOOD]


@pytest.mark.parametrize(
    ("after", "sessions", "said", "finding", "why"),
    [
        (host(), REFUSED, [NO_PLACE], "mx-has-no-address", "all that there was is gone: the DNS shows that"),
        (
            host(looked_up(status=DnsStatus.nxdomain), looked_up(status=DnsStatus.nxdomain)),
            REFUSED,
            [NO_PLACE],
            "mx-does-not-exist",
            "the whole name is gone",
        ),
        (host(), session(), [GOOD, NO_PLACE], "mx-has-no-address", "it worked, and then it was taken away"),
    ],
)
def test_a_host_of_which_every_address_was_withdrawn_has_no_place(
    after: Host, sessions: SessionRecord, said: list[str], finding: str, why: str
) -> None:
    of_host = judged(looked_up_again(host(looked_up(ADDRESS)), after), {ADDRESS: sessions})
    assert units(of_host) == said
    assert told(of_host.findings) == [f"{finding} error {MX}"]


def test_a_withdrawn_address_takes_no_place_of_a_published_one() -> None:
    three = looked_up("192.0.2.1", "192.0.2.2", "192.0.2.3")
    again = looked_up_again(host(looked_up("192.0.2.1")), host(looked_up("192.0.2.2", "192.0.2.3")))
    of_host = judged(again, {"192.0.2.1": REFUSED, "192.0.2.2": session(), "192.0.2.3": session()}, max_addresses=2)
    assert units(of_host) == [GOOD, GOOD]
    assert of_host.record.flags == ()
    assert judged(host(three), max_addresses=2).record.flags == (HostFlag.addresses_over_limit,)


def test_an_address_that_was_tried_counts_although_another_has_taken_its_place_since() -> None:
    again = looked_up_again(host(looked_up("192.0.2.5")), host(looked_up("192.0.2.1", "192.0.2.5")))
    of_host = judged(again, {"192.0.2.1": session(), "192.0.2.5": session()}, max_addresses=1)
    assert units(of_host) == [GOOD, GOOD]


# Other names at the address -------------------------------------------------------------------------


def of_a_third_name(*held: SessionRecord) -> HostJudgement:
    """The host when these sessions were held with its address under other names."""
    others = {(f"mx{number}.test", ADDRESS): one for number, one in enumerate(held)}
    named = {key: replace(one, session=f"{number:016x}.1.survey") for number, (key, one) in enumerate(others.items())}
    return judge_host(mx(), host(looked_up(ADDRESS)), facts_of(named), options())


def test_what_two_names_met_is_shared_with_their_sessions_as_proof() -> None:
    of_host = of_a_third_name(REFUSED, REFUSED)
    (address,) = of_host.record.addresses
    assert address.flags == (AddressFlag.shared_across_names,)
    assert address.sessions == ("0000000000000000.1.survey", "0000000000000001.1.survey")
    assert (address.stage, address.outcome, address.reason) == (Stage.connect, Outcome.refused, None)
    assert units(of_host) == [NO_PLACE]
    assert told(of_host.findings) == [f"connection-refused error {MX} [{ADDRESS}]"]
    assert of_host.findings[0].session == address.sessions[0]


def test_what_one_name_met_is_not_shared() -> None:
    assert units(of_a_third_name(REFUSED)) == [unknown("not_yet_probed")]


def test_who_opted_out_is_not_spoken_for_by_others() -> None:
    sessions = facts_of({("a.test", ADDRESS): REFUSED, ("b.test", ADDRESS): REFUSED})
    of_host = judge_host(mx(), host(looked_up(ADDRESS)), sessions, options(opt_out=MX))
    assert units(of_host) == [unknown("opted_out")]
    flagged_so = host(looked_up(flagged(ADDRESS, AddressFlag.opted_out)))
    assert units(judge_host(mx(), flagged_so, sessions, options())) == [unknown("opted_out")]


def test_a_withdrawn_address_is_not_spoken_for_by_others() -> None:
    sessions = facts_of({("a.test", ADDRESS): REFUSED, ("b.test", ADDRESS): REFUSED, (MX, ANOTHER): session()})
    assert units(judge_host(mx(), MOVED, sessions, options())) == [GOOD]


def many_certificates(most_names: int) -> FactsOf:
    """An address at which every name is served another certificate."""
    sessions = RunSessions(_CHAINS, most_names)
    for name in ("a.test", "b.test"):
        sessions.add(facts(ALL_WELL, server_name=name, chain=(name,), session=f"{name}.1.survey"))
    return sessions.of


def test_a_name_beyond_those_that_are_asked_says_why_it_is_not_known() -> None:
    of_host = judge_host(mx(), host(looked_up(ADDRESS)), many_certificates(2), options())
    (address,) = of_host.record.addresses
    assert (address.reason, address.sessions, address.stage) == ("certificate_differs_by_name", (), None)
    assert units(of_host) == ["yes yes yes ?certificate_differs_by_name ?certificate_differs_by_name"]
    assert told(of_host.findings) == [f"certificate-differs-by-name notice {MX} [{ADDRESS}]"]
    assert of_host.findings[0].session is None
    assert units(judge_host(mx(), host(looked_up(ADDRESS)), many_certificates(3), options())) == [
        unknown("not_yet_probed")
    ]


# While our own network was cut off ------------------------------------------------------------------


def test_an_address_tried_only_while_we_were_cut_off_shows_no_end() -> None:
    sessions = RunSessions(_CHAINS, 10)
    sessions.add(facts(5 * "?vantage ", Outcome.refused, Stage.connect, is_lost=True))
    of_host = judge_host(mx(), host(looked_up(ADDRESS)), sessions.of, options())
    (address,) = of_host.record.addresses
    assert (address.stage, address.outcome, address.limit, address.reason) == (None, None, None, "vantage")
    assert address.sessions == (f"{TARGET}.1.survey",)
    assert units(of_host) == [unknown("vantage")]
