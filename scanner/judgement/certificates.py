"""What a served chain says: trust, name and dates at the session's time, and what is wrong with the leaf."""

from collections.abc import Mapping
from dataclasses import dataclass

from scanner.judgement.claims import NO, NOT_APPLICABLE, YES, Claim, unknown
from scanner.judgement.observations import Observation
from scanner.outcomes import FindingKind, Outcome, Severity
from scanner.records import SessionRecord
from scanner.times import datetime_text, parse_utc
from scanner.tls.certificates import CertificateDescription, describe_certificate
from scanner.tls.identity import NameMatch, match_certificate_name
from scanner.tls.trust import TrustResult, TrustStore
from scanner.tls.weaknesses import weak_key, weak_signature

#: X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED: at depth 0 a finding on dates says it.
_DATE_CODES = frozenset({9, 10})


@dataclass(frozen=True, slots=True)
class ChainJudgement:
    """What a session's chain says to the two verdicts on certificates, and what there is to tell of it."""

    trusted: Claim
    name: Claim
    observations: tuple[Observation, ...]


NO_CHAIN = ChainJudgement(NOT_APPLICABLE, NOT_APPLICABLE, ())


class ChainJudge:
    """Judges chains against the run's roots; `certificates` gives the DER of a SHA-256.

    `missing` are those that were served and that the run has lost.
    """

    def __init__(self, roots_pem: bytes, certificates: Mapping[str, bytes]) -> None:
        self._trust = TrustStore(roots_pem)
        self._certificates = certificates
        self._described: dict[str, CertificateDescription] = {}
        self._kept: dict[tuple[str, ...], tuple[str, ...]] = {}
        self.missing: set[str] = set()

    def judge(self, session: SessionRecord) -> ChainJudgement:
        """The judgement of the chain that a session was served, at that session's time."""
        if session.tls is None or not session.tls.chain:
            return NO_CHAIN
        if missing := set(session.tls.chain) - self._certificates.keys():
            self.missing |= missing
            # The run has lost what was served: nothing follows from that about the server.
            return ChainJudgement(unknown(Outcome.local_fault), unknown(Outcome.local_fault), ())
        chain = [self._certificates[fingerprint] for fingerprint in session.tls.chain]
        leaf = self._describe(session.tls.chain[0])
        result = self._trust.verify(chain, parse_utc(session.started_at))
        name, name_observations = _judge_name(session.server_name, leaf)
        dates = _observe_dates(leaf, session.started_at)
        observations = (
            *dates,
            *(() if dates and _is_of_the_leafs_dates(result) else _observe_trust(result)),
            *name_observations,
            *_observe_leaf(leaf),
        )
        return ChainJudgement(_trusted(result), name, observations)

    def covers(self, chain: tuple[str, ...], server_name: str) -> bool:
        """True if the leaf of a served chain, by SHA-256, is for this name (RFC 9525)."""
        if not chain or chain[0] not in self._certificates:
            return False
        return _judge_name(server_name, self._describe(chain[0]))[0] == YES

    def kept(self, chain: tuple[str, ...]) -> tuple[str, ...]:
        """The same chain, as one value for all sessions that were served it."""
        return self._kept.setdefault(chain, chain)

    def _describe(self, fingerprint: str) -> CertificateDescription:
        if fingerprint not in self._described:
            self._described[fingerprint] = describe_certificate(self._certificates[fingerprint])
        return self._described[fingerprint]


def _trusted(result: TrustResult) -> Claim:
    if result.trusted is None:
        return unknown(Outcome.malformed)
    return YES if result.trusted else NO


def _judge_name(reference: str, leaf: CertificateDescription) -> tuple[Claim, tuple[Observation, ...]]:
    if leaf.dns_names is None:
        return unknown(Outcome.malformed), ()
    match match_certificate_name(reference, leaf.dns_names, leaf.common_names or ()):
        case NameMatch.matches:
            return YES, ()
        case NameMatch.only_common_name:
            evidence = f"the common name is {reference}, the subjectAltName is not: {_listed(leaf.dns_names)}"
            return NO, (Observation(FindingKind.certificate_name_in_cn_only, Severity.error, evidence),)
        case NameMatch.no_match:
            evidence = f"the certificate is for {_listed(leaf.dns_names)}, not for {reference}"
            return NO, (Observation(FindingKind.certificate_host_mismatch, Severity.error, evidence),)


def _listed(names: tuple[str, ...]) -> str:
    if not names:
        return "no DNS name at all"
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def _observe_dates(leaf: CertificateDescription, at: str) -> tuple[Observation, ...]:
    moment = parse_utc(at).replace(microsecond=0)  # parts of a second do not count in the validation either
    if leaf.not_after is not None and leaf.not_after < moment:
        evidence = f"notAfter {datetime_text(leaf.not_after)}, session at {at}"
        return (Observation(FindingKind.certificate_expired, Severity.error, evidence),)
    if leaf.not_before is not None and leaf.not_before > moment:
        evidence = f"notBefore {datetime_text(leaf.not_before)}, session at {at}"
        return (Observation(FindingKind.certificate_not_yet_valid, Severity.error, evidence),)
    return ()


def _is_of_the_leafs_dates(result: TrustResult) -> bool:
    return result.code in _DATE_CODES and result.depth == 0


def _observe_trust(result: TrustResult) -> tuple[Observation, ...]:
    if result.trusted is not False:
        return ()
    place = "the leaf" if result.depth == 0 else f"certificate {result.depth} of the path"
    code = "" if result.code is None else f"OpenSSL {result.code}: "
    return (Observation(FindingKind.certificate_not_trusted, Severity.error, f"{code}{result.text} ({place})"),)


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
