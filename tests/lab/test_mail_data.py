"""Messages as they come in: in whatever pieces, with their dots, and up to a size."""

import pytest

from scanner.lab.mail_data import ChunkedMessage, DotStuffedMessage

MESSAGES = [
    (b".\r\n", b"", "no octet at all"),
    (b"a\r\n.\r\n", b"a\r\n", "a line"),
    (b"..\r\n.\r\n", b".\r\n", "a dot that was stuffed"),
    (b"a\r\n..b\r\n...\r\n.\r\n", b"a\r\n.b\r\n..\r\n", "several"),
    (b".b\r\n.\r\n", b"b\r\n", "RFC 5321 §4.5.2: a dot that should have been stuffed is lost"),
    (b"a\n.\nb\r\n.\r\n", b"a\n.\nb\r\n", "no other end of a line ends a message"),
    (b"a\r\n\r\n.\r\n", b"a\r\n\r\n", "an empty line before the end"),
    (b"\r\n.\r\n", b"\r\n", "an empty line alone"),
    (b"a\r.\r\n\r\n.\r\n", b"a\r.\r\n\r\n", "nor does half of one"),
]


@pytest.mark.parametrize(("said", "meant", "why"), MESSAGES, ids=[row[-1] for row in MESSAGES])
def test_a_message_is_the_same_however_its_octets_arrive(said: bytes, meant: bytes, why: str) -> None:
    cuts = [[said[:cut], said[cut:]] for cut in range(len(said))]
    for pieces in (*cuts, [bytes((octet,)) for octet in said]):
        message = DotStuffedMessage(1000)
        taken = [message.take(bytearray(piece)) for piece in pieces]
        assert taken == [False] * (len(pieces) - 1) + [True], pieces
        assert message.octets == meant, pieces
        assert not message.is_too_big


def test_what_follows_the_end_of_a_message_is_left() -> None:
    received = bytearray(b"a\r\n.\r\nQUIT\r\n")
    assert DotStuffedMessage(1000).take(received)
    assert received == b"QUIT\r\n"


@pytest.mark.parametrize("piece", [1, 7, 1000])
@pytest.mark.parametrize(
    ("said", "is_too_big"),
    [
        (b"x" * 98 + b"\r\n.\r\n", False),
        (b"x" * 99 + b"\r\n.\r\n", True),
        (b"x" * 5000 + b"\r\n.\r\n", True),
        (b"..\r\n" * 33 + b".\r\n", False),  # 99 octets that need 132
        (b"..\r\n" * 34 + b".\r\n", True),
    ],
)
def test_a_message_over_the_limit_is_waited_for_and_not_kept(said: bytes, is_too_big: bool, piece: int) -> None:
    message = DotStuffedMessage(100)
    taken = [message.take(bytearray(said[at : at + piece])) for at in range(0, len(said), piece)]
    assert taken.index(True) == len(taken) - 1
    assert message.is_too_big is is_too_big


def test_chunks_are_taken_by_their_number_of_octets() -> None:
    message = ChunkedMessage(1000)
    received = bytearray(b"ab.\r\n.\r\nBDAT")
    message.begin_chunk(3)
    assert message.take(received)
    message.begin_chunk(5)
    assert message.take(received)
    assert (message.octets, bytes(received)) == (b"ab.\r\n.\r\n", b"BDAT")
    message.begin_chunk(10)
    assert not message.take(received)
    assert message.take(bytearray(b"123456789")) is True


def test_chunks_over_the_limit_are_swallowed() -> None:
    message = ChunkedMessage(10)
    for size in (6, 6):
        message.begin_chunk(size)
        assert message.take(bytearray(b"x" * size))
    assert message.is_too_big
    assert len(message.octets) <= 10
