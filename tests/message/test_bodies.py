"""Body parts: what a text and a file are when somebody else's parser has read them."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.message.bodies import Attachment, Part, encode_attachment, encode_text


def parsed(part: Part) -> EmailMessage:
    return message_from_bytes(part.fields + b"\r\n" + part.content, policy=default)


TEXTS: list[tuple[str, str, str, str]] = [
    ("ASCII travels as it is", "Hello\nthere\n", "7bit", "7bit"),
    ("the end of the last line is ours", "Hello", "7bit", "7bit"),
    ("no text at all", "", "7bit", "7bit"),
    ("outside ASCII it depends on the server", "Grüße\n", "8bit", "quoted-printable"),
    ("998 octets a line", "x" * 998, "7bit", "7bit"),
    ("999 are too many (RFC 5321 §4.5.3.1.6)", "x" * 999, "quoted-printable", "quoted-printable"),
    ("octets count, not characters", "ü" * 500, "quoted-printable", "quoted-printable"),
    ("NUL does not travel", "a\0b", "quoted-printable", "quoted-printable"),
    ("CR that ends no line", "a\rb", "quoted-printable", "quoted-printable"),
    ("an escape", "a\x1b[2Jb", "quoted-printable", "quoted-printable"),
]


@pytest.mark.parametrize(("text", "in_8bit", "in_7bit"), [row[1:] for row in TEXTS], ids=[row[0] for row in TEXTS])
def test_a_text_arrives_in_the_least_encoding_that_carries_it(text: str, in_8bit: str, in_7bit: str) -> None:
    for allow_8bit, encoding in ((True, in_8bit), (False, in_7bit)):
        part = encode_text(text, "plain", allow_8bit=allow_8bit)
        message = parsed(part)
        assert message["Content-Transfer-Encoding"] == encoding
        assert part.is_8bit is (encoding == "8bit")
        payload = message.get_payload(decode=True)
        assert isinstance(payload, bytes)
        assert payload.decode().removesuffix("\r\n") == text.removesuffix("\n").replace("\n", "\r\n")


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=300), allow_8bit=st.booleans())
def test_every_text_is_read_back(text: str, allow_8bit: bool) -> None:
    part = encode_text(text, "plain", allow_8bit=allow_8bit)
    payload = parsed(part).get_payload(decode=True)
    assert isinstance(payload, bytes)
    normal = text.replace("\r\n", "\n").replace("\n", "\r\n")
    assert payload == (normal if normal.endswith("\r\n") else f"{normal}\r\n").encode()
    lines = part.content.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    assert part.is_8bit or part.content.isascii()


FILES: list[tuple[str, str, str, bytes, str]] = [
    ("a picture", "a.png", "image/png", bytes(range(256)) * 3, "image/png"),
    ("no octet", "empty.bin", "application/octet-stream", b"", "application/octet-stream"),
    ("text keeps its line ends", "a.txt", "text/plain", b"a\nb\r\nc\rd", "text/plain"),
    ("text that is no UTF-8", "a.txt", "text/plain", b"\xff\xfe", "text/plain"),
    ("a message must not be in base64", "a.eml", "message/rfc822", b"From: a\r\n", "application/octet-stream"),
    ("a name with a quote", 'a "b" \\c.txt', "application/x", b"x", "application/x"),
    ("a name outside ASCII", "Übersicht 2026 – final.pdf", "application/pdf", b"%PDF", "application/pdf"),
    ("a long name", "ü" * 120 + ".pdf", "application/pdf", b"%PDF", "application/pdf"),
    ("a name with a line end", "a\r\nBcc: x@y.test", "application/x", b"x", "application/x"),
    ("a name like an encoded word", "=?utf-8?q?a?=.txt", "application/x", b"x", "application/x"),
    ("a name with runs of spaces", "a   b" + " c" * 20 + ".txt", "application/x", b"x", "application/x"),
]


@pytest.mark.parametrize(
    ("name", "kind", "content", "written"), [row[1:] for row in FILES], ids=[row[0] for row in FILES]
)
def test_a_file_arrives_octet_for_octet_under_its_name(name: str, kind: str, content: bytes, written: str) -> None:
    part = encode_attachment(Attachment(name, kind, content))
    message = parsed(part)
    assert message.get_payload(decode=True) == content
    assert message.get_content_type() == written
    assert message.get_content_disposition() == "attachment"
    assert message.get_filename() == name
    assert max(map(len, (part.fields + part.content).split(b"\r\n"))) <= 78
