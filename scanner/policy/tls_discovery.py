"""TLS discovery (RFC 7672 §2.1, §2.2): from the DNS's answers about a mail host to what a DANE sender requires.

Theory of operation. A sender asks for MX, then for addresses, then, only where the addresses are secure, for
TLSA (the servers of unsigned zones fail at TLSA questions, §2.2.2). `select_base_domains` says what to ask for,
`judge_host` what follows from the answers. A secure "not there" allows mail in the clear; a failed lookup
forbids mail: whoever can suppress an answer must not be able to switch DANE off (§2.1.2). What failed on our
side says nothing: that is unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scanner.dns.answers import ANSWERS_NO, Answer
from scanner.outcomes import DnsStatus
from scanner.policy.result_types import ResultType
from scanner.policy.tlsa import TlsaRecord, select_considered


class MxSecurity(StrEnum):
    """Whether the way from a domain to its mail hosts can be forged."""

    secure = "secure"
    insecure = "insecure"
    bogus = "bogus"
    unknown = "unknown"


class Requirement(StrEnum):
    """What a DANE sender requires before it gives its mail to a host (RFC 7672 §2.2)."""

    opportunistic = "opportunistic"
    encryption = "encryption"
    authentication = "authentication"
    undeliverable = "undeliverable"
    unknown = "unknown"


class Ground(StrEnum):
    """What a requirement follows from."""

    usable_records = "usable_records"
    unusable_records = "unusable_records"
    addresses_insecure = "addresses_insecure"
    tlsa_absent = "tlsa_absent"
    tlsa_insecure = "tlsa_insecure"
    no_address = "no_address"
    addresses_bogus = "addresses_bogus"
    tlsa_lookup_failed = "tlsa_lookup_failed"
    address_lookup_failed = "address_lookup_failed"
    own_lookup_failed = "own_lookup_failed"
    not_validated = "not_validated"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostAddresses:
    """What A and AAAA of a mail host say together.

    `secure` is the AD bit, None without a validating resolver; `cname_chain` the names that aliases led to.
    `alias_is_secure` is the AD bit of the host's own CNAME record, asked for by that type; it matters, and
    need be known, only for an alias whose addresses are insecure.
    """

    status: DnsStatus
    secure: bool | None
    cname_chain: tuple[str, ...] = ()
    alias_is_secure: bool | None = None


@dataclass(frozen=True, slots=True)
class DaneDecision:
    """What a DANE sender requires of a host, and why.

    `base_domain` is where the TLSA records were found (the SNI, and the first reference identifier);
    `records` are those that count; `failure` is the word for it in a sender's report, where there is one.
    """

    requirement: Requirement
    ground: Ground
    base_domain: str | None = None
    records: tuple[TlsaRecord, ...] = ()
    failure: ResultType | None = None


#: A TLSA lookup that ended so is the zone's failure: SERVFAIL of our resolver, asked twice, and what it stands for.
_FAILED_AT_THE_ZONE = frozenset({DnsStatus.servfail, DnsStatus.bogus, DnsStatus.cname_loop})


def judge_mx_security(status: DnsStatus, *, secure: bool | None) -> MxSecurity:
    """From the answer to MX, which may also be that there is none (RFC 7672 §2.2.1, §2.2.2)."""
    if status == DnsStatus.bogus:
        return MxSecurity.bogus
    if secure is None or not (status == DnsStatus.ok or status in ANSWERS_NO):
        return MxSecurity.unknown
    return MxSecurity.secure if secure else MxSecurity.insecure


def combine_answers(answers: Sequence[tuple[DnsStatus, bool | None]]) -> tuple[DnsStatus, bool | None]:
    """A and AAAA, each by status and AD bit, as one: of those that found addresses, else of the worst.

    Secure is only what is so in every answer that gave an address.
    """
    found = [secure for status, secure in answers if status == DnsStatus.ok]
    if found:
        return DnsStatus.ok, False if False in found else None if None in found else True
    failed = [answer for answer in answers if answer[0] not in ANSWERS_NO]
    bogus = [answer for answer in failed if answer[0] == DnsStatus.bogus]
    return (bogus or failed or list(answers))[0]


def select_base_domains(host: str, addresses: HostAddresses) -> tuple[str, ...]:
    """The candidates for the TLSA base domain, in the order in which they are asked for (RFC 7672 §2.2.2).

    Once one has secure records, or its lookup failed, the next is not asked. None at all: no TLSA lookup.
    """
    if addresses.status != DnsStatus.ok:
        return ()
    if addresses.secure:
        # "Two candidate TLSA base domains are tried: the fully CNAME-expanded initial name and, failing that,
        # the initial name itself."
        return tuple(dict.fromkeys((*addresses.cname_chain[-1:], host)))
    if addresses.secure is False and addresses.cname_chain and addresses.alias_is_secure:
        # Insecure addresses behind an alias that is itself secure: "treated just like the non-CNAME case".
        return (host,)
    return ()


def judge_host(host: str, addresses: HostAddresses, tlsa: Mapping[str, Answer[TlsaRecord]]) -> DaneDecision:
    """What a DANE sender requires of a mail host; `tlsa` holds the answers by the base domain asked for.

    Nothing is said about the MX record that led to the host: that is the domain's matter.
    """
    if decision := _judge_addresses(addresses):
        return decision
    absent = DaneDecision(Requirement.opportunistic, Ground.addresses_insecure)
    for base_domain in select_base_domains(host, addresses):
        absent, is_final = _judge_tlsa(base_domain, tlsa.get(base_domain, Answer(DnsStatus.not_asked)))
        if is_final:
            break
    return absent


def _judge_addresses(addresses: HostAddresses) -> DaneDecision | None:
    """The decision that needs no TLSA lookup, if there is one."""
    if addresses.status in ANSWERS_NO:
        # §2.2.2: "If no address records are found, the destination is unreachable."
        return DaneDecision(Requirement.undeliverable, Ground.no_address)
    if addresses.status == DnsStatus.bogus:
        # §2.1.2: no sender that validates gets an address out of a bogus answer.
        return DaneDecision(Requirement.undeliverable, Ground.addresses_bogus, failure=ResultType.dnssec_invalid)
    if addresses.status != DnsStatus.ok:
        return DaneDecision(Requirement.unknown, Ground.address_lookup_failed)
    if addresses.secure is None:
        return DaneDecision(Requirement.unknown, Ground.not_validated)
    if not addresses.secure and addresses.cname_chain and addresses.alias_is_secure is None:
        return DaneDecision(Requirement.unknown, Ground.own_lookup_failed)
    return None


def _judge_tlsa(base_domain: str, answer: Answer[TlsaRecord]) -> tuple[DaneDecision, bool]:
    """The decision by one TLSA answer, and whether no other answer can change it (RFC 7672 §2.2)."""
    if answer.status in _FAILED_AT_THE_ZONE:
        # Such errors "MUST result in falling back to the next SMTP server or delayed delivery".
        ground, failure = Ground.tlsa_lookup_failed, ResultType.dnssec_invalid
        return DaneDecision(Requirement.undeliverable, ground, base_domain, failure=failure), True
    if answer.status in ANSWERS_NO or (answer.status == DnsStatus.ok and not answer.records):
        return DaneDecision(Requirement.opportunistic, Ground.tlsa_absent), False
    if answer.status != DnsStatus.ok:
        return DaneDecision(Requirement.unknown, Ground.own_lookup_failed, base_domain), True
    if answer.ad is None:
        return DaneDecision(Requirement.unknown, Ground.not_validated, base_domain), True
    if not answer.ad:
        return DaneDecision(Requirement.opportunistic, Ground.tlsa_insecure), False
    considered = select_considered(answer.records)
    if not considered:
        # "Any connection to the MTA MUST be made via TLS, but authentication is not required."
        requirement, ground = Requirement.encryption, Ground.unusable_records
        return DaneDecision(requirement, ground, base_domain, failure=ResultType.tlsa_invalid), True
    # "Any connection to the MTA MUST employ TLS encryption and MUST authenticate the SMTP server".
    return DaneDecision(Requirement.authentication, Ground.usable_records, base_domain, considered), True
