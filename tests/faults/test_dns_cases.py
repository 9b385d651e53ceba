"""What comes of each answer of the DNS: the second table of faults, read by hand.

As in `test_server_behaviours.py`, this is a second statement beside the entries of the embedded world.
"""

from typing import NamedTuple

import pytest

from scanner.records import Host
from tests.faults.invariant import records_of
from tests.faults.zoo import Zoo

pytestmark = pytest.mark.acceptance


class Row(NamedTuple):
    """A case, its domain, kind and status of the route, A and AAAA of its hosts, the ends, `reachable`, flags."""

    case: str
    domain: str
    route: str
    hosts: str
    ends: str
    reachable: str
    told: tuple[str, ...] = ()


NOBODY = ""  # no host, or no address: nobody is contacted
NOT_PUBLIC = "- not_public"

ROUTES = [
    Row("null MX", "null-mx.lab", "null_mx ok", "", NOBODY, "not_applicable"),
    Row(
        "null MX with others",
        "null-mx-with-others.lab",
        "mx ok",
        "ok/no_data",
        "done ok",
        "yes",
        ("null_mx_with_others", "null-mx-with-others"),
    ),
    Row(
        "null MX at preference 10",
        "null-mx-preference.lab",
        "null_mx ok",
        "",
        NOBODY,
        "not_applicable",
        ("null_mx_preference",),
    ),
    Row("implicit MX", "implicit-mx.lab", "implicit_mx no_data", "ok/no_data", "done ok", "yes", ("implicit-mx",)),
    Row("no mail host", "no-mail-host.lab", "no_mail_host no_data", "", NOBODY, "no", ("no-mail-host",)),
    Row("NXDOMAIN", "does-not-exist.lab", "nxdomain nxdomain", "", NOBODY, "no", ("domain-does-not-exist",)),
    Row(
        "CNAME at the domain",
        "domain-is-cname.lab",
        "mx ok",
        "ok/no_data",
        "done ok",
        "yes",
        ("domain_is_cname",),
    ),
    Row("duplicate MX", "duplicate-mx.lab", "mx ok", "ok/no_data", "done ok", "yes", ("duplicate_mx",)),
    Row("upper case", "upper-case.lab", "mx ok", "ok/no_data", "done ok", "yes"),
    Row("IDN", "m\\xC3\\xBCnchen.lab", "mx ok", "ok/no_data", "done ok", "yes"),
    Row(
        "all preferences equal",
        "equal-preferences.lab",
        "mx ok",
        "ok/no_data, ok/no_data, ok/no_data",
        "done ok, connect refused, done ok",
        "mixed",
    ),
]

FAILURES = [
    Row("SERVFAIL", "dns-servfail.lab", "dns_failure servfail", "", NOBODY, "unknown", ("dns-failure",)),
    Row("REFUSED, lame", "dns-refused.lab", "dns_failure refused", "", NOBODY, "unknown", ("dns-failure",)),
    Row("dropped", "dns-dropped.lab", "dns_failure timed_out", "", NOBODY, "unknown", ("dns-failure",)),
    Row("malformed", "dns-malformed.lab", "dns_failure malformed", "", NOBODY, "unknown", ("dns-failure",)),
    Row("CNAME loop", "dns-cname-loop.lab", "dns_failure cname_loop", "", NOBODY, "unknown", ("dns-failure",)),
    Row(
        "TCP refused after truncation",
        "dns-tcp-refused.lab",
        "dns_failure local_fault",
        "",
        NOBODY,
        "unknown",
        ("scanner-fault",),
    ),
    Row("implicit MX or none, nobody knows", "implicit-mx-unknown.lab", "dns_failure servfail", "", NOBODY, "unknown"),
    Row("truncated then TCP", "dns-truncated.lab", "mx ok", "ok/no_data", "done ok", "yes"),
]

HOSTS = [
    Row("MX to CNAME", "mx-to-cname.lab", "mx ok", "ok/no_data", "done ok", "yes", ("mx_is_cname",)),
    Row("MX to NXDOMAIN", "mx-nxdomain.lab", "mx ok", "nxdomain/nxdomain", NOBODY, "no", ("mx_nxdomain",)),
    Row(
        "all MX hosts NXDOMAIN",
        "every-mx-nxdomain.lab",
        "mx ok",
        "nxdomain/nxdomain, nxdomain/nxdomain",
        NOBODY,
        "no",
        ("mx_nxdomain", "mx-does-not-exist"),
    ),
    Row(
        "MX without address", "mx-without-address.lab", "mx ok", "no_data/no_data", NOBODY, "no", ("mx_has_no_address",)
    ),
    Row(
        "MX with A failing and AAAA fine",
        "mx-a-fails.lab",
        "mx ok",
        "servfail/ok",
        "done ok",
        "yes",
        ("mx-lookup-failed",),
    ),
    Row("MX with both failing", "mx-lookup-fails.lab", "mx ok", "servfail/servfail", NOBODY, "unknown"),
    Row("MX localhost", "mx-localhost.lab", "mx ok", "not_asked/not_asked", NOBODY, "no", ("mx_is_localhost",)),
    Row(
        "MX that is the text of an address",
        "mx-literal.lab",
        "mx ok",
        "not_asked/not_asked",
        NOBODY,
        "no",
        ("mx_is_address_literal",),
    ),
    Row("only AAAA", "ipv6-only.lab", "mx ok", "no_data/ok", "done ok", "yes"),
    Row(
        "more addresses than are tried",
        "ten-addresses.lab",
        "mx ok",
        "ok/no_data",
        ", ".join(["done ok"] * 8 + ["- over_limit"] * 2),
        "yes",
        ("addresses_over_limit",),
    ),
]

NOT_CONTACTED = [
    Row("MX to 127.0.0.1 and ::1", "loopback.lab", "mx ok", "ok/ok", f"{NOT_PUBLIC}, {NOT_PUBLIC}", "no"),
    Row("MX to ::ffff:127.0.0.1", "loopback-mapped.lab", "mx ok", "no_data/ok", NOT_PUBLIC, "no"),
    Row("MX to 64:ff9b::7f00:1", "loopback-nat64.lab", "mx ok", "no_data/ok", NOT_PUBLIC, "no"),
    Row("MX to 10/8", "private.lab", "mx ok", "ok/ok", ", ".join([NOT_PUBLIC] * 4), "no"),
    Row("MX to 169.254.169.254", "metadata.lab", "mx ok", "ok/ok", f"{NOT_PUBLIC}, {NOT_PUBLIC}", "no"),
    Row("one address of two not public", "half-private.lab", "mx ok", "ok/no_data", f"{NOT_PUBLIC}, done ok", "mixed"),
    Row(
        "an implicit MX that is not public",
        "private-implicit-mx.lab",
        "implicit_mx no_data",
        "ok/no_data",
        NOT_PUBLIC,
        "no",
        ("address-not-public",),
    ),
]

ROWS = [*ROUTES, *FAILURES, *HOSTS, *NOT_CONTACTED]


@pytest.mark.parametrize("row", ROWS, ids=[row.case for row in ROWS])
def test_a_domain_with_this_dns_is_told_as_it_is(row: Row, zoo: Zoo) -> None:
    record = zoo.record(row.domain)
    assert f"{record.mail_route.kind} {record.mail_route.dns_status}" == row.route
    assert ", ".join(f"{host.a_status}/{host.aaaa_status}" for host in record.mail_hosts) == row.hosts
    assert zoo.ends(row.domain) == row.ends
    assert record.verdicts.reachable.value == row.reachable
    assert set(row.told) <= zoo.told(row.domain)
    assert zoo.offences == []


@pytest.mark.parametrize("row", FAILURES[:-1], ids=[row.case for row in FAILURES[:-1]])
def test_what_the_dns_did_not_say_counts_against_nobody(row: Row, zoo: Zoo) -> None:
    verdicts = zoo.record(row.domain).verdicts
    for verdict in (verdicts.reachable, verdicts.smtp, verdicts.starttls, verdicts.certificate_trusted):
        assert (verdict.value, verdict.no, verdict.complete) == ("unknown", 0, False)


@pytest.mark.parametrize("row", NOT_CONTACTED, ids=[row.case for row in NOT_CONTACTED])
def test_an_address_that_is_not_public_gets_no_session(row: Row, zoo: Zoo) -> None:
    not_public = row.ends.split(", ").count(NOT_PUBLIC)
    assert len(zoo.sessions(row.domain)) == len(row.ends.split(", ")) - not_public


def test_of_300_mx_over_tcp_twenty_are_kept_and_all_are_counted(zoo: Zoo) -> None:
    record = zoo.record("three-hundred-mx.lab")
    assert record.mail_route.mx_total == 300
    assert "mx_over_limit" in record.mail_route.flags
    assert len(record.mail_hosts) == 20
    assert record.verdicts.reachable.complete is False
    asked = [host for host in records_of(zoo.run, Host) if host.exchange.endswith(".three-hundred-mx.lab")]
    assert len({host.exchange for host in asked}) == 20
    assert zoo.offences == []
