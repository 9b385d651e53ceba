"""Could a run have told a finding? What a record shows of the place that a finding is about."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, auto

from scanner.changes.compared import NOT_KNOWN
from scanner.changes.open_places import has_open_lookup, is_open
from scanner.outcomes import FindingKind, HostFlag, Outcome, PolicyValue, RouteFlag, Stage, VerdictValue
from scanner.records import Domain, Finding, JudgedAddress, JudgedHost


class Sight(Enum):
    """Of a finding's place: it was seen, it is not there, or it is hidden (it may be either)."""

    seen = auto()
    absent = auto()
    hidden = auto()


@dataclass(frozen=True, slots=True)
class Spot:
    """What a finding is about: the domain itself, a mail host, or an address of one."""

    exchange: str | None = None
    address: str | None = None


def spot_of(subject: str, exchanges: Collection[str]) -> Spot:
    """The spot that a finding names, in a domain with these mail hosts."""
    exchange, _, rest = subject.rpartition(" [")
    if exchange in exchanges and rest.endswith("]"):
        return Spot(exchange, rest[:-1])
    return Spot(subject) if subject in exchanges else Spot()


def look(record: Domain, found: Finding, spot: Spot, stage: Stage | None) -> Sight:
    """Whether `record` would have the finding if things were so there too.

    `stage` is where the session ended that shows the finding, if it is about an address.
    """
    if spot.exchange is None:
        return _look_at_domain(record, found.kind)
    host = host_of(record, spot)
    if host is None:
        return Sight.hidden if _may_lack_hosts(record) else Sight.absent
    if spot.address is None:
        return _look_at_host(record, host, found.kind)
    address = address_of(host, spot)
    if address is None:
        return Sight.hidden if has_open_lookup(host) or HostFlag.addresses_over_limit in host.flags else Sight.absent
    return _look_at_address(address, found.kind, stage)


def host_of(record: Domain, spot: Spot) -> JudgedHost | None:
    return next((host for host in record.mail_hosts if host.exchange == spot.exchange), None)


def address_of(host: JudgedHost | None, spot: Spot) -> JudgedAddress | None:
    if host is None:
        return None
    return next((address for address in host.addresses if address.address == spot.address), None)


# The domain -----------------------------------------------------------------------------------------

#: Findings that are told where a verdict is.
_OF_VERDICT = {
    FindingKind.sts_policy_fetch_error: "mta_sts",
    FindingKind.sts_policy_invalid: "mta_sts",
    FindingKind.sts_webpki_invalid: "mta_sts",
    FindingKind.tls_rpt_invalid: "tls_rpt",
    FindingKind.dane_mx_insecure: "dane",
    FindingKind.moved_away: "expected_mx",
}


def _look_at_domain(record: Domain, kind: FindingKind) -> Sight:
    if record.mail_route.kind in NOT_KNOWN:
        return Sight.hidden
    if kind not in _OF_VERDICT:
        return Sight.seen
    verdict = getattr(record.verdicts, _OF_VERDICT[kind])
    if verdict is None:  # without mail hosts nobody looks for a policy; with them, nobody was to
        return Sight.hidden if record.mail_hosts else Sight.absent
    return Sight.hidden if verdict.value in _UNKNOWN else Sight.seen


_UNKNOWN = (PolicyValue.unknown, VerdictValue.unknown)


def _may_lack_hosts(record: Domain) -> bool:
    return record.mail_route.kind in NOT_KNOWN or RouteFlag.mx_over_limit in record.mail_route.flags


# A mail host ----------------------------------------------------------------------------------------

_OF_ADDRESS_LOOKUPS = frozenset(
    {
        FindingKind.mx_is_cname,
        FindingKind.mx_is_address_literal,
        FindingKind.mx_is_localhost,
        FindingKind.mx_does_not_exist,
        FindingKind.mx_has_no_address,
        FindingKind.addresses_over_limit,
    }
)

_OF_TLSA_LOOKUPS = frozenset({FindingKind.tlsa_invalid, FindingKind.dnssec_invalid, FindingKind.dane_rollover})


def _look_at_host(record: Domain, host: JudgedHost, kind: FindingKind) -> Sight:
    if has_open_lookup(host):
        return Sight.hidden
    if kind in _OF_ADDRESS_LOOKUPS:
        return Sight.seen
    if kind in _OF_TLSA_LOOKUPS:
        return Sight.hidden if host.dane is None or host.dane.value is PolicyValue.unknown else Sight.seen
    if not host.addresses:
        return Sight.absent
    # The others come of what its servers did, and many of them of a policy that they were held to.
    policies = (record.verdicts.dane, record.verdicts.mta_sts)
    if any(policy is not None and policy.value is PolicyValue.unknown for policy in policies):
        return Sight.hidden
    return Sight.hidden if any(is_open(address) for address in host.addresses) else Sight.seen


# An address -----------------------------------------------------------------------------------------

_ON_CERTIFICATE = frozenset(kind for kind in FindingKind if kind.startswith("certificate-")) | {
    FindingKind.tls_version_old
}

#: How sessions end: a session that came further would not have ended so.
_ENDS = frozenset(
    {
        FindingKind.connection_refused,
        FindingKind.host_unreachable,
        FindingKind.service_refused,
        FindingKind.not_smtp,
        FindingKind.malformed_reply,
        FindingKind.tls_handshake_failed,
        FindingKind.plaintext_after_starttls,
        FindingKind.plaintext_instead_of_tls,
    }
)

_STAGES = list(Stage)


def _look_at_address(address: JudgedAddress, kind: FindingKind, stage: Stage | None) -> Sight:
    if kind in _ON_CERTIFICATE:
        return Sight.hidden if address.certificate is None else Sight.seen
    if address.outcome is Outcome.ok:
        return Sight.seen
    if address.stage is None:
        return Sight.hidden
    if kind is FindingKind.starttls_not_supported:
        stage = Stage.helo  # what a server offers is known once it was greeted
    elif kind not in _ENDS or stage is None:
        return Sight.hidden
    return Sight.seen if _STAGES.index(address.stage) > _STAGES.index(stage) else Sight.hidden
