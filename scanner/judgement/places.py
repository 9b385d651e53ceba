"""Places where a domain's mail may go, one for each unit of its verdicts, as the senders of policy/ see them."""

from collections.abc import Sequence
from dataclasses import dataclass

from scanner.judgement.claims import Claim, Claims
from scanner.judgement.target_facts import TargetFacts
from scanner.outcomes import StarttlsResult, VerdictValue
from scanner.policy.dane import DaneResult, authenticate
from scanner.policy.senders import Certificate, PlaceFacts, Starttls
from scanner.policy.tls_discovery import DaneDecision, Requirement

#: X509_V_ERR_CERT_HAS_EXPIRED
_EXPIRED = 10

#: What a sender meets whose STARTTLS came to nothing; all other ends leave no handshake to fail.
_FAILED = StarttlsResult.failed


@dataclass(frozen=True, slots=True)
class Place:
    """A mail host at one of its addresses, or what stands in for it where there is none.

    `address` is "" for the latter; `session` is the one that shows what is known, `end` how it ended, or why
    there is none; `was_asked` is true if there was one, this name's or one that speaks for it.
    """

    facts: PlaceFacts
    address: str
    claims: Claims
    end: str
    session: str | None = None
    was_asked: bool = False

    @property
    def why(self) -> str:
        """The word for what is not known of it."""
        said = self.claims
        in_order = (said.reachable, said.smtp, said.starttls, said.certificate_trusted, said.certificate_name)
        return next((claim.reason for claim in in_order if claim.reason is not None), self.end)


@dataclass(frozen=True, slots=True)
class DaneDemand:
    """What a DANE sender requires of a host; `references` are names that do for a certificate beside its own."""

    decision: DaneDecision
    references: tuple[str, ...] = ()


def place_at(exchange: str, address: str, claims: Claims, facts: TargetFacts, demand: DaneDemand) -> Place:
    """The place that sessions have told of."""
    shown = facts.shown
    known = PlaceFacts(
        exchange=exchange,
        takes_mail=_takes_mail(claims),
        starttls=_starttls(claims.starttls, shown.starttls if shown is not None else StarttlsResult.not_reached),
        certificate=_certificate(claims, facts),
        dane_decision=demand.decision,
        dane_result=_compare(facts, demand),
    )
    if shown is None:
        return Place(known, address, claims, facts.reason or "", next(iter(facts.sessions), None))
    return Place(known, address, claims, shown.outcome.value, shown.session, was_asked=True)


def place_without_session(exchange: str, address: str, claims: Claims, reason: str, demand: DaneDemand) -> Place:
    """A place that was not asked, or a host that has no address."""
    known = PlaceFacts(
        exchange=exchange,
        takes_mail=_takes_mail(claims),
        starttls=Starttls.unknown,
        certificate=Certificate.unknown,
        dane_decision=demand.decision,
    )
    return Place(known, address, claims, reason)


def _takes_mail(claims: Claims) -> bool | None:
    if claims.smtp.value is VerdictValue.yes:
        return True
    if VerdictValue.no in (claims.reachable.value, claims.smtp.value):
        return False
    return None


def _starttls(claim: Claim, result: StarttlsResult) -> Starttls:
    if claim.value is VerdictValue.yes:
        return Starttls.done
    if claim.value is VerdictValue.no:
        return Starttls.failed if result is _FAILED else Starttls.not_offered
    return Starttls.unknown


def _certificate(claims: Claims, facts: TargetFacts) -> Certificate:
    """What is wrong is told in the order in which a sender finds it: the path, then the name."""
    trusted, name = claims.certificate_trusted.value, claims.certificate_name.value
    if trusted is VerdictValue.no:
        code = facts.served.certificate.code if facts.served is not None else None
        return Certificate.expired if code == _EXPIRED else Certificate.not_trusted
    if name is VerdictValue.no:
        return Certificate.host_mismatch
    return Certificate.trusted if {trusted, name} == {VerdictValue.yes} else Certificate.unknown


def _compare(facts: TargetFacts, demand: DaneDemand) -> DaneResult | None:
    """What came of comparing the chain with the host's TLSA records; None if there is one of them only."""
    decision, served = demand.decision, facts.served
    if decision.requirement is not Requirement.authentication or served is None:
        return None
    references = (decision.base_domain or "", *demand.references)
    return authenticate(decision.records, served.chain, references, served.at)


def addresses_of(places: Sequence[Place]) -> str:
    """The addresses of places, for a person."""
    return ", ".join(place.address for place in places if place.address) or "no address"
