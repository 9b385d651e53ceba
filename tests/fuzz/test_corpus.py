"""The inputs that fuzzing has kept: each is still what it was, in every split; and the fuzzer can find something."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scanner.smtp.replies import ReplyParser
from tests.fuzz import replies as program
from tests.fuzz import unguided
from tests.fuzz.checks import SMALL, check_replies, outcome_of
from tests.fuzz.corpus import minimised, name_of, read_corpus, read_index, write_corpus
from tests.fuzz.features import features_of
from tests.smtp.feeding import LIMITS, parse_every_way

INPUTS = read_corpus()


@pytest.mark.parametrize("name", INPUTS)
def test_a_kept_input_is_what_it_was_in_every_split(name: str) -> None:
    octets = INPUTS[name]
    assert name == name_of(octets), "the file was changed"
    check_replies(octets)
    outcomes = tuple(outcome_of(parse_every_way(octets, limits)) for limits in (LIMITS, SMALL))
    assert outcomes == read_index()[name]


def test_the_index_has_every_kept_input_and_no_other() -> None:
    assert list(read_index()) == list(INPUTS)
    assert sum(map(len, INPUTS.values())) < 200_000


def test_the_kept_inputs_show_every_outcome_and_every_flag_of_a_reply() -> None:
    words = {word for outcomes in read_index().values() for outcome in outcomes for word in outcome.split()}
    ends = {"ok", "not_smtp", "malformed", "too_long"}
    limits = {"limits.reply_line_bytes", "limits.reply_bytes", "limits.reply_lines"}
    assert words >= ends | limits | {"bare_lf", "reply_line_over_512", "reply_code_outside_grammar"}


def test_a_corpus_is_minimised_to_what_shows_something_and_read_back(tmp_path: Path) -> None:
    inputs = [b"220 a\r\n", b"220 b\r\n", b"220 longer\r\n", b"250-a\r\n250 b\r\n", b"x\r\n"]
    kept = minimised(inputs)
    assert set(kept) == {b"220 a\r\n", b"250-a\r\n250 b\r\n", b"x\r\n"}
    assert frozenset().union(*map(features_of, kept)) == frozenset().union(*map(features_of, inputs))
    write_corpus(kept, tmp_path)
    assert sorted(read_corpus(tmp_path).values()) == sorted(kept)
    assert read_index(tmp_path)[name_of(b"x\r\n")] == ("not_smtp", "not_smtp")


def test_a_run_without_atheris_holds_and_follows_from_its_seed() -> None:
    first, again, other = (unguided.fuzz(300, seed, []) for seed in (1, 1, 2))
    assert first == again != other
    assert (first.failed, other.failed) == ([], [])


Sabotage = Callable[[ReplyParser, bytes], None]


def _forgets_an_octet(parser: ReplyParser, data: bytes) -> None:
    parser._buffer += data.replace(b"\xff", b"")


def _takes_a_piece_for_a_line(parser: ReplyParser, data: bytes) -> None:
    parser._buffer += data + (b"\n" if len(data) == 1 and data not in b"\r\n" and not parser._buffer else b"")


def _has_no_limit(parser: ReplyParser, data: bytes) -> None:
    parser._limits = LIMITS
    parser._buffer += data


def _fails_by_accident(parser: ReplyParser, data: bytes) -> None:
    parser._buffer += data
    if b"\0" in data:
        raise IndexError


@pytest.mark.parametrize("sabotage", [_forgets_an_octet, _takes_a_piece_for_a_line, _has_no_limit, _fails_by_accident])
def test_a_parser_that_is_wrong_is_found_out(
    sabotage: Sabotage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(ReplyParser, "receive_data", sabotage)
    assert program.main(["--cases", "3000", "--unguided", "--corpus", str(tmp_path)]) == 1
    assert "FAILED: " in capsys.readouterr().out
