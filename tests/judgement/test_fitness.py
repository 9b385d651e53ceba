"""Is this place fit to scan from? What the DNS, the kernel and the limits say → checks."""

from typing import Any

import pytest

from scanner.addresses import address_text, parse_address
from scanner.judgement.fitness import (
    LONG_LIST,
    PUBLIC_RESOLVERS,
    Check,
    CheckResult,
    EhloNameFacts,
    ResolverFacts,
    Reverse,
    judge_descriptors,
    judge_ehlo_name,
    judge_families,
    judge_resolver,
)
from scanner.outcomes import DnsStatus

OK, WARNING, FAILED, NOT_KNOWN = CheckResult.ok, CheckResult.warning, CheckResult.failed, CheckResult.not_known
NAME, US, OTHER = "mx.example.org", "192.0.2.1", "198.51.100.9"
FOUND = (DnsStatus.ok, DnsStatus.no_data)


def facts(**changes: Any) -> EhloNameFacts:
    """Our name is us, both ways, with these facts changed."""
    values: dict[str, Any] = {
        "name": NAME,
        "statuses": FOUND,
        "addresses": (US,),
        "sources": (US,),
        "reverse": (Reverse(US, DnsStatus.ok, (NAME,), leads_back=True),),
    }
    return EhloNameFacts(**(values | changes))


NAMES: list[tuple[str, EhloNameFacts, CheckResult, str]] = [
    ("it is us and back", facts(), OK, "mx.example.org is 192.0.2.1 and back"),
    ("no name at all", EhloNameFacts(""), FAILED, "no name is set"),
    (
        "it does not exist",
        facts(statuses=(DnsStatus.nxdomain, DnsStatus.nxdomain), addresses=()),
        FAILED,
        "has no address in the DNS (nxdomain)",
    ),
    (
        "it has no address",
        facts(statuses=(DnsStatus.no_data, DnsStatus.no_data), addresses=()),
        FAILED,
        "has no address in the DNS (no_data)",
    ),
    (
        "half of its lookup failed: unknown is not no",
        facts(statuses=(DnsStatus.no_data, DnsStatus.servfail), addresses=()),
        NOT_KNOWN,
        "could not be looked up (no_data, servfail)",
    ),
    (
        "it is somebody else: NAT, or another host's name",
        facts(addresses=(OTHER,)),
        WARNING,
        f"but our sessions come from {US}",
    ),
    (
        "one family of two comes from elsewhere",
        facts(sources=(US, "2001:db8::1")),
        WARNING,
        "but our sessions come from 2001:db8::1",
    ),
    (
        "our address has no name",
        facts(reverse=(Reverse(US, DnsStatus.nxdomain),)),
        WARNING,
        "192.0.2.1 has no PTR record",
    ),
    (
        "our address has another's name",
        facts(reverse=(Reverse(US, DnsStatus.ok, ("pool-1.isp.test",), leads_back=False),)),
        WARNING,
        "is pool-1.isp.test, which does not lead back",
    ),
    (
        "its name is another one of ours",
        facts(reverse=(Reverse(US, DnsStatus.ok, ("host.example.org",), leads_back=True),)),
        OK,
        "and back",
    ),
    (
        "the way back could not be asked for",
        facts(reverse=(Reverse(US, DnsStatus.servfail),)),
        NOT_KNOWN,
        "the PTR of 192.0.2.1 failed (servfail)",
    ),
    (
        "nobody knows yet from where our sessions come",
        facts(sources=()),
        NOT_KNOWN,
        "that this is us shows in the first session",
    ),
]


@pytest.mark.parametrize(("seen", "result", "said"), [row[1:] for row in NAMES], ids=[row[0] for row in NAMES])
def test_our_name_is_to_be_us_both_ways(seen: EhloNameFacts, result: CheckResult, said: str) -> None:
    check = judge_ehlo_name(seen)
    assert (check.name, check.result) == ("ehlo_name", result)
    assert said in check.said
    assert bool(check.what_to_do) is (result in (WARNING, FAILED))


FAMILIES = [
    (True, True, OK, OK),
    (True, False, OK, WARNING),
    (False, True, WARNING, OK),
    (False, False, FAILED, FAILED),
]


@pytest.mark.parametrize(("ipv4", "ipv6", "result_4", "result_6"), FAMILIES)
def test_one_family_is_enough(ipv4: bool, ipv6: bool, result_4: CheckResult, result_6: CheckResult) -> None:
    checks = judge_families(ipv4=ipv4, ipv6=ipv6)
    assert [(check.name, check.result) for check in checks] == [("ipv4", result_4), ("ipv6", result_6)]
    if ipv4 and not ipv6:
        assert "unknown(no_ipv6)" in checks[1].said


def test_a_lowered_width_is_said() -> None:
    assert judge_descriptors(500, 500, 1024) == Check("descriptors", OK, "enough open files for 500 sessions at a time")
    lowered = judge_descriptors(500, 32, 101)
    assert lowered.result is WARNING
    assert "width lowered to 32, from 500: only 101 open files" in lowered.said


def resolver(domains: int = 100, **changes: Any) -> dict[str, Check]:
    """A resolver of our own that does everything well, with these facts changed: its checks by name."""
    values: dict[str, Any] = {"servers": ("127.0.0.1",), "statuses": (DnsStatus.ok,), "validates": True}
    return {check.name: check for check in judge_resolver(ResolverFacts(**(values | changes)), domains)}


def test_a_good_resolver_is_good() -> None:
    assert {check.result for check in resolver(10**6).values()} == {OK}


@pytest.mark.parametrize(
    ("statuses", "result"),
    [
        ((DnsStatus.timed_out, DnsStatus.timed_out), FAILED),
        ((DnsStatus.local_fault,), FAILED),
        ((DnsStatus.refused, DnsStatus.refused), FAILED),
        ((DnsStatus.servfail,), FAILED),
        ((), FAILED),
        ((DnsStatus.refused, DnsStatus.nxdomain), OK),
        ((DnsStatus.timed_out, DnsStatus.no_data), OK),
    ],
)
def test_a_resolver_that_answers_nothing_is_none(statuses: tuple[DnsStatus, ...], result: CheckResult) -> None:
    checks = resolver(statuses=statuses)
    assert checks["resolver"].result is result
    assert (len(checks) == 1) is (result is FAILED)  # nothing else can be said of it


def test_a_resolver_that_invents_answers_is_unfit() -> None:
    check = resolver(invented=(("xyz.invalid", "198.51.100.1"),))["resolver_honest"]
    assert check.result is FAILED
    assert check.said.startswith("xyz.invalid can't exist, and the resolver says 198.51.100.1")


def test_a_wildcard_of_our_own_registry_may_be_no_invention() -> None:
    assert resolver(registry=(("xyz.ws", "198.51.100.1"),))["resolver_honest"].result is WARNING


@pytest.mark.parametrize(("validates", "result"), [(True, OK), (False, WARNING), (None, NOT_KNOWN)])
def test_without_validation_dane_is_not_known(validates: bool | None, result: CheckResult) -> None:
    check = resolver(validates=validates)["resolver_validates"]
    assert check.result is result
    assert ("DANE will not be known" in check.said) is (result is WARNING)


SIZES: list[tuple[str, str, bool, int, CheckResult]] = [
    ("a public one, for a short list", "8.8.8.8", False, LONG_LIST, OK),
    ("a public one, for a long list", "8.8.8.8", False, LONG_LIST + 1, WARNING),
    ("a public one over IPv6", "2606:4700:4700::1111", False, LONG_LIST + 1, WARNING),
    ("a stub", "127.0.0.53", True, LONG_LIST + 1, WARNING),
    ("the system's, elsewhere", "192.0.2.53", True, LONG_LIST + 1, WARNING),
    ("the system's, elsewhere on the link", "fe80::1%eth0", True, LONG_LIST + 1, WARNING),
    ("the system's, on this host", "127.0.0.1", True, LONG_LIST + 1, OK),
    ("one that was named, elsewhere", "192.0.2.53", False, LONG_LIST + 1, OK),
]


@pytest.mark.parametrize(
    ("server", "is_system", "domains", "result"), [row[1:] for row in SIZES], ids=[r[0] for r in SIZES]
)
def test_a_shared_resolver_is_not_for_long_lists(
    server: str, is_system: bool, domains: int, result: CheckResult
) -> None:
    check = resolver(domains, servers=("127.0.0.1", server), is_system=is_system)["resolver_size"]
    assert check.result is result
    assert (server in check.said) is (result is WARNING)


def test_the_public_resolvers_are_written_as_addresses_are() -> None:
    assert [address_text(parse_address(address)) for address in PUBLIC_RESOLVERS] == list(PUBLIC_RESOLVERS)
