"""What arrives: the message that was meant, octet for octet, in the form that the server takes; and what is kept."""

import json
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from scanner.commands.send_errors import SaveError
from scanner.exit_codes import OK, PROBLEM
from scanner.lab.mail_store import KeptMessage
from scanner.report.shown_text import shown
from tests.acceptance.running import mxscan
from tests.sending.lab_sending import SENDER, LabMail, SendInLab
from tests.tls.issuing import issue

pytestmark = pytest.mark.acceptance

#: Everything that a transport could break: dots, line ends, NULs, all octets.
NASTY = b".\r\n..\r\n\n.\r\nFrom me\rto you\0" + bytes(range(256)) * 50


def arrived(lab: LabMail, before: int) -> KeptMessage:
    """The one message that arrived since there were so many."""
    (kept,) = lab.messages()[before:]
    return kept


def parsed(kept: KeptMessage) -> EmailMessage:
    return message_from_bytes(kept.octets, policy=default)


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain", "html"))
    assert body is not None
    content = body.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


def test_files_arrive_octet_for_octet_under_their_names(send: SendInLab, lab_mail: LabMail, tmp_path: Path) -> None:
    files = {
        "nasty.bin": NASTY,
        "Übersicht.pdf": b"%PDF-1.7\n",
        "lines.txt": b"a\nb\r\nc",
        "empty": b"",
        "a.tar.gz": b"\x1f",
    }
    for name, octets in files.items():
        (tmp_path / name).write_bytes(octets)
    before = len(lab_mail.messages())
    attached = [argument for name in files for argument in ("--attach", str(tmp_path / name))]
    assert send("--to", "x@good.lab", *attached).code == OK
    found = parsed(arrived(lab_mail, before))
    parts = list(found.iter_attachments())
    assert {part.get_filename(): part.get_payload(decode=True) for part in parts} == files
    assert [part.get_content_type() for part in parts] == [
        "application/octet-stream",
        "application/pdf",
        "text/plain",
        "application/octet-stream",
        "application/gzip",
    ]


def test_a_message_that_nobody_wrote_says_what_it_is_and_where_its_transcript_is(
    send: SendInLab, lab_mail: LabMail, tmp_path: Path
) -> None:
    before = len(lab_mail.messages())
    assert send("--to", "x@good.lab", "--save", str(tmp_path / "kept")).code == OK
    found = parsed(arrived(lab_mail, before))
    text = text_of(found)
    assert "This is a test message" in text
    assert "scanner.lab" in text
    assert f"{tmp_path}/kept/transcript.txt on scanner.lab" in text
    assert f"{tmp_path}/kept/transcript.txt" in found["X-Mxscan-Test"].replace("\n ", " ")
    assert found["Message-ID"] in (tmp_path / "kept" / "result.json").read_text()
    assert found["Date"] is not None
    assert found["From"] == SENDER


@pytest.mark.parametrize("domain", ["customer-one.lab", "two-mail-hosts.lab"])
def test_of_several_servers_one_gets_it(send: SendInLab, lab_mail: LabMail, domain: str) -> None:
    before = len(lab_mail.messages())
    assert send("--to", f"x@{domain}").code == OK
    arrived(lab_mail, before)


FORMS: list[tuple[str, str, str, tuple[str, ...], str]] = [
    ("as it is where 8BITMIME is offered", "x@good.lab", "8bit", ("BODY=8BITMIME",), "Grüße\n.\n..dots\n"),
    ("quoted-printable where it is not", "x@seven-bit.lab", "quoted-printable", (), "Grüße\n.\n..dots\n"),
    ("ASCII needs nothing", "x@good.lab", "7bit", (), "Hello\n.\n..dots\n"),
    ("SMTPUTF8 for an address", "grüße@utf8.lab", "8bit", ("BODY=8BITMIME", "SMTPUTF8"), "Grüße\n"),
]


@pytest.mark.parametrize(
    ("mailbox", "encoding", "parameters", "text"), [row[1:] for row in FORMS], ids=[row[0] for row in FORMS]
)
def test_extensions_are_used_only_where_offered_and_needed(
    send: SendInLab,
    lab_mail: LabMail,
    tmp_path: Path,
    mailbox: str,
    encoding: str,
    parameters: tuple[str, ...],
    text: str,
) -> None:
    (tmp_path / "text").write_text(text)
    before = len(lab_mail.messages())
    assert send("--to", mailbox, "--subject", "Übung", "--body-file", str(tmp_path / "text")).code == OK
    kept = arrived(lab_mail, before)
    found = parsed(kept)
    assert found["Content-Transfer-Encoding"] == encoding
    assert [each for each in kept.envelope.mail_parameters if not each.startswith("SIZE=")] == list(parameters)
    assert f"SIZE={len(kept.octets)}" in kept.envelope.mail_parameters
    assert (found["Subject"], text_of(found)) == ("Übung", text)


def test_reports_are_asked_for_where_they_are_offered(send: SendInLab, lab_mail: LabMail) -> None:
    asked = ("--dsn-notify", "success,failure", "--dsn-return", "headers", "--dsn-envid", "ticket 4711")
    before = len(lab_mail.messages())
    assert send("--to", "x@utf8.lab", *asked).code == OK
    envelope = arrived(lab_mail, before).envelope
    assert {"RET=HDRS", "ENVID=ticket+204711"} <= set(envelope.mail_parameters)
    assert set(envelope.recipients[0].parameters) == {"NOTIFY=SUCCESS,FAILURE"}
    without = send("--to", "x@seven-bit.lab", *asked)
    assert without.code == OK
    assert "offers no DSN" in without.out


def test_headers_copies_and_hidden_recipients(send: SendInLab, lab_mail: LabMail) -> None:
    before = len(lab_mail.messages())
    to = ("--to", "a@good.lab", "--cc", "b@good.lab", "--bcc", "c@good.lab", "--to", "a@good.lab")
    assert send(*to, "--header", "X-Ticket: 4711", "--header", "Reply-To: Jürgen <j@x.test>", "--html").code == OK
    kept = arrived(lab_mail, before)
    assert [each.forward_path for each in kept.envelope.recipients] == ["a@good.lab", "b@good.lab", "c@good.lab"]
    found = parsed(kept)
    assert (found["To"], found["Cc"]) == ("a@good.lab", "b@good.lab")
    assert b"c@good.lab" not in kept.octets
    assert (found["X-Ticket"], found["Reply-To"]) == ("4711", "Jürgen <j@x.test>")
    assert found.get_content_type() == "text/html"


def test_a_null_sender_has_an_author_all_the_same(send: SendInLab, lab_mail: LabMail) -> None:
    before = len(lab_mail.messages())
    assert send("--to", "x@good.lab", "--from", "<>").code == OK
    kept = arrived(lab_mail, before)
    assert kept.envelope.reverse_path == ""
    assert parsed(kept)["From"] == "MAILER-DAEMON@scanner.lab"


def test_our_certificate_is_shown_to_who_asks_for_it(send: SendInLab, lab_mail: LabMail, tmp_path: Path) -> None:
    ours = issue("me.test")
    assert isinstance(ours.key, ec.EllipticCurvePrivateKey)
    key = ours.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "me.pem").write_bytes(ours.pem + key)
    relay = ("--to", "x@elsewhere.lab", "--relay", "RELAY:smtp.client-certificate.lab")
    assert send(*relay).code == PROBLEM
    before = len(lab_mail.messages())
    assert send(*relay, "--client-cert", str(tmp_path / "me.pem")).code == OK
    assert arrived(lab_mail, before).envelope.client_certificate == sha256(ours.der).hexdigest()


STAGES = ["connect", "ehlo", "tls", "auth", "mail", "rcpt"]


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_is_sent_where_we_are_to_stop(
    send: SendInLab, lab_mail: LabMail, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    monkeypatch.setenv("PASSWORD", "correct horse battery staple")
    signed_in = ("--relay", "RELAY:smtp.submission.lab", "--user", SENDER, "--password-env", "PASSWORD")
    before = len(lab_mail.messages())
    sent = send("--to", "x@good.lab", *signed_in, "--quit-after", stage, "--json")
    assert sent.code == OK
    assert sent.found["result"] == "stopped"
    said = [text.split()[0] for _, who, text in sent.found["transcripts"][0]["lines"] if who == "C"]
    whole = ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT"]
    up_to = {"connect": 0, "ehlo": 1, "tls": 3, "auth": 4, "mail": 5, "rcpt": 6}[stage]
    assert said == [*whole[:up_to], "QUIT"]
    assert len(lab_mail.messages()) == before


def test_all_of_it_is_kept(send: SendInLab, lab_mail: LabMail, tmp_path: Path) -> None:
    before = len(lab_mail.messages())
    sent = send("--to", "x@seven-bit.lab", "--body", "Grüße", "--save", str(tmp_path))
    assert sent.code == OK
    message = (tmp_path / "message.eml").read_bytes()
    assert message == arrived(lab_mail, before).octets
    transcript = (tmp_path / "transcript.txt").read_text().splitlines()
    assert transcript == sent.out.partition("\n\nrecipients\n")[0].splitlines()
    result: dict[str, Any] = json.loads((tmp_path / "result.json").read_bytes())
    assert result["sessions"][0]["message_sha256"] == sha256(message).hexdigest()
    assert (result["result"], result["exit_code"], result["message"]["octets"]) == ("sent", 0, len(message))
    again = send("--to", "x@good.lab", "--save", str(tmp_path))
    assert (again.code, again.err.count("\n")) == (2, 1)
    assert "holds another sending" in again.err


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["plain", "json"])
def test_a_full_disk_hides_no_answer(
    send: SendInLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    def fill(*_: object) -> None:
        raise SaveError("No space left on device")

    monkeypatch.setattr("scanner.commands.send.SaveDirectory.keep", fill)
    sent = send("--to", "x@good.lab", "--save", str(tmp_path), *more)
    assert (sent.code, sent.err) == (4, "mxscan: No space left on device\n")
    assert "The message was taken by mx.good.lab" in sent.out


def test_one_object_and_nothing_else(send: SendInLab) -> None:
    sent = send("--to", "unknown@mailboxes.lab", "--json")
    assert (sent.code, sent.err) == (1, "")
    (recipient,) = sent.found["recipients"]
    assert (recipient["mailbox"], recipient["fate"], recipient["reply"]["code"]) == (
        "unknown@mailboxes.lab",
        "not_taken",
        550,
    )
    assert recipient["reason"] == sent.found["reasons"][0]


def test_a_hostile_server_cannot_move_the_terminal(send: SendInLab) -> None:
    sent = send("--to", "x@hostile-replies.lab", "--body", "a")
    assert sent.out.replace("\n", "").isprintable()


def test_what_is_piped_is_the_text(lab_mail: LabMail) -> None:
    common = ("send", "--config", lab_mail.config, "--from", SENDER, "--to", "x@good.lab")
    for arguments, stdin, text in [
        ((), b"piped\nlines\n", "piped\nlines\n"),
        (("--body-file", "-"), "\ufeffmit Marke: ü\n".encode(), "mit Marke: ü\n"),
        (("--body", "said"), b"ignored", "said\n"),
    ]:
        before = len(lab_mail.messages())
        ended = mxscan(*common, *arguments, stdin=stdin)
        assert ended.returncode == OK, shown(ended.stderr.decode())
        assert text_of(parsed(arrived(lab_mail, before))) == text
    before = len(lab_mail.messages())
    assert mxscan(*common).returncode == OK
    assert "This is a test message" in text_of(parsed(arrived(lab_mail, before)))


def test_it_sends_within_its_own_lab() -> None:
    ended = mxscan("send", "--lab", "--from", SENDER, "--to", "x@good.lab", "--body", "a")
    assert ended.returncode == OK
    assert b"EHLO scanner.lab" in ended.stdout
