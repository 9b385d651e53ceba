"""What a served chain says: trust, name and dates at the session's time, and what is wrong with the leaf."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scanner.judgement.claims import NO, NOT_APPLICABLE, YES, Claim, unknown
from scanner.judgement.observations import Observation
from scanner.judgement.served import Leaf, Served
from scanner.judgement.trust_reasons import INCOMPLETE, UNKNOWN_ISSUER, trust_reason
from scanner.outcomes import FindingKind, Outcome, Severity
from scanner.records import JudgedCertificate, SessionRecord
from scanner.times import datetime_text, parse_utc
from scanner.tls.certificates import CertificateDescription, describe_certificate
from scanner.tls.identity import NameMatch
from scanner.tls.trust import TrustResult, TrustStore
from scanner.tls.weaknesses import weak_key, weak_signature

#: X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED: at depth 0 a finding on dates says it.
_DATE_CODES = frozenset({9, 10})

#: So long before its end a certificate is said to expire soon, unless that is more than a third of its life:
#: then whoever renews it in time has not come to it yet.
EXPIRES_SOON = timedelta(days=14)
RENEWED_WITH_LEFT = 1 / 3

#: How many authorities' certificates are looked for to complete a path.
MAX_KNOWN_INTERMEDIATES = 8


@dataclass(frozen=True, slots=True)
class ChainJudgement:
    """What a session's chain says to the verdicts on certificates, and what there is to tell of it."""

    trusted: Claim
    name: Claim
    observations: tuple[Observation, ...]
    served: Served | None = None


NO_CHAIN = ChainJudgement(NOT_APPLICABLE, NOT_APPLICABLE, ())
# The run has lost what was served: nothing follows from that about the server.
_LOST_CHAIN = ChainJudgement(unknown(Outcome.local_fault), unknown(Outcome.local_fault), ())


class ChainJudge:
    """Judges chains against the run's roots; `certificates` gives the DER of a SHA-256.

    `intermediates` are the certificates of authorities that somebody served, by SHA-256 for each subject: what
    is missing from a chain may be among them. `missing` are those that were served and that the run has lost.
    """

    def __init__(
        self,
        roots_pem: bytes,
        certificates: Mapping[str, bytes],
        intermediates: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._trust = TrustStore(roots_pem)
        self._certificates = certificates
        self._intermediates = intermediates or {}
        self._leaves: dict[str, Leaf] = {}
        self._ders: dict[tuple[str, ...], tuple[bytes, ...]] = {}
        self._kept: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._judged: dict[JudgedCertificate, JudgedCertificate] = {}
        self.missing: set[str] = set()

    def judge(self, session: SessionRecord) -> ChainJudgement:
        """The judgement of the chain that a session was served, at that session's time."""
        if session.tls is None or not session.tls.chain:
            return NO_CHAIN
        return self.judge_chain(session.tls.chain, session.server_name, session.started_at)

    def judge_chain(self, chain: tuple[str, ...], reference: str, started_at: str) -> ChainJudgement:
        """The judgement of a chain, by SHA-256, for a name and at the time of a record."""
        if missing := set(chain) - self._certificates.keys():
            self.missing |= missing
            return _LOST_CHAIN
        leaf, ders = self._leaf(chain[0]), self._octets(chain)
        at = parse_utc(started_at).replace(microsecond=0)  # parts of a second do not count in the validation either
        result = self._trust.verify(ders, at)
        is_incomplete = result.code in UNKNOWN_ISSUER and self._completes(chain, at)
        certificate = self._certificate(leaf, reference, at, result, is_incomplete=is_incomplete)
        name, name_observations = judge_name(reference, leaf)
        dates = _observe_dates(leaf.description, at, started_at)
        observations = (
            *dates,
            *(() if dates and _is_of_the_leafs_dates(result) else _observe_trust(result, is_incomplete=is_incomplete)),
            *name_observations,
            *_observe_leaf(leaf.description),
        )
        return ChainJudgement(_trusted(result), name, observations, Served(ders, leaf, at, certificate))

    def covers(self, chain: tuple[str, ...], server_name: str) -> bool:
        """True if the leaf of a served chain, by SHA-256, is for this name (RFC 9525)."""
        if not chain or chain[0] not in self._certificates:
            return False
        return self._leaf(chain[0]).match(server_name) is NameMatch.matches

    def kept(self, chain: tuple[str, ...]) -> tuple[str, ...]:
        """The same chain, as one value for all sessions that were served it."""
        return self._kept.setdefault(chain, chain)

    def _leaf(self, fingerprint: str) -> Leaf:
        leaf = self._leaves.get(fingerprint)
        if leaf is None:
            described = describe_certificate(self._certificates[fingerprint])
            not_after = None if described.not_after is None else datetime_text(described.not_after)
            names = frozenset(name.lower() for name in described.dns_names or ())
            leaf = self._leaves[fingerprint] = Leaf(described, not_after, names)
        return leaf

    def _octets(self, chain: tuple[str, ...]) -> tuple[bytes, ...]:
        """A chain in DER, as one value for all sessions that were served it."""
        ders = self._ders.get(chain)
        if ders is None:
            ders = self._ders[self.kept(chain)] = tuple(self._certificates[fingerprint] for fingerprint in chain)
        return ders

    def _certificate(
        self, leaf: Leaf, reference: str, at: datetime, result: TrustResult, *, is_incomplete: bool
    ) -> JudgedCertificate:
        described = leaf.description
        certificate = JudgedCertificate(
            sha256=described.sha256,
            trusted=result.trusted,
            code=result.code,
            reason=trust_reason(result, described, is_incomplete=is_incomplete),
            name=leaf.match(reference),
            not_after=leaf.not_after,
            days_left=None if described.not_after is None else (described.not_after - at) // timedelta(days=1),
        )
        return self._judged.setdefault(certificate, certificate)

    # What is missing from a chain ----------------------------------------------------------------------

    def _completes(self, chain: tuple[str, ...], at: datetime) -> bool:
        """True if certificates of authorities that others were served make the path good."""
        added = self._known_intermediates(chain)
        return bool(added) and self._trust.verify([*self._octets(chain), *added], at).trusted is True

    def _known_intermediates(self, chain: tuple[str, ...]) -> list[bytes]:
        """Certificates of the issuers that nobody sent, of their issuers, and so on."""
        pending, added = list(chain), list[str]()
        while pending and len(added) < MAX_KNOWN_INTERMEDIATES:
            issuer = self._leaf(pending.pop(0)).description.issuer
            found = [one for one in self._intermediates.get(issuer or "", ()) if one not in (*chain, *added)]
            added += found
            pending += found
        return [self._certificates[fingerprint] for fingerprint in added]


def judge_name(reference: str, leaf: Leaf) -> tuple[Claim, tuple[Observation, ...]]:
    """What a certificate says to a mail host's name (RFC 9525), and what there is to tell of that."""
    names = leaf.description.dns_names or ()
    match leaf.match(reference):
        case None:
            return unknown(Outcome.malformed), ()
        case NameMatch.matches:
            return YES, ()
        case NameMatch.only_common_name:
            evidence = f"the common name is {reference}, the subjectAltName is not: {_listed(names)}"
            return NO, (Observation(FindingKind.certificate_name_in_cn_only, Severity.error, evidence),)
        case NameMatch.no_match:
            evidence = f"the certificate is for {_listed(names)}, not for {reference}"
            return NO, (Observation(FindingKind.certificate_host_mismatch, Severity.error, evidence),)


def _trusted(result: TrustResult) -> Claim:
    if result.trusted is None:
        return unknown(Outcome.malformed)
    return YES if result.trusted else NO


def _listed(names: tuple[str, ...]) -> str:
    if not names:
        return "no DNS name at all"
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def _observe_dates(leaf: CertificateDescription, at: datetime, started_at: str) -> tuple[Observation, ...]:
    if leaf.not_after is not None and leaf.not_after < at:
        evidence = f"notAfter {datetime_text(leaf.not_after)}, session at {started_at}"
        return (Observation(FindingKind.certificate_expired, Severity.error, evidence),)
    if leaf.not_before is not None and leaf.not_before > at:
        evidence = f"notBefore {datetime_text(leaf.not_before)}, session at {started_at}"
        return (Observation(FindingKind.certificate_not_yet_valid, Severity.error, evidence),)
    if leaf.not_after is not None and _is_due(leaf, leaf.not_after - at):
        evidence = f"notAfter {datetime_text(leaf.not_after)}, session at {started_at}"
        return (Observation(FindingKind.certificate_expires_soon, Severity.warning, evidence),)
    return ()


def _is_due(leaf: CertificateDescription, left: timedelta) -> bool:
    """True if a certificate that is still valid should have been renewed by now."""
    if left > EXPIRES_SOON:
        return False
    if leaf.not_before is None or leaf.not_after is None:
        return True
    return left < (leaf.not_after - leaf.not_before) * RENEWED_WITH_LEFT


def _is_of_the_leafs_dates(result: TrustResult) -> bool:
    return result.code in _DATE_CODES and result.depth == 0


def _observe_trust(result: TrustResult, *, is_incomplete: bool) -> tuple[Observation, ...]:
    if result.trusted is not False:
        return ()
    place = "the leaf" if result.depth == 0 else f"certificate {result.depth} of the path"
    code = "" if result.code is None else f"OpenSSL {result.code}: "
    evidence = f"{code}{result.text} ({place})" + (f"; {INCOMPLETE}" if is_incomplete else "")
    return (Observation(FindingKind.certificate_not_trusted, Severity.error, evidence),)


def _observe_leaf(leaf: CertificateDescription) -> tuple[Observation, ...]:
    observations: list[Observation] = []
    if key := weak_key(leaf):
        observations.append(Observation(FindingKind.certificate_weak_key, Severity.warning, key))
    if signature := weak_signature(leaf):
        observations.append(Observation(FindingKind.certificate_weak_signature, Severity.warning, signature))
    if leaf.parse_errors:
        evidence = "; ".join(f"{field}: {error}" for field, error in leaf.parse_errors.items())
        observations.append(Observation(FindingKind.certificate_unreadable, Severity.warning, evidence))
    return tuple(observations)
