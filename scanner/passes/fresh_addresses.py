"""Addresses that had no turn yet: most of a large plan, so each is an entry of a table and a place in a list."""

from bisect import insort
from collections.abc import Callable

from scanner.passes.pace_queues import Queue, Waiting


class FreshAddresses:
    """Addresses that had no turn yet: the longest first, equals in random order."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        #: Address → its network and its errands, bare if there is one.
        self._errands: dict[str, tuple[str, Waiting | list[Waiting]]] = {}
        self._unsorted: list[str] = []
        #: Length → addresses; those that were withdrawn since are passed over. `_lengths` ascend.
        self._sorted: dict[int, list[str]] = {}
        self._lengths: list[int] = []

    def add(self, address: str, network: str, errand: Waiting) -> None:
        """Puts an errand to those of an address."""
        known = self._errands.get(address)
        if known is None:
            self._errands[address] = network, errand
            self._unsorted.append(address)
        elif isinstance(known[1], list):
            known[1].append(errand)
        else:
            self._errands[address] = known[0], [known[1], errand]

    def errands_at(self, address: str) -> list[Waiting]:
        """Those of an address."""
        errands = self._errands.get(address, ("", []))[1]
        return errands if isinstance(errands, list) else [errands]

    def withdraw(self, address: str) -> list[Waiting]:
        """Takes out the errands of an address."""
        errands = self.errands_at(address)
        self._errands.pop(address, None)
        return errands

    @property
    def length(self) -> int:
        """How many errands the first address has; 0 if there is none."""
        if self._unsorted:
            self._sort()
        return self._lengths[-1] if self._errands else 0

    def take(self) -> Queue:
        """The first address, which is fresh no more. There must be one: `length` was asked for just before."""
        while True:
            addresses = self._sorted[self._lengths[-1]]
            place = int(self._random() * len(addresses))
            addresses[place], addresses[-1] = addresses[-1], addresses[place]
            address = addresses.pop()
            if not addresses:
                del self._sorted[self._lengths.pop()]
            if (known := self._errands.pop(address, None)) is not None:
                network, errands = known
                return Queue(address, network, errands if isinstance(errands, list) else [errands])

    def _sort(self) -> None:
        for address in self._unsorted:
            length = len(self.errands_at(address))
            addresses = self._sorted.get(length)
            if addresses is None:
                addresses = self._sorted[length] = []
                insort(self._lengths, length)
            addresses.append(address)
        self._unsorted.clear()
