"""Which names of a world are secure, as a resolver that validates sees it (RFC 4035 §4.3). Pure.

Nothing is signed in truth: the lab tells what a validating resolver would. Each zone says whether there is a
chain of trust to it, and everything below it is as it is, down to the next one that says so.
"""

from collections.abc import Iterable

from scanner.lab.zone_lines import encode_name

#: RFC 1035 §3.1: the name of the root on the wire.
_ROOT = b"\0"
#: The root of a world is signed and `lab` is not: what an entry does not sign is insecure, as most domains are.
_TOP_LEVEL = "lab"


class Security:
    """The zones with a chain of trust to the root, and those where it ends; `validates` False: nobody looks."""

    def __init__(self, signed: Iterable[str], insecure: Iterable[str], *, validates: bool) -> None:
        """Raises ZoneError for what is no name."""
        self.validates = validates
        self._zones = {_ROOT: True, encode_name(_TOP_LEVEL): False}
        self._zones.update({encode_name(zone).lower(): True for zone in signed})
        self._zones.update({encode_name(zone).lower(): False for zone in insecure})

    def is_secure(self, name: bytes) -> bool:
        """Whether what is said of a name (on the wire, in lower case) can be validated."""
        if not self.validates:
            return False
        while name not in self._zones:
            name = name[name[0] + 1 :]
        return self._zones[name]


NOTHING_SIGNED = Security((), (), validates=False)
