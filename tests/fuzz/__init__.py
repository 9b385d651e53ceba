"""Fuzzing: a million inputs for the parser of replies, `python -m tests.fuzz.replies --cases 1000000`."""
