"""How properties are tested: the same cases on every machine, and quickly."""

from hypothesis import settings

#: Derandomized: what fails in one place fails in all. Chance, and many more cases, are the fuzzer's (tests/fuzz).
SAME_EVERYWHERE = settings(derandomize=True, max_examples=60, deadline=None)
