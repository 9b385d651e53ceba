"""The facts of a run's sessions, found by the address and the name that they were held with."""

from collections.abc import Iterator
from functools import lru_cache

from scanner.judgement.certificates import ChainJudge
from scanner.judgement.facts import SessionFacts
from scanner.judgement.sharing import AddressResults
from scanner.judgement.target_facts import TargetFacts, combine_attempts

#: Addresses with several sessions whose results are kept ready: a provider's come again and again.
MAX_READY = 1024


class RunSessions:
    """All sessions of a run, which talks to one port; `most_names` is how many names are asked at an address.

    Most addresses have one session, so no more than a list is kept for each; what several sessions say
    together is worked out when it is asked for.
    """

    def __init__(self, chains: ChainJudge, most_names: int) -> None:
        self._chains = chains
        self._most_names = most_names
        self._by_address: dict[str, list[SessionFacts]] = {}
        self._ready = lru_cache(maxsize=MAX_READY)(self._results)

    def add(self, facts: SessionFacts) -> None:
        """The next session in the order written; one made again is given again. To be called before `of`."""
        self._by_address.setdefault(facts.address, []).append(facts)

    def of(self, address: str, server_name: str) -> TargetFacts | None:
        """What is known of an address under a name; None if it is still to be asked."""
        held = self._by_address.get(address)
        if held is None:
            return None
        if len(held) == 1 and held[0].server_name == server_name:
            return combine_attempts(held)
        return self._ready(address).facts_for(server_name)

    def __iter__(self) -> Iterator[SessionFacts]:
        """Every session once, as it ended last."""
        for held in self._by_address.values():
            yield from {fact.session: fact for fact in held}.values()

    def _results(self, address: str) -> AddressResults:
        results = AddressResults(self._chains, self._most_names)
        for fact in self._by_address[address]:
            results.add(fact)
        return results
