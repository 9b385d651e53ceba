"""Answers of a real unbound that validates zones signed by ldns: secure, insecure, bogus, and whom it is asked."""

import asyncio
from collections.abc import Iterator

import pytest

from scanner.dns.messages import RecordType
from scanner.net.clock import SystemClock
from scanner.net.validated import ValidatedResolver, find_validating_resolver
from scanner.outcomes import DnsStatus
from scanner.settings import DnsSettings, Settings

from .name_servers import Nsd, nsd, unbound
from .programs import require_programs
from .transport.signed_zones import SignedWorld, Zone, sign_world

pytestmark = pytest.mark.servers

MANY = 60
USABLE, UNUSABLE = f"3 1 1 {'ab' * 32}", "3 1 1 abcd"

ZONES = [
    Zone(
        "signed.test.",
        (
            "signed.test. MX 10 mx.signed.test.",
            "mx.signed.test. A 127.0.0.2",
            f"_25._tcp.mx.signed.test. TLSA {USABLE}",
            r"_25._tcp.odd.signed.test. TYPE52 \# 5 030101abcd",
            "_25._tcp.alias.signed.test. CNAME _25._tcp.mx.signed.test.",
            "_25._tcp.away.signed.test. CNAME _25._tcp.mx.unsigned.test.",
            "away.signed.test. CNAME mx.unsigned.test.",
            "spoilt.signed.test. A 127.0.0.2",
            "_25._tcp.spoilt.signed.test. TLSA " + USABLE,
            *(f"_25._tcp.many.signed.test. TLSA 3 1 1 {number:064x}" for number in range(MANY)),
        ),
        spoilt=("spoilt.signed.test. A", "_25._tcp.spoilt.signed.test. TLSA"),
    ),
    Zone("unsigned.test.", ("mx.unsigned.test. A 127.0.0.3", "_25._tcp.mx.unsigned.test. TLSA " + USABLE), "insecure"),
    Zone("bogus.test.", ("bogus.test. MX 10 mx.bogus.test.", "mx.bogus.test. A 127.0.0.4"), "wrong"),
]


@pytest.fixture(scope="module")
def signed_world(tmp_path_factory: pytest.TempPathFactory) -> SignedWorld:
    require_programs("ldns-keygen", "ldns-signzone")
    return sign_world(tmp_path_factory.mktemp("keys"), ZONES)


@pytest.fixture(scope="module")
def signing_nsd(tmp_path_factory: pytest.TempPathFactory, signed_world: SignedWorld) -> Iterator[Nsd]:
    with nsd(tmp_path_factory.mktemp("nsd"), signed_world.zones) as server:
        yield server


@pytest.fixture(scope="module")
def validating_unbound(
    tmp_path_factory: pytest.TempPathFactory, signed_world: SignedWorld, signing_nsd: Nsd
) -> Iterator[str]:
    """As the settings take a server."""
    directory, anchor = tmp_path_factory.mktemp("unbound"), f'trust-anchor: "{signed_world.trust_anchor}"'
    zones = signed_world.zones
    with unbound(directory, signing_nsd.port, zones, modules="validator iterator", more=[anchor]) as server:
        yield f"127.0.0.1:{server.port}"


SECURITY: list[tuple[str, RecordType, DnsStatus, bool | None]] = [
    ("mx.signed.test", RecordType.A, DnsStatus.ok, True),
    ("mx.signed.test", RecordType.AAAA, DnsStatus.no_data, True),
    ("signed.test", RecordType.MX, DnsStatus.ok, True),
    ("nobody.signed.test", RecordType.A, DnsStatus.nxdomain, True),
    ("away.signed.test", RecordType.A, DnsStatus.ok, False),
    ("away.signed.test", RecordType.CNAME, DnsStatus.ok, True),
    ("mx.unsigned.test", RecordType.A, DnsStatus.ok, False),
    ("nobody.unsigned.test", RecordType.A, DnsStatus.nxdomain, False),
    ("spoilt.signed.test", RecordType.A, DnsStatus.bogus, None),
    ("bogus.test", RecordType.MX, DnsStatus.bogus, None),
    ("mx.bogus.test", RecordType.A, DnsStatus.bogus, None),
]

TLSA: list[tuple[str, DnsStatus, bool | None, tuple[str, ...]]] = [
    ("mx.signed.test", DnsStatus.ok, True, (USABLE,)),
    ("odd.signed.test", DnsStatus.ok, True, (UNUSABLE,)),
    ("alias.signed.test", DnsStatus.ok, True, (USABLE,)),
    ("away.signed.test", DnsStatus.ok, False, (USABLE,)),
    ("many.signed.test", DnsStatus.ok, True, tuple(f"3 1 1 {number:064x}" for number in range(MANY))),
    ("nobody.signed.test", DnsStatus.nxdomain, True, ()),
    ("mx.unsigned.test", DnsStatus.ok, False, (USABLE,)),
    ("spoilt.signed.test", DnsStatus.bogus, None, ()),
]


def resolver_of(server: str) -> ValidatedResolver:
    return ValidatedResolver([server], DnsSettings(), SystemClock())


@pytest.mark.parametrize(("name", "record_type", "status", "ad"), SECURITY)
def test_unbound_says_what_is_secure(
    validating_unbound: str, name: str, record_type: RecordType, status: DnsStatus, ad: bool | None
) -> None:
    async def main() -> tuple[DnsStatus, bool | None]:
        resolver = resolver_of(validating_unbound)
        try:
            answer = await resolver.lookup_security(name, record_type)
            return answer.status, answer.ad
        finally:
            resolver.close()

    assert asyncio.run(main()) == (status, ad)


@pytest.mark.parametrize(("host", "status", "ad", "records"), TLSA)
def test_unbound_gives_tlsa_records(
    validating_unbound: str, host: str, status: DnsStatus, ad: bool | None, records: tuple[str, ...]
) -> None:
    async def main() -> tuple[DnsStatus, bool | None, list[str]]:
        resolver = resolver_of(validating_unbound)
        try:
            answer = await resolver.lookup_tlsa(f"_25._tcp.{host}")
            return answer.status, answer.ad, sorted(map(str, answer.records))
        finally:
            resolver.close()

    assert asyncio.run(main()) == (status, ad, sorted(records))


def test_it_is_found_to_validate(validating_unbound: str) -> None:
    async def main() -> bool:
        resolver = await find_validating_resolver(["192.0.2.1", validating_unbound], Settings(), SystemClock())
        if resolver is not None:
            resolver.close()
        return resolver is not None

    assert asyncio.run(main())
