"""The kept inputs: each a file named after its digest, and an index that says what each of them is.

A line of `index.tsv`: name, outcome at the limits of a scan, outcome at small ones.
"""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from tests.fuzz.checks import check_replies, outcome_of
from tests.fuzz.features import Feature, features_of

CORPUS = Path(__file__).parent / "corpus"
_INDEX = "index.tsv"
_SUFFIX = ".octets"


def read_corpus(directory: Path = CORPUS) -> dict[str, bytes]:
    """The inputs by the names of their files."""
    return {path.name: path.read_bytes() for path in sorted(directory.glob(f"*{_SUFFIX}"))}


def read_index(directory: Path = CORPUS) -> dict[str, tuple[str, str]]:
    """What the inputs were when they were kept, by the names of their files."""
    rows = [line.split("\t") for line in (directory / _INDEX).read_text(encoding="utf-8").splitlines()]
    return {name: (at_limits, at_small) for name, at_limits, at_small in rows}


def write_corpus(inputs: Iterable[bytes], directory: Path = CORPUS) -> None:
    """Replaces the corpus: files and index."""
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory.glob(f"*{_SUFFIX}"):
        path.unlink()
    named = {name_of(octets): octets for octets in inputs}
    for name, octets in named.items():
        (directory / name).write_bytes(octets)
    rows = ["\t".join([name, *map(outcome_of, check_replies(octets))]) for name, octets in sorted(named.items())]
    (directory / _INDEX).write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def name_of(octets: bytes) -> str:
    return sha256(octets).hexdigest()[:16] + _SUFFIX


def minimised(inputs: Iterable[bytes]) -> list[bytes]:
    """The smallest inputs first, each that shows something that none before it did."""
    seen: set[Feature] = set()
    kept: list[bytes] = []
    for octets in sorted(set(inputs), key=lambda octets: (len(octets), octets)):
        shown = features_of(octets)
        if not shown <= seen:
            kept.append(octets)
            seen |= shown
    return _without_superfluous(kept)


def _without_superfluous(kept: list[bytes]) -> list[bytes]:
    """Without those of which the others show everything; the largest go first."""
    shown = {octets: features_of(octets) for octets in kept}
    for octets in reversed(kept):
        others = frozenset().union(*(features for other, features in shown.items() if other != octets))
        if shown[octets] <= others:
            del shown[octets]
    return list(shown)
