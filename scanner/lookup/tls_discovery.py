"""TLS discovery (RFC 7672 §2.2): the security of a mail host's addresses, and TLSA where that is secure."""

from dataclasses import dataclass

from msgspec.structs import replace

from scanner.contact_policy import ContactPolicy
from scanner.dns.answers import ANSWERS_NO, Answer
from scanner.dns.messages import RecordType
from scanner.judgement.tls_discovery import host_addresses, needs_alias_security
from scanner.net.validated import Validated
from scanner.outcomes import DnsStatus
from scanner.policy.tls_discovery import select_base_domains
from scanner.policy.tlsa import TlsaRecord, select_considered, tlsa_name
from scanner.records import AddressLookup, Host, TlsaLookup
from scanner.wire_text import escape_octets, restore_octets


@dataclass(frozen=True, slots=True)
class TlsDiscovery:
    """Whom to ask whether something is secure, for the records of which port (§2.2.3), and who is left alone."""

    validated: Validated
    port: int
    policy: ContactPolicy

    async def discover(self, host: Host) -> Host:
        """A host that was looked up, with what its DNS says to DANE senders. Most hosts cost one question."""
        name = restore_octets(host.exchange).decode()
        ipv4 = await self._with_security(name, RecordType.A, host.a)
        # What gives one address by an insecure answer is insecure: the other family need not be asked for.
        ipv6 = host.aaaa if ipv4.ad is False else await self._with_security(name, RecordType.AAAA, host.aaaa)
        host = replace(host, a=ipv4, aaaa=ipv6)
        if needs_alias_security(host_addresses(host)):
            host = replace(host, alias_ad=(await self.validated.lookup_security(name, RecordType.CNAME)).ad)
        return await self._with_tlsa(host, select_base_domains(name, host_addresses(host)))

    async def _with_security(self, name: str, family: RecordType, lookup: AddressLookup) -> AddressLookup:
        """The answer for a family with its AD bit; a failure that is one of validation is told apart."""
        if lookup.dns_status is DnsStatus.ok:
            return replace(lookup, ad=(await self.validated.lookup_security(name, family)).ad)
        if lookup.dns_status is DnsStatus.servfail:
            answer = await self.validated.lookup_security(name, family)
            return replace(lookup, dns_status=answer.status) if answer.status is DnsStatus.bogus else lookup
        return lookup

    async def _with_tlsa(self, host: Host, base_domains: tuple[str, ...]) -> Host:
        """The host with the TLSA records of the candidates, in order, up to secure ones or a failure (§2.2.2)."""
        lookups: list[TlsaLookup] = []
        for base_domain in base_domains:
            if self.policy.is_opted_out(base_domain):  # the name behind an alias may be somebody else's
                break
            answer = await self.validated.lookup_tlsa(tlsa_name(self.port, base_domain))
            lookups.append(_record(base_domain, answer))
            if answer.status in ANSWERS_NO or answer.ad is False:
                continue
            is_usable = answer.ad is True and bool(select_considered(answer.records))
            found_at = escape_octets(base_domain.encode()) if is_usable else None
            return replace(host, tlsa=tuple(lookups), tlsa_base_domain=found_at)
        return replace(host, tlsa=tuple(lookups) or None)


def _record(base_domain: str, answer: Answer[TlsaRecord]) -> TlsaLookup:
    return TlsaLookup(
        base_domain=escape_octets(base_domain.encode()),
        dns_status=answer.status,
        ad=answer.ad,
        records=tuple(map(str, answer.records)),
    )
