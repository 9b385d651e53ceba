"""What the sessions with one (address, port) under some names say for its other names.

Theory of operation. Until the handshake a server does not know which name it was asked for, so what happens
there belongs to the address: once two names met the same end and none met another, the others need not ask.
From the handshake on it may answer by name. A chain that three names were served, with nothing wrong in it,
is taken for a further name that it covers; whatever could be a no has to be asked, up to a number of names.
A server that asks for less has said nothing at all: what it was not asked any more for that is not known.
"""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import NamedTuple

from scanner.judgement.certificates import ChainJudge
from scanner.judgement.claims import YES, Claim, Claims, unknown
from scanner.judgement.facts import SessionFacts
from scanner.judgement.observations import Observation
from scanner.judgement.target_facts import TargetFacts, combine_attempts
from scanner.outcomes import (
    AddressFlag,
    Cause,
    FindingKind,
    NotKnown,
    Outcome,
    Severity,
    Stage,
    StarttlsResult,
)

#: So many names with the same end before the handshake, and the others share it.
NAMES_THAT_AGREE = 2

#: So many names with the same chain, and a further one that it covers is taken to have it.
NAMES_WITH_THE_CHAIN = 3

_BEFORE_THE_HANDSHAKE = frozenset({Stage.connect, Stage.greeting, Stage.ehlo, Stage.helo, Stage.starttls})
_WITHOUT_HANDSHAKE = frozenset({StarttlsResult.not_offered, StarttlsResult.masked})


class _End(NamedTuple):
    """How all that was held with a name ended, and what it says; alike before the handshake, it says it for others."""

    stage: Stage
    outcome: Outcome
    limit: str | None
    cause: Cause | None
    starttls: StarttlsResult
    claims: Claims

    @property
    def is_of_the_address(self) -> bool:
        """True if the server could not know yet which name it was asked for (with implicit TLS it could)."""
        if self.stage is Stage.done:
            return self.starttls in _WITHOUT_HANDSHAKE
        return self.stage in _BEFORE_THE_HANDSHAKE and self.starttls is not StarttlsResult.done


class _Told(NamedTuple):
    """What a name was told, all its attempts together, and the session that speaks for them."""

    facts: TargetFacts
    shown: SessionFacts

    @property
    def end(self) -> _End:
        return _end_of(self.shown, self.facts.claims)

    @property
    def is_all_well(self) -> bool:
        return self.shown.outcome is Outcome.ok and self.shown.claims == _ALL_YES


class AddressResults:
    """What one address's names were told, session by session in the order held, and what follows for others.

    `chains` knows the certificates served; `most_names` is how many names are asked. A session that is added
    again (made again) replaces the earlier one.
    """

    def __init__(self, chains: ChainJudge, most_names: int) -> None:
        self._chains = chains
        self._most_names = most_names
        self._sessions: dict[str, dict[str, SessionFacts]] = {}
        #: Names without an attempt that counts are not in it.
        self._told: dict[str, _Told] = {}
        self._ends: Counter[_End] = Counter()
        #: By chain, the names that were served it in a session in which all was well.
        self._served: dict[tuple[str, ...], dict[str, SessionFacts]] = {}
        #: The last first attempt: it decided whether further names were asked. Second ones are for their names alone.
        self._last: SessionFacts | None = None
        #: The same for every name beyond the limit, until there is another session.
        self._beyond: TargetFacts | None = None

    @property
    def asked_names(self) -> AbstractSet[str]:
        """The names with a session that counts."""
        return self._told.keys()

    @property
    def is_backing_off(self) -> bool:
        """True if the last first attempt was told that we ask too much."""
        return self._last is not None and self._last.asks_for_less

    def add(self, facts: SessionFacts) -> None:
        """Takes note of a session that is over."""
        name = facts.server_name
        sessions = self._sessions.setdefault(name, {})
        sessions[facts.session] = facts
        self._beyond = None
        self._forget(name)
        self._note(name, combine_attempts(tuple(sessions.values())))
        if facts.is_attempt and facts.attempt == 1:
            self._last = facts

    def facts_for(self, server_name: str) -> TargetFacts | None:
        """All that is known of the address under a name; None if it is still to be asked."""
        told = self._told.get(server_name)
        if told is not None:
            return told.facts
        others = self.shared_for(server_name) or self._put_off()
        own = self._sessions.get(server_name)
        return others or (combine_attempts(tuple(own.values())) if own else None)

    def shared_for(self, server_name: str) -> TargetFacts | None:
        """What others' sessions say for a name that has none, so that it need not be asked; None if it must be.

        What a server says that asks for less is not among it: then the pace decides whether to ask again.
        """
        return self._agreed() or self._inferred(server_name) or self._over_limit()

    # Keeping count -------------------------------------------------------------------------------------

    def _forget(self, name: str) -> None:
        told = self._told.pop(name, None)
        if told is None:
            return
        self._ends[told.end] -= 1
        if not self._ends[told.end]:
            del self._ends[told.end]
        self._served.get(told.shown.chain, {}).pop(name, None)

    def _note(self, name: str, facts: TargetFacts) -> None:
        if facts.shown is None or not facts.shown.is_attempt:
            return
        told = self._told[name] = _Told(facts, facts.shown)
        self._ends[told.end] += 1
        if told.is_all_well and told.shown.chain:
            self._served.setdefault(told.shown.chain, {})[name] = told.shown

    # What follows for another name ---------------------------------------------------------------------

    def _agreed(self) -> TargetFacts | None:
        """The end that all names asked met alike, if it was before the handshake."""
        if len(self._ends) != 1 or len(self._told) < NAMES_THAT_AGREE:
            return None
        witnesses = list(islice(self._told.values(), NAMES_THAT_AGREE))
        if not witnesses[0].end.is_of_the_address or any(told.shown.asks_for_less for told in witnesses):
            return None
        return _shared([told.shown for told in witnesses], AddressFlag.shared_across_names)

    def _inferred(self, server_name: str) -> TargetFacts | None:
        """The chain that enough names were served, if it covers this one too: at most a yes."""
        for chain, names in self._served.items():
            if len(names) >= NAMES_WITH_THE_CHAIN and self._chains.covers(chain, server_name):
                return _shared(list(islice(names.values(), NAMES_WITH_THE_CHAIN)), AddressFlag.server_name_inferred)
        return None

    def _over_limit(self) -> TargetFacts | None:
        """What is not known because as many names have been asked as may be."""
        if len(self._told) >= self._most_names and self._beyond is None:
            self._beyond = _beyond_the_limit(list(self._told.values()))
        return self._beyond

    def _put_off(self) -> TargetFacts | None:
        """What was not asked any more because the server asked for less: what it said is all there is."""
        last = self._last
        if last is None or not last.asks_for_less:
            return None
        if _end_of(last, last.claims).is_of_the_address:
            return _shared([last], AddressFlag.shared_across_names)
        return _not_asked(last.cause or last.outcome, [])


_ALL_YES = Claims(*[YES] * 5)


def _end_of(shown: SessionFacts, claims: Claims) -> _End:
    return _End(shown.stage, shown.outcome, shown.limit, shown.cause, shown.starttls, claims)


def _shared(witnesses: Sequence[SessionFacts], flag: AddressFlag) -> TargetFacts:
    """What the sessions of other names, which all say the same, say for this one."""
    first = witnesses[0]
    sessions = tuple(fact.session for fact in witnesses)
    return TargetFacts(sessions, first, first.claims, first.observations, flags=(flag,), served=first.served)


def _beyond_the_limit(told: Sequence[_Told]) -> TargetFacts:
    chains = {one.shown.chain for one in told if one.shown.chain}
    if not chains:
        return _not_asked(NotKnown.over_limit, told)
    evidence = f"asked under {len(told)} names, which were served {len(chains)} chains; no more are asked"
    observation = Observation(FindingKind.certificate_differs_by_name, Severity.notice, evidence)
    return _not_asked(NotKnown.certificate_differs_by_name, told, observation)


def _not_asked(reason: Cause | Outcome | NotKnown, told: Sequence[_Told], *observations: Observation) -> TargetFacts:
    """A name that was not asked: a yes to what all asked ones said yes to, but what depends on the name."""

    def common(name: str) -> Claim:
        said = [getattr(one.facts.claims, name) for one in told]
        return YES if said and all(claim == YES for claim in said) else unknown(reason)

    depends = unknown(reason)
    claims = Claims(common("reachable"), common("smtp"), common("starttls"), depends, depends)
    return TargetFacts((), None, claims, observations, reason=reason.value)
