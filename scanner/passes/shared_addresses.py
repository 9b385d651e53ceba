"""What the sessions at an address say for names that were not asked for there, while a run goes on.

Parked domains and customers of one host have thousands of MX names at one address. What two of them saw
before any handshake, and a certificate that three of them were shown, need not be asked for again.
"""

from collections.abc import Iterable
from hashlib import sha256

from scanner.judgement.certificates import ChainJudge
from scanner.judgement.facts import reduce_session
from scanner.judgement.sharing import AddressResults
from scanner.records import SessionRecord

#: How many names were asked for when it is looked at again who need not be: looking costs a little for each
#: name that waits, and what one more session adds to ten others is little.
_LOOK_AT = frozenset({2, 3, *(1 << power for power in range(2, 20))})


class SharedAddresses:
    """The results at addresses where names wait; the certificates that were seen there are kept."""

    def __init__(self, roots: bytes, names_per_address: int) -> None:
        self._certificates: dict[str, bytes] = {}
        self._chains = ChainJudge(roots, self._certificates)
        self._limit = names_per_address
        self._results: dict[str, AddressResults] = {}

    def knows(self, address: str) -> bool:
        """True if results at the address are kept."""
        return address in self._results

    def take(self, session: SessionRecord, chain: Iterable[bytes]) -> None:
        """Keeps a session's result; `chain` is the certificates that it was served, in DER."""
        for der in chain:
            self._certificates.setdefault(sha256(der).hexdigest(), der)
        results = self._results.get(session.address)
        if results is None:
            results = self._results[session.address] = AddressResults(self._chains, self._limit)
        results.add(reduce_session(session, self._chains))

    def forget(self) -> None:
        """Forgets all results, not the certificates."""
        self._results.clear()

    def is_worth_a_look(self, address: str) -> bool:
        """True when so many names were asked for at the address that others may be spared."""
        asked = len(self._results[address].asked_names)
        # The look at the limit itself may have been left out, because the server asked for less just then.
        return asked in _LOOK_AT or asked >= self._limit

    def speaks_for(self, address: str, server_name: str) -> bool:
        """True if what is known at the address speaks for a name that was not asked for."""
        results = self._results.get(address)
        return results is not None and results.shared_for(server_name) is not None
