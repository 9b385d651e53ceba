"""Whom we contact: one answer for every address and every name, at the lookup and again before the dial."""

from collections.abc import Callable, Iterable

from scanner.addresses import Address, AddressPolicy, forms_of, parse_address
from scanner.opt_out import OptOut
from scanner.outcomes import AddressFlag

_NOBODY = OptOut()


class ContactPolicy:
    """Why an address is not contacted: it is not public, it is one of ours, its owner opted out.

    `own` are this machine's addresses and those of the DNS servers asked: what is seen there is seen from
    inside. `opt_out` gives the list as it is now, each time anew: it may change while a run goes on.
    """

    def __init__(
        self,
        public: AddressPolicy,
        own: Iterable[Address] = (),
        opt_out: Callable[[], OptOut] = lambda: _NOBODY,
    ) -> None:
        self._public = public
        self._own = frozenset(own)
        self._opt_out = opt_out

    def flags(self, address: Address, *names: str) -> tuple[AddressFlag, ...]:
        """Every reason against an address to which these names lead (mail host, aliases); none: go ahead.

        `own_address` is said of one that could be contacted otherwise. A private one of ours is not public to
        everybody else too: that is a fault of the domain, and is not hidden by what we happen to have.
        """
        flags = []
        if self._public.refusal(address) is not None:
            flags.append(AddressFlag.not_public)
        elif not self._own.isdisjoint(forms_of(address)):
            flags.append(AddressFlag.own_address)
        if self._has_opted_out(address, names):
            flags.append(AddressFlag.opted_out)
        return tuple(flags)

    def left_alone(self, address: str, server_name: str) -> bool:
        """True if a server that was talked to before has opted out since, by its address or its name."""
        return self._has_opted_out(parse_address(address), (server_name,))

    def is_opted_out(self, name: str) -> bool:
        """True for a domain or mail host (A-labels) that is not even asked for in the DNS."""
        return self._opt_out().matches_name(name)

    def _has_opted_out(self, address: Address, names: Iterable[str]) -> bool:
        return self._opt_out().matches_address(address) or any(map(self.is_opted_out, names))
