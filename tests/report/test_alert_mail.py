"""An alert as a mail: its fields make threads and are no answer's cause, and nothing can be slipped into them."""

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from scanner.message.fields import FieldError
from scanner.outages.alerts import Alert, AlertKind
from scanner.report.alert_mail import Letterhead, compose_alert
from scanner.report.alert_text import AlertText, render_alert
from scanner.report.moments import Moments

from .alerts import EACH, a_host, an_alert

HEAD = Letterhead("mxscan@monitor.example.net", "ops@example.net", "0a1b2c3d4e5f", "monitor.example.net")


def octets_of(alert: Alert, head: Letterhead = HEAD) -> bytes:
    return compose_alert(alert, render_alert(alert, Moments()), head)


def read(octets: bytes) -> EmailMessage:
    message = message_from_bytes(octets, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.parametrize("alert", EACH.values(), ids=list(EACH))
def test_a_mail_is_a_message_of_7_bits_whose_body_is_readable_as_it_is(alert: Alert) -> None:
    octets = octets_of(alert)
    assert octets.isascii()
    assert octets.count(b"\n") == octets.count(b"\r\n")
    assert max(map(len, octets.split(b"\r\n"))) <= 78
    message = read(octets)
    assert message.defects == []
    text = message.get_body()
    assert text is not None
    assert (text.get_content_type(), text["Content-Transfer-Encoding"]) == ("text/plain", "7bit")
    assert text.get_content().replace("\r\n", "\n") == render_alert(alert, Moments()).body


def test_the_fields_of_a_first_mail() -> None:
    message = read(octets_of(an_alert()))
    assert {name: message[name] for name in ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted")} == {
        "From": "mxscan@monitor.example.net",
        "To": "ops@example.net",
        "Subject": "[mxscan] mx1.example.org: DOWN (3 domains)",
        "Date": "Sun, 22 Nov 2026 02:17:52 +0000",
        "Message-ID": "<3f9a2c41-1.1.0a1b2c3d4e5f@monitor.example.net>",
        "Auto-Submitted": "auto-generated",
    }
    assert message["X-Mxscan-Alert"] == "3f9a2c41-1; sequence=1; kind=down"
    assert "In-Reply-To" not in message
    assert "References" not in message
    assert "X-Mxscan-Test" not in message


@pytest.mark.parametrize("kind", [AlertKind.back_online, AlertKind.reminder])
def test_a_later_mail_of_a_thread_answers_its_first_one(kind: AlertKind) -> None:
    first, later = read(octets_of(an_alert())), read(octets_of(EACH[kind]))
    assert later["In-Reply-To"] == later["References"] == first["Message-ID"]
    assert later["Message-ID"] == "<3f9a2c41-1.2.0a1b2c3d4e5f@monitor.example.net>"


def test_the_same_alert_is_the_same_octets_every_time() -> None:
    assert octets_of(an_alert()) == octets_of(an_alert())
    other = Letterhead(HEAD.sender, "it@example.com", "ffffffffffff", HEAD.domain)
    assert read(octets_of(an_alert(), other))["Message-ID"] != read(octets_of(an_alert()))["Message-ID"]


def test_the_proof_is_attached_as_a_text() -> None:
    [attached] = read(octets_of(an_alert())).iter_attachments()
    assert attached.get_filename() == "mxscan-3f9a2c41-1.1.txt"
    assert attached.get_content_type() == "text/plain"
    content = attached.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert content.decode() == render_alert(an_alert(), Moments()).attachment


def test_what_is_no_ascii_arrives_as_it_is() -> None:
    alert = an_alert(cause="größe.example", hosts=(a_host(reasons=("ответа нет",)),))
    message = read(octets_of(alert))
    assert message["Subject"] == "[mxscan] größe.example: DOWN (3 domains)"
    body = message.get_body()
    assert body is not None
    assert "ответа нет" in body.get_content()


@pytest.mark.parametrize("field", ["sender", "recipient", "group", "domain"])
@pytest.mark.parametrize("evil", ["a\r\nBcc: all@example.org", "a\nX: y", "a\rX: y", "a\x00"])
def test_nothing_can_be_slipped_into_the_header(field: str, evil: str) -> None:
    words = {"sender": "a@b.test", "recipient": "c@d.test", "group": "g", "domain": "b.test", field: evil}
    with pytest.raises(FieldError):
        octets_of(an_alert(), Letterhead(**words))


def test_nor_by_a_subject() -> None:
    alert = an_alert(cause="mx\r\nBcc: all@example.org")
    message = read(octets_of(alert))
    assert "Bcc" not in message
    with pytest.raises(FieldError):
        compose_alert(alert, AlertText("a\r\nBcc: all@example.org", "text", ""), HEAD)
