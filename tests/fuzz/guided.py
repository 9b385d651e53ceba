"""The run that is guided by coverage: atheris and libFuzzer, in a process of its own, which they end."""

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.fuzz.findings import Findings
from tests.fuzz.grammar import change_octets, write_octets

#: Enough for a line that is longer than RFC 5321's 512 octets, and lines before and after it.
_MAX_OCTETS = 800
_PATIENCE_S = 20


def is_possible() -> bool:
    """Whether atheris is here. It is no dependency of the project's: few need it, and it is large."""
    return importlib.util.find_spec("atheris") is not None


def fuzz(cases: int, seed: int, known: Iterable[bytes]) -> Findings:
    """Runs so many cases, beginning with the known inputs; libFuzzer tells on stderr how it goes."""
    with TemporaryDirectory() as directory:
        found = Path(directory, "found")
        found.mkdir()
        for number, octets in enumerate(known):
            (found / str(number)).write_bytes(octets)
        limits = (f"-runs={cases}", f"-max_len={_MAX_OCTETS}", f"-timeout={_PATIENCE_S}")
        options = (f"-seed={seed}", f"-artifact_prefix={directory}/failed-", "-print_final_stats=1")
        subprocess.run([sys.executable, "-m", "tests.fuzz.guided", *limits, *options, str(found)], check=False)
        failed = [path.read_bytes() for path in Path(directory).glob("failed-*")]
        return Findings([path.read_bytes() for path in sorted(found.iterdir())], failed)


def main() -> None:
    """The process of libFuzzer: it takes its arguments and ends the process when it is done."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["scanner.smtp.replies"]):
        checks = importlib.import_module("tests.fuzz.checks")

    def mutate(octets: bytes, max_size: int, seed: int) -> bytes:
        """Every second time by the grammar, else octet by octet as libFuzzer does."""
        random = Random(seed)
        if random.random() < 0.5:
            return bytes(atheris.Mutate(octets, max_size))
        return (change_octets(octets, random) if octets else write_octets(random))[:max_size]

    atheris.Setup(sys.argv, checks.check_replies, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
