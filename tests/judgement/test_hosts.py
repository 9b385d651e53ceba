"""One mail host: its record, what its units say, and its findings."""

import pytest

from scanner.outcomes import AddressFlag, DnsStatus, HostFlag, Outcome, Stage
from scanner.records import AddressLookup, SessionRecord

from .found import host, looked_up, mx, told
from .judged import GOOD, NO_PLACE, judged, units, unknown
from .sessions import ADDRESS, MX, TARGET, ended, session, without_starttls

NXDOMAIN = looked_up(status=DnsStatus.nxdomain)
SERVFAIL = looked_up(status=DnsStatus.servfail)
TIMED_OUT = looked_up(status=DnsStatus.timed_out)
OUR_FAULT = looked_up(status=DnsStatus.local_fault)
ONE = looked_up(ADDRESS)


def test_a_good_host_has_one_unit_for_each_address_and_nothing_to_tell() -> None:
    found = judged(host(looked_up(ADDRESS), looked_up("2001:db8::1")), {ADDRESS: session(), "2001:db8::1": session()})
    assert units(found) == [GOOD, GOOD]
    assert told(found.findings) == []
    assert {unit.preference for unit in found.units} == {10}
    assert (found.record.preference, found.record.exchange, found.record.flags) == (10, MX, ())
    assert (found.record.a_status, found.record.aaaa_status) == (DnsStatus.ok, DnsStatus.ok)


def test_the_record_of_an_address_says_how_its_session_ended() -> None:
    timed_out = ended(Stage.greeting, Outcome.timed_out, limit="limits.greeting_s", limit_s=30.0)
    (address,) = judged(host(ONE), {ADDRESS: timed_out}).record.addresses
    assert (address.address, address.sessions) == (ADDRESS, (timed_out.session,))
    assert (address.stage, address.outcome) == (Stage.greeting, Outcome.timed_out)
    assert (address.limit, address.reason, address.flags) == ("limits.greeting_s", None, ())


def test_findings_of_a_session_name_host_address_and_proof() -> None:
    found = judged(host(ONE), {ADDRESS: without_starttls()})
    (finding,) = found.findings
    assert told([finding]) == [f"starttls-not-supported error {MX} [{ADDRESS}]"]
    assert finding.session == without_starttls().session
    assert finding.evidence == "EHLO offers SIZE"
    assert finding.fix


# What the DNS says of a host ------------------------------------------------------------------------

LOOKUPS = [
    (
        NXDOMAIN,
        NXDOMAIN,
        ["mx_nxdomain"],
        [NO_PLACE],
        [f"mx-does-not-exist error {MX}"],
        "NXDOMAIN is an answer",
    ),
    (
        looked_up(),
        looked_up(),
        ["mx_has_no_address"],
        [NO_PLACE],
        [f"mx-has-no-address error {MX}"],
        "no data for both is an answer",
    ),
    (
        NXDOMAIN,
        looked_up(),
        ["mx_nxdomain"],
        [NO_PLACE],
        [f"mx-does-not-exist error {MX}"],
        "NXDOMAIN for one type is NXDOMAIN for all (RFC 8020 §2)",
    ),
    (
        SERVFAIL,
        SERVFAIL,
        [],
        [unknown("servfail")],
        [f"mx-lookup-failed warning {MX}"],
        "no answer for both is one unknown",
    ),
    (
        TIMED_OUT,
        looked_up(),
        [],
        [unknown("timed_out")],
        [f"mx-lookup-failed warning {MX}"],
        "no data for one family says nothing about the other",
    ),
    (
        looked_up(),
        SERVFAIL,
        [],
        [unknown("servfail")],
        [f"mx-lookup-failed warning {MX}"],
        "whichever it is",
    ),
    (
        SERVFAIL,
        NXDOMAIN,
        [],
        [unknown("servfail")],
        [f"mx-lookup-failed warning {MX}"],
        "name servers that contradict themselves prove nothing",
    ),
    (
        ONE,
        SERVFAIL,
        [],
        [GOOD, unknown("servfail")],
        [f"mx-lookup-failed warning {MX}"],
        "the addresses of one family, and what the other may have is unknown",
    ),
    (
        OUR_FAULT,
        OUR_FAULT,
        [],
        [unknown("local_fault")],
        [f"scanner-fault notice {MX}"],
        "our own fault is no finding against the host",
    ),
    (
        ONE,
        OUR_FAULT,
        [],
        [GOOD, unknown("local_fault")],
        [f"scanner-fault notice {MX}"],
        "nor in one family",
    ),
    (
        SERVFAIL,
        OUR_FAULT,
        [],
        [unknown("servfail")],
        [f"mx-lookup-failed warning {MX}"],
        "but it does not hide theirs in the other",
    ),
    (
        ONE,
        NXDOMAIN,
        [],
        [GOOD],
        [],
        "a host with an address does exist, whatever is said for the other family",
    ),
    (ONE, looked_up(), [], [GOOD], [], "one family is enough"),
]


@pytest.mark.parametrize(("a", "aaaa", "flags", "said", "findings", "why"), LOOKUPS, ids=[row[-1] for row in LOOKUPS])
def test_a_host_is_what_its_lookups_show(
    a: AddressLookup,
    aaaa: AddressLookup,
    flags: list[str],
    said: list[str],
    findings: list[str],
    why: str,
) -> None:
    found = judged(host(a, aaaa), {ADDRESS: session()})
    assert list(found.record.flags) == flags
    assert units(found) == said
    assert told(found.findings) == findings
    assert (found.record.a_status, found.record.aaaa_status) == (a.dns_status, aaaa.dns_status)


@pytest.mark.parametrize("status", ["servfail", "refused", "bogus", "timed_out", "malformed", "cname_loop"])
def test_every_lookup_that_failed_leaves_an_unknown(status: str) -> None:
    failed = looked_up(status=DnsStatus(status))
    assert units(judged(host(failed, failed))) == [unknown(status)]
    assert units(judged(host(ONE, failed), {ADDRESS: session()})) == [GOOD, unknown(status)]


def test_both_families_are_named_where_a_lookup_failed() -> None:
    (finding,) = judged(host(SERVFAIL, looked_up())).findings
    assert finding.evidence == "A: servfail, AAAA: no_data"


@pytest.mark.parametrize(
    ("exchange", "flag", "finding"),
    [
        ("192.0.2.1", HostFlag.mx_is_address_literal, "mx-is-address-literal error 192.0.2.1"),
        ("localhost", HostFlag.mx_is_localhost, "mx-is-localhost error localhost"),
    ],
)
def test_a_name_behind_which_there_is_no_host_is_a_no_without_a_lookup(
    exchange: str, flag: HostFlag, finding: str
) -> None:
    found = judged(None, of=mx(exchange, 10, flag))
    assert units(found) == [NO_PLACE]
    assert told(found.findings) == [finding]
    assert found.record.flags == (flag,)
    assert (found.record.a_status, found.record.aaaa_status) == (DnsStatus.not_asked, DnsStatus.not_asked)


def test_a_host_that_was_not_looked_up_yet_is_unknown() -> None:
    found = judged(None)
    assert units(found) == [unknown("not_yet_probed")]
    assert told(found.findings) == []


def test_an_alias_is_told_and_followed() -> None:
    found = judged(host(looked_up(ADDRESS, alias="alias.example.net")), {ADDRESS: session()})
    assert found.record.flags == (HostFlag.mx_is_cname,)
    assert told(found.findings) == [f"mx-is-cname warning {MX}"]
    assert found.findings[0].evidence == f"{MX} is an alias of alias.example.net"
    assert units(found) == [GOOD]


def test_an_alias_of_the_other_family_is_one_too() -> None:
    found = judged(host(ONE, looked_up(alias="alias.example.net")), {ADDRESS: session()})
    assert found.record.flags == (HostFlag.mx_is_cname,)


def test_the_implicit_mx_may_be_an_alias() -> None:
    # RFC 5321 §5.1: it is the domain itself, and that has the flag.
    implicit = mx(MX, None)
    found = judged(host(looked_up(ADDRESS, alias="alias.example.net")), {ADDRESS: session()}, of=implicit)
    assert (found.record.preference, found.record.flags, told(found.findings)) == (None, (), [])


# Members of a pool ----------------------------------------------------------------------------------


def test_members_of_a_pool_that_differ_are_told_with_who_does_what() -> None:
    found = judged(
        host(looked_up("192.0.2.1", "192.0.2.2", "192.0.2.3")),
        {
            "192.0.2.1": session(),
            "192.0.2.2": without_starttls(),
            "192.0.2.3": ended(Stage.greeting, Outcome.timed_out),
        },
    )
    assert told(found.findings)[0] == f"pool-members-differ warning {MX}"
    assert found.findings[0].evidence == "starttls: 192.0.2.1 yes, 192.0.2.2 no"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (session(), "alike"),
        (ended(Stage.connect, Outcome.refused), "a member that is down is no other configuration"),
        (ended(Stage.tls, Outcome.timed_out), "what is not known is no difference"),
    ],
)
def test_members_that_do_not_contradict_each_other_do_not_differ(other: SessionRecord, why: str) -> None:
    found = judged(host(looked_up("192.0.2.1", "192.0.2.2")), {"192.0.2.1": session(), "192.0.2.2": other})
    assert not any("pool" in line for line in told(found.findings))


def test_attempts_that_contradict_each_other_flag_the_address_and_are_told() -> None:
    second = session(session=f"{TARGET}.2.survey", attempt=2)
    found = judged(host(ONE), {ADDRESS: [without_starttls(), second]})
    (address,) = found.record.addresses
    assert address.flags == (AddressFlag.attempts_differ,)
    assert address.sessions == (without_starttls().session, second.session)
    assert told(found.findings) == [f"attempts-differ notice {MX} [{ADDRESS}]"]
    assert found.findings[0].session == second.session
