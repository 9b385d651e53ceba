"""Is this place fit to scan from? Asked of real resolvers, through signed and unsigned zones, and of real servers."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest

from scanner.records import Event
from tests.acceptance.running import records_of

from . import name_servers
from .name_servers import Nsd, Unbound
from .postfix import Postfix, configured_postfix
from .programs import free_port, require_programs
from .scans import mxscan, place_options, scanning
from .smtpds import Smtpd
from .transport.signed_zones import SignedWorld, Zone, sign_world

# Three servers each, of three networks and three owners: honest ones; ones that greet alike, and ones that serve
# the same certificate of somebody else, as something on the way would.
_MAY = "smtpd_tls_security_level=may"
HONEST = tuple((f"honest-{number}.test", f"127.80.1{number}.1") for number in range(3))
GREETED_ALIKE = tuple((f"greeted-{number}.test", f"127.80.2{number}.1") for number in range(3))
SERVED_ALIKE = tuple((f"served-{number}.test", f"127.80.3{number}.1") for number in range(3))

SERVICES = (
    *(Smtpd(domain, address, "good", (f"myhostname=mx.{domain}",)) for domain, address in HONEST),
    *(Smtpd(domain, address, "good", ("myhostname=proxy.example",)) for domain, address in GREETED_ALIKE),
    *(Smtpd(domain, address, "good", (f"myhostname=mx.{domain}", _MAY)) for domain, address in SERVED_ALIKE),
)

ZONES = (
    Zone(
        "real.test.",
        (
            "scanner A 127.0.0.1",
            "second-name A 127.0.0.1",
            "no-ptr A 127.0.0.3",
            "liar A 127.0.0.4",
            "bogus A 127.0.0.1",
        ),
        spoilt=("bogus.real.test. A",),
    ),
    Zone(
        "0.0.127.in-addr.arpa.",
        ("1 PTR scanner.real.test.", "4 PTR somebody-else.real.test."),
        delegation="insecure",
    ),
    *(
        Zone(f"{domain}.", ("@ MX 10 mx", f"mx A {address}"), delegation="insecure")
        for domain, address in chain(HONEST, GREETED_ALIKE, SERVED_ALIKE)
    ),
)


@pytest.fixture(scope="module")
def signed_world(tmp_path_factory: pytest.TempPathFactory) -> SignedWorld:
    require_programs("ldns-keygen", "ldns-signzone")
    return sign_world(tmp_path_factory.mktemp("keys"), ZONES)


@pytest.fixture(scope="module")
def signed_nsd(signed_world: SignedWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nsd]:
    with name_servers.nsd(tmp_path_factory.mktemp("signed_nsd"), signed_world.zones) as server:
        yield server


#: What makes an unbound one that validates, does not, or says that there is what can't be there.
HABITS = {
    "validates": ("validator iterator",),
    "does not validate": ("iterator",),
    "invents com": ("iterator", 'local-zone: "com." redirect', 'local-data: "com. A 127.80.9.7"'),
    "invents invalid": ("iterator", 'local-zone: "invalid." redirect', 'local-data: "invalid. A 127.80.9.7"'),
}


@pytest.fixture(scope="module")
def each_unbound(
    signed_world: SignedWorld, signed_nsd: Nsd, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Unbound]]:
    """An unbound for each habit; the one that validates knows the root's key."""
    with contextlib.ExitStack() as stack:
        yield {
            habit: stack.enter_context(
                name_servers.unbound(
                    tmp_path_factory.mktemp("unbound"),
                    signed_nsd.port,
                    signed_world.zones,
                    modules=modules,
                    more=(*more, f'trust-anchor: "{signed_world.trust_anchor}"'),
                )
            )
            for habit, (modules, *more) in HABITS.items()
        }


@pytest.fixture(scope="module")
def canary_postfix() -> Iterator[Postfix]:
    with configured_postfix(SERVICES) as server:
        server.start()
        yield server


@dataclass(frozen=True)
class Checked:
    """How `mxscan preflight` ended, and what it said: each check with its result, and with its words."""

    exit_code: int
    results: dict[str, str]
    said: dict[str, str]


def preflight(
    directory: Path, dns_port: int, port: int, *options: str, domains: tuple[str, ...] = (), **tables: dict[str, object]
) -> Checked:
    """`mxscan preflight`, of a list if there is one. IPv6 is as this machine has it, and left out."""
    targets = directory / "list.txt"
    targets.write_text("".join(f"{domain}\n" for domain in domains), encoding="utf-8")
    given = (targets,) if domains else ()
    command = mxscan("preflight", *given, *place_options(directory, dns_port, port, **tables), *options, "--json")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    checks = {check["name"]: check for check in json.loads(done.stdout or '{"checks": []}')["checks"]}
    assert checks.pop("ipv6", None), done.stderr
    return Checked(
        done.returncode,
        {name: check["result"] for name, check in checks.items()},
        {name: check["said"] for name, check in checks.items()},
    )


# The resolver -----------------------------------------------------------------------------------------

OF_THE_PLACE = ("ehlo_name", "ipv4", "resolver", "resolver_honest", "resolver_validates", "resolver_size")
OF_THE_WAY = ("port_open", "not_intercepted")

ALL_WELL = dict.fromkeys(("descriptors", *OF_THE_PLACE, *OF_THE_WAY), "ok")
#: No server is talked to then, so whether the name is ours does not show.
INVENTING = {
    **dict.fromkeys(("descriptors", *OF_THE_PLACE), "ok"),
    "ehlo_name": "not_known",
    "resolver_honest": "failed",
    "resolver_validates": "warning",
}

RESOLVERS = (
    ("validates", 0, ALL_WELL, "resolver_validates", "answers are validated (AD)"),
    ("does not validate", 0, {**ALL_WELL, "resolver_validates": "warning"}, "resolver_validates", "not validated"),
    ("invents com", 4, INVENTING, "resolver_honest", ".com can't exist"),
    ("invents invalid", 4, INVENTING, "resolver_honest", ".invalid can't exist"),
)


@pytest.mark.parametrize(
    ("habit", "exit_code", "results", "check", "said"), RESOLVERS, ids=[row[0] for row in RESOLVERS]
)
def test_preflight_says_what_the_resolver_is_like(
    habit: str,
    exit_code: int,
    results: dict[str, str],
    check: str,
    said: str,
    each_unbound: dict[str, Unbound],
    canary_postfix: Postfix,
    tmp_path: Path,
) -> None:
    domains = tuple(domain for domain, _ in HONEST)
    found = preflight(tmp_path, each_unbound[habit].port, canary_postfix.port, domains=domains)
    assert found.results == results
    assert said in found.said[check]
    assert found.exit_code == exit_code


# Our name ---------------------------------------------------------------------------------------------

NAMES = (
    ("scanner", "127.0.0.1", "ok", "scanner.real.test is 127.0.0.1 and back"),
    ("second-name", "127.0.0.1", "ok", "second-name.real.test is 127.0.0.1 and back"),
    ("no-ptr", "127.0.0.3", "warning", "127.0.0.3 has no PTR record"),
    ("liar", "127.0.0.4", "warning", "the PTR of 127.0.0.4 is somebody-else.real.test, which does not lead back"),
    ("scanner", "127.0.0.2", "warning", "scanner.real.test is 127.0.0.1, but our sessions come from 127.0.0.2"),
    ("no-such-name", "127.0.0.1", "failed", "no-such-name.real.test has no address in the DNS (nxdomain)"),
    ("bogus", "127.0.0.1", "not_known", "bogus.real.test could not be looked up (servfail, no_data)"),
)


@pytest.mark.parametrize(("label", "source", "result", "said"), NAMES, ids=[f"{row[0]} {row[1]}" for row in NAMES])
def test_preflight_says_whether_our_name_is_ours_forth_and_back(
    label: str, source: str, result: str, said: str, each_unbound: dict[str, Unbound], tmp_path: Path
) -> None:
    own = ("--ehlo-name", f"{label}.real.test", "--source-address", source)
    found = preflight(tmp_path, each_unbound["validates"].port, free_port(["127.80.9.254"]), *own)
    assert (found.results["ehlo_name"], found.exit_code) == (result, 4 if result == "failed" else 0)
    assert said in found.said["ehlo_name"]


# The way ----------------------------------------------------------------------------------------------

WAYS = (
    ("honest", HONEST, "ok", "the servers themselves answer"),
    ("greeted alike", GREETED_ALIKE, "failed", "greet alike with 'proxy.example ESMTP Postfix'"),
    ("served alike", SERVED_ALIKE, "failed", "serve the same certificate, which covers none of them"),
)


@pytest.mark.parametrize(("why", "servers", "result", "said"), WAYS, ids=[row[0] for row in WAYS])
def test_preflight_says_whether_it_is_the_servers_who_answer(
    why: str,
    servers: tuple[tuple[str, str], ...],
    result: str,
    said: str,
    each_unbound: dict[str, Unbound],
    canary_postfix: Postfix,
    tmp_path: Path,
) -> None:
    domains = tuple(domain for domain, _ in servers)
    found = preflight(tmp_path, each_unbound["validates"].port, canary_postfix.port, domains=domains)
    assert found.results == {**ALL_WELL, "not_intercepted": result}
    assert said in found.said["not_intercepted"]
    assert found.exit_code == (4 if result == "failed" else 0)


# A scan's own -----------------------------------------------------------------------------------------

ON: dict[str, object] = {"preflight": True}


def test_a_scan_where_all_is_well_notes_the_same_checks(
    each_unbound: dict[str, Unbound], canary_postfix: Postfix, tmp_path: Path
) -> None:
    domains = [domain for domain, _ in HONEST]
    with scanning(tmp_path, domains, each_unbound["validates"].port, canary_postfix.port, vantage=ON) as scan:
        scan.ended()
    events = [event.detail for event in records_of(scan.run, Event) if event.event == "preflight"]
    noted = {str(detail["check"]): detail["result"] for detail in events if detail["check"] != "ipv6"}
    assert noted == dict.fromkeys((*OF_THE_PLACE, *OF_THE_WAY), "ok")
    assert {record.verdicts.smtp.value for record in scan.records.values()} == {"yes"}


def test_a_scan_through_a_resolver_that_invents_names_does_not_begin(
    each_unbound: dict[str, Unbound], canary_postfix: Postfix, tmp_path: Path
) -> None:
    domains, liar = [domain for domain, _ in HONEST], each_unbound["invents com"]
    asked_before = liar.asked_names
    with scanning(tmp_path, domains, liar.port, canary_postfix.port, vantage=ON) as scan:
        scan.ended(exit_code=4)
    assert "this place is not fit to scan from" in scan.said
    assert ".com can't exist, and the resolver says 127.80.9.7" in scan.said
    assert not (liar.asked_names - asked_before) & set(domains)
    assert not (scan.run / "domains.jsonl").exists()


def test_a_scan_that_somebody_on_the_way_answers_records_no_session(
    each_unbound: dict[str, Unbound], canary_postfix: Postfix, tmp_path: Path
) -> None:
    domains = [domain for domain, _ in GREETED_ALIKE]
    with scanning(tmp_path, domains, each_unbound["validates"].port, canary_postfix.port, vantage=ON) as scan:
        scan.ended(exit_code=4)
    assert "something on the way answers instead of the servers" in scan.said
    assert scan.count("sessions", "") == 0
    assert not (scan.run / "domains.jsonl").exists()
