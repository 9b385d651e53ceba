"""What all attempts at a target say together.

Theory of operation. A completed exchange shows that a server can do it, and that is what further attempts are
for: of `reachable`, `smtp` and `starttls` a yes of any attempt outweighs a no, and either outweighs a session
that broke off. So the attempt that came furthest speaks for the target: its claims count, its end and its
findings are shown. Where another one says the contrary, that is told as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from scanner.judgement.claims import Claim, Claims
from scanner.judgement.facts import SessionFacts
from scanner.judgement.observations import Observation
from scanner.judgement.served import Served
from scanner.outcomes import AddressFlag, FindingKind, NotKnown, Outcome, Severity, Stage, Variant, VerdictValue


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """One statement about a target; `shown` is the session whose end is shown, None if `reason` stands instead.

    `observations` belong to `shown`, or to no session if there is none; `served` is the chain of which the
    verdicts on certificates speak.
    """

    sessions: tuple[str, ...]
    shown: SessionFacts | None
    claims: Claims
    observations: tuple[Observation, ...]
    flags: tuple[AddressFlag, ...] = ()
    reason: str | None = None
    served: Served | None = None

    @property
    def is_own(self) -> bool:
        """True if the target itself had a session; False for what others' sessions say of it."""
        return bool(self.sessions) and _BORROWED.isdisjoint(self.flags)


_BORROWED = frozenset({AddressFlag.shared_across_names, AddressFlag.server_name_inferred})


def combine_attempts(facts: Sequence[SessionFacts]) -> TargetFacts:
    """One statement of a target from all its sessions, of which there is at least one."""
    attempts = [fact for fact in facts if fact.is_attempt]
    if not attempts:
        return _without_attempt(facts)
    if len(attempts) == 1:
        return _of_one(attempts[0])
    return _of_several(sorted(attempts, key=_in_order))


def _of_one(fact: SessionFacts) -> TargetFacts:
    return TargetFacts((fact.session,), fact, fact.claims, fact.observations, served=fact.served)


def _without_attempt(facts: Sequence[SessionFacts]) -> TargetFacts:
    last = max(facts, key=_in_order)
    if not last.is_lost:
        return _of_one(last)
    # How it ended is about our network, so it is not shown as an end: that would count it against the server.
    return TargetFacts(
        tuple(fact.session for fact in facts), None, last.claims, last.observations, reason=NotKnown.vantage.value
    )


def _in_order(fact: SessionFacts) -> tuple[int, bool]:
    return fact.attempt, fact.variant is Variant.small_hello


def _of_several(attempts: Sequence[SessionFacts]) -> TargetFacts:
    explained = _explained_by_their_hello(attempts)
    shown = _furthest(attempts)
    differing = _contradicted([fact for fact in attempts if fact not in explained])
    observations = list(shown.observations)
    if explained:
        observations.append(Observation(FindingKind.large_client_hello, Severity.warning, _ends(attempts)))
    if differing:
        evidence = f"{_ends(attempts)}; they differ in {', '.join(differing)}"
        observations.append(Observation(FindingKind.attempts_differ, Severity.notice, evidence))
    return TargetFacts(
        sessions=tuple(fact.session for fact in attempts),
        shown=shown,
        claims=_with_first_certificate(shown, attempts),
        observations=tuple(observations),
        flags=(AddressFlag.attempts_differ,) if differing else (),
        served=next((fact.served for fact in attempts if fact.claims.certificate_trusted.is_definite), shown.served),
    )


# Which attempt speaks -------------------------------------------------------------------------------

#: The verdicts on what a server can do, each built on the one before it, and those on what it showed.
_ABILITIES = ("reachable", "smtp", "starttls")
_CERTIFICATE = ("certificate_trusted", "certificate_name")

_WEIGHT = {VerdictValue.yes: 2, VerdictValue.no: 1}


def _furthest(attempts: Sequence[SessionFacts]) -> SessionFacts:
    """The attempt that speaks: among equals the first that was good, or else the last, which had most patience."""
    most = max(map(_progress, attempts))
    equals = [fact for fact in attempts if _progress(fact) == most]
    return next((fact for fact in equals if fact.outcome is Outcome.ok), equals[-1])


def _progress(fact: SessionFacts) -> tuple[int, ...]:
    return tuple(_WEIGHT.get(getattr(fact.claims, name).value, 0) for name in _ABILITIES)


def _with_first_certificate(shown: SessionFacts, attempts: Sequence[SessionFacts]) -> Claims:
    """The claims of the one that speaks; of those on the certificate the first definite one counts."""
    # A session without TLS is definite about no certificate.
    definite = {name: claim for name in _CERTIFICATE if (claim := _first_definite(attempts, name)) is not None}
    return replace(shown.claims, **definite)


def _first_definite(attempts: Sequence[SessionFacts], name: str) -> Claim | None:
    claims = (getattr(fact.claims, name) for fact in attempts)
    return next((claim for claim in claims if claim.is_definite), None)


# What there is to tell of several -------------------------------------------------------------------


def _explained_by_their_hello(attempts: Sequence[SessionFacts]) -> list[SessionFacts]:
    """The handshakes that failed for their large ClientHello, as those with a small one show: no contradiction."""
    done_with = {fact.variant for fact in attempts if fact.claims.starttls.value is VerdictValue.yes}
    if done_with != {Variant.small_hello}:
        return []
    return [
        fact
        for fact in attempts
        if fact.stage is Stage.tls
        and fact.variant is not Variant.small_hello
        and fact.outcome is not Outcome.plaintext_after_starttls
    ]


def _contradicted(attempts: Sequence[SessionFacts]) -> list[str]:
    """The verdicts to which attempts say both yes and no."""
    return [
        name
        for name in (*_ABILITIES, *_CERTIFICATE)
        if {VerdictValue.yes, VerdictValue.no} <= {getattr(fact.claims, name).value for fact in attempts}
    ]


def _ends(attempts: Sequence[SessionFacts]) -> str:
    return "; ".join(f"{_named(fact)}: {fact.outcome} at {fact.stage}" for fact in attempts)


def _named(fact: SessionFacts) -> str:
    small = " with a small ClientHello" if fact.variant is Variant.small_hello else ""
    return f"attempt {fact.attempt}{small}"
