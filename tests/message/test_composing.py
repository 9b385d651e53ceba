"""Whole messages: what another parser finds in them, in which forms they come, and what is refused."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

import pytest

from scanner.message.bodies import Attachment
from scanner.message.composing import TEST_FIELD, ComposedMessage, Draft, Field, compose, parse_field
from scanner.message.default_text import Occasion, default_subject, default_text, note_of
from scanner.message.fields import FieldError

AT = datetime(2026, 11, 22, 12, 0, 5, tzinfo=UTC)
MESSAGE_ID = "<1.abc@scanner.test>"


def draft(**changes: Any) -> Draft:
    values: dict[str, Any] = {
        "author": "me@here.test",
        "to": ("you@there.test",),
        "subject": "Test",
        "text": "Hello\n",
        "message_id": MESSAGE_ID,
        "at": AT,
        "test_note": "sent by mxscan",
    }
    return Draft(**(values | changes))


def parsed(message: ComposedMessage) -> EmailMessage:
    return message_from_bytes(message.octets, policy=default)


def test_the_simplest_message_octet_for_octet() -> None:
    (message,) = compose(draft())
    assert message == ComposedMessage(
        b"Date: Sun, 22 Nov 2026 12:00:05 +0000\r\n"
        b"From: me@here.test\r\n"
        b"To: you@there.test\r\n"
        b"Subject: Test\r\n"
        b"Message-ID: <1.abc@scanner.test>\r\n"
        b"X-Mxscan-Test: sent by mxscan\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=us-ascii\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\n"
        b"Hello\r\n",
        needs_8bitmime=False,
        needs_smtputf8=False,
    )


def test_another_parser_finds_the_text_and_every_file() -> None:
    files = (Attachment("a.bin", "application/x-a", bytes(range(256))), Attachment("b.txt", "text/plain", b"b\n"))
    eight, seven = compose(draft(text="Grüße\n", attachments=files, is_html=True, cc=("cc@x.test",)))
    for message, encoding in ((eight, "8bit"), (seven, "7bit")):
        found = parsed(message)
        assert not found.defects
        assert (found["Cc"], found["Content-Transfer-Encoding"]) == ("cc@x.test", encoding)
        text, *attached = cast("list[EmailMessage]", list(found.iter_parts()))
        assert (text.get_content_type(), text.get_content()) == ("text/html", "Grüße\r\n")
        assert [one.get_payload(decode=True) for one in attached] == [file.content for file in files]


FORMS: list[tuple[str, dict[str, Any], list[tuple[bool, bool]]]] = [
    ("ASCII has one form", {}, [(False, False)]),
    ("8-bit text has a form for every server", {"text": "é"}, [(True, False), (False, False)]),
    ("a subject outside ASCII needs nothing", {"subject": "é"}, [(False, False)]),
    ("an address outside ASCII needs SMTPUTF8", {"to": ("é@x.test",)}, [(False, True)]),
    ("whoever may be seen counts", {"author": "é@x.test", "text": "é"}, [(True, True), (False, True)]),
]


@pytest.mark.parametrize(("changes", "needs"), [row[1:] for row in FORMS], ids=[row[0] for row in FORMS])
def test_a_message_says_what_a_server_must_offer(changes: dict[str, Any], needs: list[tuple[bool, bool]]) -> None:
    forms = compose(draft(**changes))
    assert [(form.needs_8bitmime, form.needs_smtputf8) for form in forms] == needs
    for form in forms:
        header, _, body = form.octets.partition(b"\r\n\r\n")
        assert header.isascii() is not form.needs_smtputf8
        assert body.isascii() is not form.needs_8bitmime


def test_no_text_can_end_its_part() -> None:
    files = (Attachment("a", "application/x", b"a"),)
    boundary = parsed(compose(draft(attachments=files))[0]).get_boundary()
    text = f"--{boundary}--\n\nContent-Type: text/plain\n"
    found = parsed(compose(draft(text=text, attachments=files))[0])
    assert found.get_boundary() != boundary
    assert [part.get_content_type() for part in found.iter_parts()] == ["text/plain", "application/x"]


def test_a_message_that_is_no_test_does_not_say_so() -> None:
    assert TEST_FIELD not in parsed(compose(draft(test_note=""))[0])


def test_whoever_is_hidden_stays_hidden() -> None:
    assert parsed(compose(draft(to=()))[0])["To"] == "undisclosed-recipients:;"


def test_a_senders_field_replaces_ours_or_is_added() -> None:
    fields = (Field("from", "Me <me@here.test>"), Field("X-Ticket", "4711"), Field("X-Ticket", "4712"))
    found = parsed(compose(draft(fields=fields))[0])
    assert found.get_all("From") == ["Me <me@here.test>"]
    assert found.get_all("X-Ticket") == ["4711", "4712"]


REFUSED: list[tuple[str, str, str]] = [
    ("no colon", "X-Ticket 4711", "no colon"),
    ("no name", ": 4711", "needs a name"),
    ("another field in its value", "X: a\r\nBcc: b@x.test", "CR at position 5"),
    ("another field in its name", "X\nY: a", "LF at position 2"),
    ("how the content travels", "content-type: text/html", "by mxscan itself"),
    ("the mark of a test", f"{TEST_FIELD}: no test", "by mxscan itself"),
    ("Bcc would be seen", "Bcc: b@x.test", "use --bcc"),
]


@pytest.mark.parametrize(("text", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_field_that_cannot_be_added_is_refused(text: str, words: str) -> None:
    with pytest.raises(FieldError, match=words):
        parse_field(text)


def test_a_field_is_read_with_its_value() -> None:
    assert parse_field("X-Ticket:  4711: a ") == Field("X-Ticket", "4711: a")


def test_what_a_message_has_once_is_not_given_twice() -> None:
    with pytest.raises(FieldError, match="once at most"):
        compose(draft(fields=(Field("Reply-To", "a@x.test"), Field("reply-to", "b@x.test"))))


@pytest.mark.parametrize("changes", [{"subject": "a\nb"}, {"to": ("a@x.test\r\nRCPT",)}, {"test_note": "a\0"}])
def test_no_value_can_become_another_field(changes: dict[str, Any]) -> None:
    with pytest.raises(FieldError):
        compose(draft(**changes))


def occasion(saved_at: str | None) -> Occasion:
    return Occasion(version="1.0", at=AT, host="host.test", message_id=MESSAGE_ID, saved_at=saved_at)


@pytest.mark.parametrize(
    ("saved_at", "place"),
    [("/kept", "/kept/transcript.txt on host.test"), (None, "shown on host.test when it was sent")],
)
@pytest.mark.parametrize("is_html", [False, True])
def test_a_message_nobody_wrote_says_what_it_is(saved_at: str | None, place: str, is_html: bool) -> None:
    this = occasion(saved_at)
    text = default_text(this, is_html=is_html)
    said = MESSAGE_ID.replace("<", "&lt;").replace(">", "&gt;") if is_html else MESSAGE_ID
    assert all(word in text for word in ("test message", "mxscan 1.0", "2026-11-22T12:00:05.000Z", "host.test", said))
    assert place in text
    assert place in note_of(this)
    assert "host.test" in default_subject(this)
