"""Transcripts: every octet comes back, whatever it was and however it came; bounded, and inert."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.probe.transcript import TranscriptWriter
from scanner.records import TranscriptLine
from tests.probe.transcripts import octets_of, remarks_of

LINES: list[tuple[str, list[bytes], list[str]]] = [
    ("a line", [b"220 x\r\n"], ["220 x"]),
    ("in pieces", [b"22", b"0 ", b"x\r", b"\n"], ["220 x"]),
    ("two at once", [b"250-a\r\n250 b\r\n"], ["250-a", "250 b"]),
    ("LF alone is written", [b"220 x\n"], [r"220 x\x0A"]),
    ("CR within is written", [b"220 a\rb\r\r\n"], [r"220 a\x0Db\x0D"]),
    ("a line that never ended", [b"220 x"], ["220 x\\"]),
    ("one that ended with CR", [b"220 x\r"], ["220 x\\x0D\\"]),
    ("a backslash is no mark", [b"220 x\\\r\n"], [r"220 x\x5C"]),
    ("a backslash that never ended", [b"220 x\\"], ["220 x\\x5C\\"]),
    ("an empty line", [b"\r\n"], [""]),
    ("controls and 8-bit", [b"220 \x00\x1b[2J\x7f\xff\r\n"], [r"220 \x00\x1B[2J\x7F\xFF"]),
    ("nothing", [b""], []),
]  # fmt: skip


@pytest.mark.parametrize(("pieces", "texts"), [row[1:] for row in LINES], ids=[row[0] for row in LINES])
def test_a_line_is_written_exactly(pieces: list[bytes], texts: list[str]) -> None:
    writer = TranscriptWriter(1000)
    for piece in pieces:
        writer.received(0.5, piece)
    assert [text for _, _, text in writer.lines()] == texts
    assert octets_of(writer.lines(), "S") == b"".join(pieces)


def test_lines_stand_in_the_order_of_what_happened_with_their_times() -> None:
    writer = TranscriptWriter(1000)
    writer.remark(0.0, "connect")
    writer.received(0.02149, b"220 x\r\n")
    writer.sent(0.03, b"EHLO me.test\r\n")
    writer.received(0.1, b"250-a\r\n25")
    writer.remark(30.1, "limit fired")
    writer.sent(30.2, b"QUIT\r\n")
    assert writer.lines() == (
        (0.0, "*", "connect"),
        (0.021, "S", "220 x"),
        (0.03, "C", "EHLO me.test"),
        (0.1, "S", "250-a"),
        (0.1, "S", "25\\"),
        (30.1, "*", "limit fired"),
        (30.2, "C", "QUIT"),
    )


def test_a_line_has_the_time_at_which_it_ended() -> None:
    writer = TranscriptWriter(1000)
    writer.received(1.0, b"22")
    writer.received(2.0, b"0 x\r\n")
    writer.received(3.0, b"25")
    assert [(at, text) for at, _, text in writer.lines()] == [(2.0, "220 x"), (3.0, "25\\")]


def test_our_remarks_are_inert_too() -> None:
    writer = TranscriptWriter(1000)
    writer.remark(0.0, "a\x1b[2J\nb")
    assert remarks_of(writer.lines()) == [r"a\x1B[2J\x0Ab"]


@pytest.mark.parametrize(
    ("most", "kept", "is_cut"),
    [
        (27, b"220 x\r\n250-a\r\n250 the end\r\n", False),
        (26, b"220 x\r\n250-a\r\n250 the end\r", True),
        (14, b"220 x\r\n250-a\r\n", True),
        (10, b"220 x\r\n250", True),
        (0, b"", True),
    ],
)
def test_what_is_too_much_is_cut_and_the_cut_is_marked(most: int, kept: bytes, is_cut: bool) -> None:
    writer = TranscriptWriter(most)
    writer.received(0.0, b"220 x\r\n250-a\r\n")
    writer.received(0.0, b"250 the end\r\n")
    writer.sent(0.0, b"QUIT\r\n")
    assert octets_of(writer.lines(), "S") == kept
    assert writer.is_cut is is_cut
    assert remarks_of(writer.lines()) == (["transcript cut here"] if is_cut else [])
    assert octets_of(writer.lines(), "C") == b"QUIT\r\n"


PIECES = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"\\", b"\\x0A", b"220 x", b""]) | st.binary(max_size=8), max_size=30
)


@given(PIECES, st.sets(st.integers(0, 30)), st.integers(0, 300))
def test_every_octet_comes_back_up_to_the_cut(pieces: list[bytes], interrupted: set[int], most: int) -> None:
    writer = TranscriptWriter(most)
    for number, piece in enumerate(pieces):
        writer.received(float(number), piece)
        if number in interrupted:
            writer.sent(float(number), b"QUIT\r\n")
    whole = b"".join(pieces)
    assert octets_of(writer.lines(), "S") == whole[:most]
    assert writer.is_cut is (len(whole) > most)
    for _, _, text in writer.lines():
        assert text.isascii()
        assert text.isprintable() or text == ""


# Whoever listens ------------------------------------------------------------------------------------------


def test_a_listener_hears_each_line_when_it_ends_and_a_rest_when_something_else_is_said() -> None:
    heard: list[TranscriptLine] = []
    writer = TranscriptWriter(1000, heard.append)
    writer.remark(0.0, "connect")
    assert heard == [(0.0, "*", "connect")]
    writer.received(1.0, b"250-a\r\n250")
    assert heard[1:] == [(1.0, "S", "250-a")]
    writer.received(2.0, b" b\r\n25")
    assert heard[2:] == [(2.0, "S", "250 b")]
    writer.sent(3.0, b"QUIT\r\n")
    assert heard[3:] == [(2.0, "S", "25\\"), (3.0, "C", "QUIT")]


@given(PIECES, st.sets(st.integers(0, 30)), st.integers(0, 300))
def test_a_listener_hears_exactly_what_the_lines_are_in_the_end(
    pieces: list[bytes], interrupted: set[int], most: int
) -> None:
    heard: list[TranscriptLine] = []
    writer = TranscriptWriter(most, heard.append)
    for number, piece in enumerate(pieces):
        writer.received(float(number), piece)
        if number in interrupted:
            writer.sent(float(number), b"QUIT\r\n")
    writer.remark(31.0, "closed")
    assert tuple(heard) == writer.lines()


def test_what_is_to_be_concealed_is_so_from_our_next_line_on_for_those_who_listen_too() -> None:
    heard: list[TranscriptLine] = []
    writer = TranscriptWriter(1000, heard.append)
    writer.received(0.0, b"220 secret\r\n")
    writer.conceal(lambda octets: octets.replace(b"secret", b"-"))
    writer.sent(0.0, b"AUTH X\r\n")
    writer.received(0.0, b"500 what is sec")
    writer.received(0.0, b"ret?\r\n501 secret")
    writer.remark(0.0, "closed")
    assert [text for _, _, text in heard] == ["220 secret", "AUTH X", "500 what is -?", "501 -\\", "closed"]
    assert tuple(heard) == writer.lines()
