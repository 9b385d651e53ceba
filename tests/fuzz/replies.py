"""Fuzzes the parser of replies: `python -m tests.fuzz.replies --cases 1000000 --seed 1`.

Every case is read whole and in pieces, at a scan's limits and at small ones, and compared with the grammar
(tests/fuzz/checks.py). With atheris (`pip install atheris`) the run is guided by coverage, else by the kinds of
results. What shows something new is kept in tests/fuzz/corpus, which is then the smallest set that shows it all;
the test suite reads it again. Exit code 1 if something did not hold, with the octets.
"""

import argparse
import sys
import time
import traceback
from pathlib import Path

from scanner.wire_text import escape_octets
from tests.fuzz import guided, unguided
from tests.fuzz.checks import check_replies
from tests.fuzz.corpus import CORPUS, minimised, read_corpus, write_corpus
from tests.fuzz.features import features_of


def main(arguments: list[str] | None = None) -> int:
    """Runs, keeps, tells."""
    options = _options(arguments)
    known = read_corpus(options.corpus).values()
    engine = guided if guided.is_possible() and not options.unguided else unguided
    began = time.monotonic()
    interesting, failed = engine.fuzz(options.cases, options.seed, known)
    seconds = time.monotonic() - began
    for octets in failed:
        _tell_failure(octets)
    kept = minimised([*known, *(octets for octets in interesting if octets not in failed)])
    if not failed:
        write_corpus(kept, options.corpus)
    shown = len(frozenset().union(*map(features_of, kept)))
    how = "guided by coverage (atheris)" if engine is guided else "without atheris (pip install atheris)"
    _say(f"{options.cases} cases in {seconds:.0f} s, {how}, seed {options.seed}: {len(failed)} failed")
    _say(f"corpus: {len(kept)} inputs, {sum(map(len, kept))} octets, showing {shown} features")
    return 1 if failed else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.replies", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000, help="how many inputs")
    parser.add_argument("--seed", type=int, default=1, help="what chooses them")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="the kept inputs, read and replaced")
    parser.add_argument("--unguided", action="store_true", help="without atheris, though it is here")
    return parser.parse_args(arguments)


def _tell_failure(octets: bytes) -> None:
    _say(f"FAILED: {escape_octets(octets)}")
    try:
        check_replies(octets)
    except Exception:  # noqa: BLE001 - any of them is what was looked for
        traceback.print_exc()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
