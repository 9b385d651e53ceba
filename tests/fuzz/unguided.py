"""The run without atheris: octets from the grammar, and changes of those that had a result of a new kind."""

from collections.abc import Iterable
from random import Random

from tests.fuzz.checks import check_replies
from tests.fuzz.features import Feature, kind_of
from tests.fuzz.findings import Findings
from tests.fuzz.grammar import change_octets, write_octets

#: So often something is written anew, that no old input leads to.
_ANEW = 0.2


def fuzz(cases: int, seed: int, known: Iterable[bytes]) -> Findings:
    """Runs so many cases, beginning with the known inputs, up to the first that fails. Follows from the seed."""
    random = Random(seed)
    interesting = list(known)
    seen = {kind for octets in interesting for kind in _kinds_of(octets)}
    for _ in range(cases):
        octets = _next(interesting, random)
        try:
            kinds = _kinds_of(octets)
        except Exception:  # noqa: BLE001 - whatever the parser raises is what is looked for
            return Findings(interesting, [octets])
        if not kinds <= seen:
            seen |= kinds
            interesting.append(octets)
    return Findings(interesting, [])


def _next(interesting: list[bytes], random: Random) -> bytes:
    if not interesting or random.random() < _ANEW:
        return write_octets(random)
    octets = random.choice(interesting)
    for _ in range(random.randint(1, 4)):
        octets = change_octets(octets, random)
    return octets


def _kinds_of(octets: bytes) -> set[Feature]:
    return {(at, *kind_of(parsed)) for at, parsed in enumerate(check_replies(octets))}
