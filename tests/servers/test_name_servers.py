"""What a scan says about names, asked through a real unbound and from a real NSD. No mail server answers."""

from dataclasses import dataclass, replace
from pathlib import Path
from socket import SOCK_DGRAM, SOCK_STREAM

import dns.flags
import dns.message
import dns.query
import pytest

from scanner.records import Domain

from .name_servers import Nsd, Unbound
from .programs import free_port
from .scans import scan, scanning
from .telling import UNREACHABLE, Told, tell, unknown
from .zones import MANY_EXCHANGES

KEPT_MX = 20
NOTHING = "10 nothing.mx.real.test ok/no_data: 127.80.9.1 connect refused"
NOTHING_FOUND = "connection-refused error nothing.mx.real.test [127.80.9.1]"


@dataclass(frozen=True)
class Case:
    """A domain of the zone, why it is there, and everything its record must say."""

    domain: str
    why: str
    route: str
    hosts: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = UNREACHABLE
    findings: frozenset[str] = frozenset()

    @property
    def told(self) -> Told:
        return Told(self.route, self.hosts, self.verdicts, self.findings)


CASES = (
    Case(
        "plain.real.test",
        "one MX, one address, and nobody at home",
        "mx ok 1",
        (NOTHING,),
        findings=frozenset({NOTHING_FOUND}),
    ),
    Case(
        "null-mx.real.test",
        "RFC 7505: says itself that it takes no mail",
        "null_mx ok 1",
        verdicts=("reachable not_applicable 0/0/0", *UNREACHABLE[1:]),
    ),
    Case(
        "own-address.real.test",
        "RFC 5321 §5.1: no MX, so its own address is its mail host",
        "implicit_mx no_data 0",
        ("- own-address.real.test ok/no_data: 127.80.9.2 connect refused",),
        findings=frozenset(
            {
                "implicit-mx notice own-address.real.test",
                "connection-refused error own-address.real.test [127.80.9.2]",
            }
        ),
    ),
    Case(
        "no-mail-host.real.test",
        "the name exists, and has neither MX nor address",
        "no_mail_host no_data 0",
        findings=frozenset({"no-mail-host error no-mail-host.real.test"}),
    ),
    Case(
        "no-such-name.real.test",
        "NXDOMAIN is permanent",
        "nxdomain nxdomain 0",
        findings=frozenset({"domain-does-not-exist error no-such-name.real.test"}),
    ),
    Case(
        "mx-alias.real.test",
        "the exchange is an alias (RFC 2181 §10.3): said, and probed nevertheless",
        "mx ok 1",
        ("10 alias.mx.real.test ok/no_data +mx_is_cname: 127.80.9.3 connect refused",),
        findings=frozenset(
            {
                "mx-is-cname warning alias.mx.real.test",
                "connection-refused error alias.mx.real.test [127.80.9.3]",
            }
        ),
    ),
    Case(
        "mx-gone.real.test",
        "the exchange does not exist",
        "mx ok 1",
        ("10 no-such-host.mx.real.test nxdomain/nxdomain +mx_nxdomain",),
        findings=frozenset({"mx-does-not-exist error no-such-host.mx.real.test"}),
    ),
    Case(
        "mx-empty.real.test",
        "the exchange exists and has no address",
        "mx ok 1",
        ("10 empty.mx.real.test no_data/no_data +mx_has_no_address",),
        findings=frozenset({"mx-has-no-address error empty.mx.real.test"}),
    ),
    Case(
        "cname.real.test",
        "RFC 5321 §5.1: an alias at the domain is followed",
        "mx ok 1 +domain_is_cname",
        (NOTHING,),
        findings=frozenset({NOTHING_FOUND}),
    ),
    Case(
        "xn--mnchen-3ya.real.test",
        "asked for as münchen.real.test",
        "mx ok 1",
        (NOTHING,),
        findings=frozenset({NOTHING_FOUND}),
    ),
    Case(
        "many.real.test",
        "the answer comes over TCP; 20 of its 40 exchanges are kept, the other 20 are unknown",
        f"mx ok {len(MANY_EXCHANGES)} +mx_over_limit",
        tuple(
            f"{preference} {exchange} ok/no_data: {address} connect refused"
            for preference, (exchange, address) in enumerate(MANY_EXCHANGES[:KEPT_MX])
        ),
        (
            "reachable no 0/20/20 over_limit",
            "smtp unknown 0/0/20 preferred=not_applicable over_limit",
            "starttls unknown 0/0/20 preferred=not_applicable over_limit",
            "certificate_trusted unknown 0/0/20 preferred=not_applicable over_limit",
            "certificate_name unknown 0/0/20 preferred=not_applicable over_limit",
        ),
        frozenset(
            {
                "mx-over-limit notice many.real.test",
                *(f"connection-refused error {exchange} [{address}]" for exchange, address in MANY_EXCHANGES[:KEPT_MX]),
            }
        ),
    ),
    Case(
        "lame.test",
        "delegated to a server that does not know it: whether it takes mail is unknown",
        "dns_failure servfail 0",
        verdicts=unknown("servfail"),
        findings=frozenset({"dns-failure warning lame.test"}),
    ),
)

INPUT = ["münchen.real.test" if "xn--" in case.domain else case.domain for case in CASES]


@pytest.fixture(scope="module")
def by_unbound(unbound: Unbound, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Domain]:
    return scan(tmp_path_factory.mktemp("by_unbound"), INPUT, unbound.port, free_port(["127.80.9.1"]))


@pytest.fixture(scope="module")
def by_nsd(nsd: Nsd, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Domain]:
    return scan(tmp_path_factory.mktemp("by_nsd"), INPUT, nsd.port, free_port(["127.80.9.1"]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.domain)
def test_a_record_says_what_the_zone_says_when_unbound_resolves_it(case: Case, by_unbound: dict[str, Domain]) -> None:
    assert tell(by_unbound[case.domain]) == case.told, case.why


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.domain)
def test_a_record_says_what_the_zone_says_when_nsd_itself_is_asked(case: Case, by_nsd: dict[str, Domain]) -> None:
    expected = case.told
    if case.domain == "lame.test":  # the lame server itself says REFUSED; a resolver makes SERVFAIL of it
        expected = replace(expected, route="dns_failure refused 0", verdicts=unknown("refused"))
    assert tell(by_nsd[case.domain]) == expected, case.why


@pytest.mark.parametrize("server", ["nsd", "unbound"])
def test_the_answer_with_40_exchanges_does_not_fit_into_udp(server: str, nsd: Nsd, unbound: Unbound) -> None:
    port = {"nsd": nsd.port, "unbound": unbound.port}[server]
    query = dns.message.make_query("many.real.test.", "MX", use_edns=True, payload=1232)
    assert dns.query.udp(query, "127.0.0.1", timeout=5, port=port).flags & dns.flags.TC
    assert len(dns.query.tcp(query, "127.0.0.1", timeout=5, port=port).answer[0]) == len(MANY_EXCHANGES)


def test_a_resolver_that_is_not_there_ends_the_run_and_no_domain_is_judged(tmp_path: Path) -> None:
    dead = free_port(["127.0.0.1"], (SOCK_STREAM, SOCK_DGRAM))
    with scanning(tmp_path, [f"d{number}.real.test" for number in range(25)], dead, dead) as run:
        run.ended(exit_code=4)
    assert not (tmp_path / "run/domains.jsonl").exists()
