"""What becomes of a message: three kinds of senders at one place where mail may go, and over all of a domain.

Theory of operation. A *place* is a mail host at one of its addresses. `opportunistic`, `dane` and `mta_sts` say
what the sender of that kind does there. `deliver` follows a message over a domain's places: by preference, and
past those that fail (RFC 5321 §5.1; RFC 7672 §2.2; RFC 8461 §5.1), to the first where it is delivered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from scanner.policy.dane import Authentication, DaneResult
from scanner.policy.mta_sts import StsMode, StsPolicy
from scanner.policy.result_types import ResultType
from scanner.policy.tls_discovery import DaneDecision, MxSecurity, Requirement


class Delivery(StrEnum):
    """What happens to a message: lost to this sender, or delivered, at least so well protected."""

    delivers = "delivers"
    delivers_encrypted = "delivers_encrypted"
    delivers_authenticated = "delivers_authenticated"
    fails = "fails"
    unknown = "unknown"


class Starttls(StrEnum):
    """What came of STARTTLS at a place; `failed` is the server's failure and not ours."""

    done = "done"
    not_offered = "not_offered"
    failed = "failed"
    unknown = "unknown"


class Certificate(StrEnum):
    """What a sender with the roots of the Web finds: a path at the session's time, and the mail host's name."""

    trusted = "trusted"
    expired = "expired"
    not_trusted = "not_trusted"
    host_mismatch = "host_mismatch"
    unknown = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceFacts:
    """What is known of a place. `takes_mail`: it answers as an SMTP server; None if nobody could find out.

    `exchange` is the host's name as the MX record has it (A-labels); `dane_result` is None unless a chain was
    compared with the decision's records.
    """

    exchange: str
    takes_mail: bool | None
    starttls: Starttls
    certificate: Certificate
    dane_decision: DaneDecision
    dane_result: DaneResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StsFacts:
    """What is known of a domain's MTA-STS: a policy; or why a published one is of no use; or that there is none."""

    policy: StsPolicy | None = None
    failure: ResultType | None = None
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class PlaceDelivery:
    """What a sender does at a place; `failure` is what its report would name (RFC 8460 §4.3), also if it delivers."""

    delivery: Delivery
    failure: ResultType | None = None


@dataclass(frozen=True, slots=True)
class DomainDelivery:
    """What becomes of a message to a domain; `failures` are of all places that the sender may come to, each once.

    `complete` is False if a place of which nothing is known comes before, or may: then the message is
    delivered, by `delivery` or, there, by what nobody knows.
    """

    delivery: Delivery
    complete: bool
    failures: tuple[ResultType, ...] = ()


#: From the weakest promise to the strongest.
_BY_STRENGTH = (Delivery.delivers, Delivery.delivers_encrypted, Delivery.delivers_authenticated)

_FAILS = PlaceDelivery(Delivery.fails)
_UNKNOWN = PlaceDelivery(Delivery.unknown)

_CERTIFICATE_FAILURES = {
    Certificate.expired: ResultType.certificate_expired,
    Certificate.not_trusted: ResultType.certificate_not_trusted,
    Certificate.host_mismatch: ResultType.certificate_host_mismatch,
}


def opportunistic(place: PlaceFacts) -> PlaceDelivery:
    """A sender that encrypts where it can and otherwise sends in the clear, also after a failed handshake."""
    if place.takes_mail is not True:
        return _FAILS if place.takes_mail is False else _UNKNOWN
    match place.starttls:
        case Starttls.done:
            return PlaceDelivery(Delivery.delivers_encrypted)
        case Starttls.not_offered | Starttls.failed:
            # RFC 7672 §2.2: "The MTA MAY retry in cleartext when delivery via TLS fails during the handshake".
            return PlaceDelivery(Delivery.delivers)
        case Starttls.unknown:
            return _UNKNOWN


def dane(place: PlaceFacts, mx: MxSecurity) -> PlaceDelivery:
    """A sender that obeys RFC 7672 and otherwise is an opportunistic one.

    Where MX is insecure the RFC lets it choose (§2.2.1: "the SMTP client MAY proceed to use DANE TLS"). Here
    it does as Postfix does by default: it insists on the host's records all the same. A message is then
    encrypted to that host for sure, and yet not authenticated: the host's name could be a forger's.
    """
    if mx == MxSecurity.bogus:
        # §2.1.2: without a list of servers "message delivery MUST be delayed".
        return PlaceDelivery(Delivery.fails, ResultType.dnssec_invalid)
    if place.takes_mail is False:
        return _FAILS
    decision = place.dane_decision
    match decision.requirement:
        case Requirement.undeliverable:
            return PlaceDelivery(Delivery.fails, decision.failure)
        case Requirement.unknown:
            return _UNKNOWN
        case Requirement.opportunistic:
            return opportunistic(place)
        case Requirement.encryption:
            return _without_tls(place) or PlaceDelivery(Delivery.delivers_encrypted, decision.failure)
        case Requirement.authentication:
            return _without_tls(place) or _authenticated(place.dane_result, mx)


def mta_sts(place: PlaceFacts, sts: StsFacts) -> PlaceDelivery:
    """A sender that obeys RFC 8461, has no older policy in its cache, and otherwise is an opportunistic one."""
    if place.takes_mail is False:
        return _FAILS
    if not sts.is_known:
        return _UNKNOWN
    as_without = opportunistic(place)
    if sts.policy is None or sts.policy.mode == StsMode.none:
        # RFC 8461 §3.3: without a policy "senders MUST continue with delivery as though the domain has not
        # implemented MTA-STS"; §5: with mode "none" "as though it does not have any active policy".
        return PlaceDelivery(as_without.delivery, sts.failure)
    validated = _validated(place, sts.policy)
    if sts.policy.mode == StsMode.enforce or validated.delivery == Delivery.delivers_authenticated:
        return validated
    # §5: in "testing" failures are reported, and "messages may be delivered as though there were no MTA-STS
    # validation failure".
    return PlaceDelivery(as_without.delivery, validated.failure)


def deliver(places_by_preference: Sequence[Sequence[PlaceDelivery]]) -> DomainDelivery:
    """What becomes of a message: the most preferred places first, those of equal preference together.

    It is delivered at the first place that does not fail. Among equals chance decides, so the weakest promise
    is all that a domain makes. Nothing known to deliver: unknown if there is an unknown, else it fails.
    """
    complete = True
    failures: dict[ResultType, None] = {}
    for places in places_by_preference:
        failures.update(dict.fromkeys(place.failure for place in places if place.failure is not None))
        deliveries = {place.delivery for place in places}
        complete = complete and Delivery.unknown not in deliveries
        for delivery in _BY_STRENGTH:
            if delivery in deliveries:
                return DomainDelivery(delivery, complete, tuple(failures))
    return DomainDelivery(Delivery.fails if complete else Delivery.unknown, complete, tuple(failures))


def _without_tls(place: PlaceFacts) -> PlaceDelivery | None:
    """What a sender that has to encrypt does where TLS did not come up, or may not have; None if it did."""
    if place.takes_mail is None or place.starttls == Starttls.unknown:
        return _UNKNOWN
    if place.starttls == Starttls.not_offered:
        return PlaceDelivery(Delivery.fails, ResultType.starttls_not_supported)
    if place.starttls == Starttls.failed:
        return PlaceDelivery(Delivery.fails, ResultType.validation_failure)
    return None


def _authenticated(result: DaneResult | None, mx: MxSecurity) -> PlaceDelivery:
    """What a DANE sender does once TLS is up and the host has usable records."""
    if result is None:
        return _UNKNOWN
    if result.authentication != Authentication.authenticated:
        return PlaceDelivery(Delivery.fails, result.failure)
    if mx == MxSecurity.unknown:
        return _UNKNOWN
    return PlaceDelivery(Delivery.delivers_authenticated if mx == MxSecurity.secure else Delivery.delivers_encrypted)


def _validated(place: PlaceFacts, policy: StsPolicy) -> PlaceDelivery:
    """RFC 8461 §4: the host is named by the policy (§4.1), and shows a certificate of the Web for it (§4.2)."""
    if not policy.names(place.exchange):
        return PlaceDelivery(Delivery.fails, ResultType.validation_failure)
    if without_tls := _without_tls(place):
        return without_tls
    if place.certificate == Certificate.unknown:
        return _UNKNOWN
    if failure := _CERTIFICATE_FAILURES.get(place.certificate):
        return PlaceDelivery(Delivery.fails, failure)
    return PlaceDelivery(Delivery.delivers_authenticated)
