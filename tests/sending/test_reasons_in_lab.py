"""Every success and every failure that the lab plays: the exit code, and the words that a person reads."""

from pathlib import Path

import orjson
import pytest

from scanner.exit_codes import INCONCLUSIVE, OK, OURS, PROBLEM
from tests.sending.lab_sending import PASSWORD, SENDER, LabMail, SendInLab
from tests.tls.issuing import authority

pytestmark = pytest.mark.acceptance

#: A row: why, the arguments, the exit code, what the reason is called, and words of it that a person reads.
Row = tuple[str, tuple[str, ...], int, str, str]

SIGNED_IN = ("--user", SENDER, "--password-env", "PASSWORD")


def to(mailbox: str, *more: str) -> tuple[str, ...]:
    return ("--to", mailbox, *more)


def by(host: str, *more: str) -> tuple[str, ...]:
    return ("--to", "somebody@elsewhere.lab", "--relay", f"RELAY:smtp.{host}.lab", *more)


TO_THEIR_OWN_MX: list[Row] = [
    ("an ordinary domain", to("somebody@good.lab"), OK, "", "taken by mx.good.lab"),
    ("251 is a yes", to("forwarded@mailboxes.lab"), OK, "", "taken by mx.mailboxes.lab"),
    ("three lines of yes", to("talkative@mailboxes.lab"), OK, "", "taken by"),
    ("slow, but within the limits", to("somebody@slow-delivery.lab"), OK, "", "taken by"),
    ("the first MX says 421, the second takes it", to("somebody@busy-first.lab"), OK, "", "taken by backup.busy-first"),
    ("nothing listens at the first MX", to("somebody@customer-three.lab"), OK, "", "taken by mx1.provider.lab"),
    ("the server offers as little as can be", to("somebody@seven-bit.lab"), OK, "", "taken by"),
    ("no such mailbox", to("unknown@mailboxes.lab"), PROBLEM, "user_unknown", "There is no such mailbox"),
    ("a full mailbox", to("full@mailboxes.lab"), INCONCLUSIVE, "mailbox_full", "must make room"),
    ("over quota for good", to("over-quota@mailboxes.lab"), PROBLEM, "mailbox_full", "must make room"),
    ("a mailbox name not allowed", to("misspelt@mailboxes.lab"), PROBLEM, "refused", "mailbox name not allowed"),
    ("a list for members", to("members-only@mailboxes.lab"), PROBLEM, "sender_refused", "only members may post"),
    ("greylisting", to("greylisted@mailboxes.lab"), INCONCLUSIVE, "greylisted", "Send again after 20"),
    ("the MX does not know the domain", to("x@relay-denied.lab"), PROBLEM, "domain_unknown_there",
     "does not take mail for this domain"),
    ("our address is on a list", to("x@listed-at-rcpt.lab"), OURS, "blocklisted", "is on a block list"),
    ("the sender's domain is not to be found", to("x@sender-refused.lab"), PROBLEM, "sender_refused",
     "does not take mail from this sender"),
    ("bounces are refused", to("x@no-bounces.lab", "--from", "<>"), PROBLEM, "sender_refused",
     "Null sender not accepted"),
    ("TLS required, and we may not", to("x@wants-tls.lab", "--tls", "none"), PROBLEM, "tls_required",
     "wants encryption first"),
    ("TLS required, and we do", to("x@wants-tls.lab"), OK, "", "taken by"),
    ("an MX for users", to("x@wants-auth.lab"), PROBLEM, "is_for_submission", "only from users who sign in"),
    ("421 at MAIL", to("x@mail-421.lab"), INCONCLUSIVE, "overloaded", "can't take mail now"),
    ("no answer to MAIL", to("x@silent-on-mail.lab"), INCONCLUSIVE, "silent", "did not answer MAIL FROM within 0.8 s"),
    ("no answer to RCPT", to("x@silent-on-rcpt.lab"), INCONCLUSIVE, "silent", "did not answer RCPT TO within 0.8 s"),
    ("hung up at MAIL", to("x@closes-on-mail.lab"), INCONCLUSIVE, "hung_up", "ended the connection at MAIL FROM"),
    ("reset at RCPT", to("x@resets-on-rcpt.lab"), INCONCLUSIVE, "hung_up", "ended the connection at RCPT TO"),
    ("a reply of four digits", to("x@four-digits-on-rcpt.lab"), PROBLEM, "broken_reply", "is no reply of SMTP"),
    ("DATA refused", to("x@data-refused.lab"), PROBLEM, "content_refused", "no messages today"),
    ("no answer to DATA", to("x@silent-on-data.lab"), INCONCLUSIVE, "silent", "did not answer DATA"),
    ("taken for spam", to("x@message-refused.lab"), PROBLEM, "content_refused", "mostly as spam"),
    ("not now, after the message", to("x@message-451.lab"), INCONCLUSIVE, "refused_for_now",
     "“not now” to the message"),
    ("no answer to the message", to("x@silent-on-message.lab"), INCONCLUSIVE, "fate_not_known",
     "may arrive all the same"),
    ("hung up after the message", to("x@closes-on-message.lab"), INCONCLUSIVE, "fate_not_known",
     "before you send it again"),
    ("it reads no more of the message", to("x@deaf-on-data.lab", "--attach", "HUGE"), INCONCLUSIVE, "silent",
     "did not answer the message within 1 s"),
    ("too large, as the server says before", to("x@small-messages.lab", "--attach", "LARGE"), PROBLEM,
     "message_too_large", "the server takes 10000 at most"),
    ("too large, as it turns out after", to("x@no-size.lab", "--attach", "LARGE"), PROBLEM, "too_large",
     "too large for mx.no-size.lab"),
    ("SIZE 0 is no limit", to("x@no-fixed-size.lab", "--attach", "LARGE"), OK, "", "taken by"),
    ("an address that needs SMTPUTF8", to("grüße@seven-bit.lab"), PROBLEM, "smtputf8_not_offered",
     "offers no SMTPUTF8"),
    ("such a one where it is offered", to("grüße@utf8.lab"), OK, "", "taken by"),
    ("the domain does not exist", to("x@nxdomain.lab"), PROBLEM, "domain_does_not_exist", "does not exist"),
    ("a null MX", to("x@null-mx.lab"), PROBLEM, "null_mx", "takes no mail, and says so"),
    ("an MX at a private address", to("x@private.lab"), PROBLEM, "not_public", "not public"),
    ("nothing listens", to("x@nobody-listens.lab"), PROBLEM, "connection_refused", "nothing listens there"),
    ("no mail server", to("x@speaks-ssh.lab"), PROBLEM, "not_smtp", "is no mail server"),
    ("broken TLS is not insisted on", to("x@handshake-alert.lab"), OK, "", "once more in the clear"),
]  # fmt: skip

BY_A_RELAY: list[Row] = [
    ("signed in over TLS", by("submission", *SIGNED_IN), OK, "", "AUTH PLAIN [hidden]"),
    ("LOGIN", by("login-only", *SIGNED_IN), OK, "", "AUTH LOGIN"),
    ("CRAM-MD5", by("cram-only", *SIGNED_IN), OK, "", "AUTH CRAM-MD5"),
    ("XOAUTH2, as asked for", by("xoauth2-only", *SIGNED_IN, "--auth", "xoauth2"), OK, "", "AUTH XOAUTH2 [hidden]"),
    ("TLS from the first octet", by("implicit-tls", *SIGNED_IN, "--tls", "implicit"), OK, "",
     "TLS from the first octet"),
    ("AUTH is offered too early too", by("auth-538", *SIGNED_IN), OK, "", "taken by"),
    ("in the clear, insecurely", by("plaintext-submission", *SIGNED_IN, "--tls", "none", "--insecure"), OK, "",
     "note: --insecure"),
    ("untrusted, insecurely", by("untrusted-submission", *SIGNED_IN, "--insecure"), OK, "", "taken all the same"),
    ("without a password, to its own domain", ("--to", "x@relay.lab", "--relay", "RELAY:smtp.relay.lab"), OK, "",
     "taken"),
    ("AUTH required", by("submission"), PROBLEM, "auth_required", "Give --user"),
    ("a wrong password", by("submission", "--user", SENDER, "--password-env", "WRONG"), PROBLEM, "wrong_password",
     "does not accept user and password"),
    ("a wrong token", by("submission", "--user", SENDER, "--password-env", "WRONG", "--auth", "XOAUTH2"), PROBLEM,
     "wrong_password", '"status"'),
    ("relay denied", by("relay"), PROBLEM, "relay_denied", "does not pass mail on for whoever comes"),
    ("somebody else's sender", by("own-senders", *SIGNED_IN, "--from", "other@sender.lab"), PROBLEM, "sender_refused",
     "not owned by user"),
    ("TLS required", by("submission", "--tls", "none"), PROBLEM, "tls_required", "wants encryption first"),
    ("no STARTTLS", by("plaintext-submission", *SIGNED_IN), PROBLEM, "starttls_not_offered", "offers no STARTTLS"),
    ("an untrusted certificate", by("untrusted-submission", *SIGNED_IN), PROBLEM, "tls_not_trusted",
     "the certificate is not trusted: unknown issuer"),
    ("a certificate for another name", by("misnamed-submission", *SIGNED_IN), PROBLEM, "tls_not_trusted",
     "the certificate is not for smtp.misnamed-submission.lab: it is for"),
    ("an expired certificate", by("expired-submission", *SIGNED_IN), PROBLEM, "tls_not_trusted", "expired since 20"),
    ("the same without a password", by("expired-submission"), PROBLEM, "tls_not_trusted", "expired since 20"),
    ("untrusted, TLS from the first octet", by("implicit-tls-untrusted", *SIGNED_IN, "--tls", "implicit"), PROBLEM,
     "tls_not_trusted", "unknown issuer"),
    ("no trust is needed, but for a password", by("untrusted-submission", *SIGNED_IN, "--tls", "opportunistic"),
     PROBLEM, "tls_not_trusted", "neither password nor message was sent"),
    ("no password in the clear", by("plaintext-submission", *SIGNED_IN, "--tls", "none"), PROBLEM, "auth_in_the_clear",
     "anybody on the way could read it"),
    ("nobody to sign in to", by("client-certificate", *SIGNED_IN), PROBLEM, "auth_not_offered", "offers no AUTH"),
    ("only tokens", by("xoauth2-only", *SIGNED_IN), PROBLEM, "no_mechanism", "the server offers XOAUTH2"),
    ("its user database is away", by("auth-unavailable", *SIGNED_IN), INCONCLUSIVE, "auth_unavailable",
     "the password may be right"),
    ("another way to sign in is wanted", by("auth-too-weak", *SIGNED_IN), PROBLEM, "other_credentials",
     "wants it to sign in otherwise"),
    ("no answer to AUTH", by("silent-on-auth", *SIGNED_IN), INCONCLUSIVE, "silent", "did not answer AUTH"),
    ("hung up at AUTH", by("closes-on-auth", *SIGNED_IN), INCONCLUSIVE, "hung_up", "ended the connection at AUTH"),
    ("challenges without end", by("endless-challenges", *SIGNED_IN), PROBLEM, "broken_auth", "goes astray"),
    ("TLS too early", by("submission", "--tls", "implicit"), PROBLEM, "wants_starttls", "Use --tls starttls"),
    ("TLS too late", by("implicit-tls"), INCONCLUSIVE, "no_greeting", "use --tls implicit"),
    ("no such relay", by("nothere"), PROBLEM, "relay_does_not_exist", "There is no host smtp.nothere.lab"),
]  # fmt: skip

ROWS = [*TO_THEIR_OWN_MX, *BY_A_RELAY]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A file that some servers do not take, and one that no buffer holds."""
    directory = tmp_path_factory.mktemp("files")
    for name, size in {"LARGE": 20_000, "HUGE": 12_000_000}.items():
        (directory / name).write_bytes(bytes(size))
    return {name: str(directory / name) for name in ("LARGE", "HUGE")}


@pytest.mark.parametrize(
    ("arguments", "code", "kind", "words"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_what_a_person_reads(
    send: SendInLab,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    files: dict[str, str],
    arguments: tuple[str, ...],
    code: int,
    kind: str,
    words: str,
) -> None:
    monkeypatch.setenv("PASSWORD", PASSWORD)
    monkeypatch.setenv("WRONG", "not the password")
    placed = [files.get(argument, argument) for argument in arguments]
    sent = send(*placed, "--save", str(tmp_path))
    assert (sent.code, sent.err) == (code, "")
    assert words in sent.out
    reason = sent.out.partition("\nrecipients\n")[2]
    assert ("what to do" in reason) is (code != OK)
    result = orjson.loads((tmp_path / "result.json").read_bytes())
    assert [each["kind"] for each in result["reasons"]] == ([kind] if kind else [])


def test_each_recipient_has_what_came_of_it(send: SendInLab) -> None:
    sent = send("--to", "unknown@mailboxes.lab", "--cc", "ok@mailboxes.lab", "--bcc", "full@mailboxes.lab")
    assert sent.code == PROBLEM
    told = sent.out.partition("\nrecipients\n")[2].splitlines()
    assert told[0].split()[:4] == ["unknown@mailboxes.lab", "NOT", "TAKEN", "550"]
    assert told[1].split()[:2] == ["ok@mailboxes.lab", "taken"]
    assert told[2].split()[:4] == ["full@mailboxes.lab", "NOT", "TAKEN", "452"]
    assert "SENT IN PART" in sent.out


def test_recipients_of_several_domains_get_it_from_their_own_servers(send: SendInLab, lab_mail: LabMail) -> None:
    before = len(lab_mail.messages())
    sent = send("--to", "a@good.lab", "--to", "b@sender.lab", "--cc", "c@good.lab")
    assert sent.code == OK
    kept = lab_mail.messages()[before:]
    assert [[each.forward_path for each in one.envelope.recipients] for one in kept] == [
        ["a@good.lab", "c@good.lab"],
        ["b@sender.lab"],
    ]
    assert kept[0].octets == kept[1].octets


def test_a_password_is_said_to_one_server_only(send: SendInLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", PASSWORD)
    sent = send(*by("auth-unavailable", *SIGNED_IN))
    assert sent.out.count("AUTH PLAIN [hidden]") == 1


BLOCKED: list[tuple[str, str, int, str]] = [
    ("no other answers either", "127.64.31.1", OURS, "that is the provider of this host"),
    ("others do", "127.64.2.1", INCONCLUSIVE, "the server is down"),
]


@pytest.mark.parametrize(("canary", "code", "words"), [row[1:] for row in BLOCKED], ids=[row[0] for row in BLOCKED])
def test_a_blocked_port_is_told_from_a_server_that_is_down(send: SendInLab, canary: str, code: int, words: str) -> None:
    sent = send("--to", "x@blackhole.lab", "--canary", canary)
    assert sent.code == code
    assert words in sent.out


def test_without_a_name_ehlo_says_the_address_and_a_person_is_told(
    lab_mail: LabMail, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    named = lab_mail.config
    nameless = named.with_name("nameless.toml")
    nameless.write_text(named.read_text().replace('ehlo_name = "scanner.lab"\n', ""))
    monkeypatch.setattr(lab_mail, "config", nameless)
    for hostname, name in (("nowhere", "[127.0.0.1]"), ("nowhere.lab", "[127.0.0.1]"), ("mx.good.lab", "mx.good.lab")):
        monkeypatch.setattr("platform.node", lambda hostname=hostname: hostname)
        sent = lab_mail.send(capsys, "--to", "x@good.lab")
        assert sent.code == OK
        assert f"-> EHLO {name}\n" in sent.out
        assert ("note: this host has no name that resolves" in sent.out) is (name == "[127.0.0.1]")


def test_an_address_literal_is_gone_to_without_the_dns(send: SendInLab, lab_mail: LabMail) -> None:
    sent = send("--to", "x@[127.64.2.1]")
    assert sent.code == OK
    assert sent.out.startswith(f"server [127.64.2.1] port {lab_mail.port}: TLS if the server offers it")
    assert "RCPT TO:<x@[127.64.2.1]>" in sent.out
    private = send("--to", "x@[10.0.0.1]")
    assert private.code == PROBLEM
    assert "--allow-network 10.0.0.1/32" in private.out


def test_a_relay_named_by_its_address_needs_a_certificate_for_it(send: SendInLab) -> None:
    relay = ("--to", "x@relay.lab", "--relay", "RELAY:127.66.164.1")
    verified = send(*relay)
    assert verified.code == PROBLEM
    assert "is not for the address 127.66.164.1: it is for smtp.relay.lab" in verified.out
    assert send(*relay, "--insecure").code == OK


def test_who_opted_out_is_left_alone(send: SendInLab, tmp_path: Path) -> None:
    (tmp_path / "opted-out").write_text("good.lab\n127.66.114.1\n")
    for mailbox in ("x@good.lab", "x@mailboxes.lab"):
        sent = send("--to", mailbox, "--opt-out", str(tmp_path / "opted-out"))
        assert sent.code == INCONCLUSIVE
        assert "is on the opt-out list" in sent.out
        assert "connect" not in sent.out


def test_broken_tls_is_no_reason_to_say_a_password_in_the_clear(
    send: SendInLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", PASSWORD)
    relay = ("--relay", "RELAY:mx.handshake-alert.lab", "--tls", "opportunistic")
    sent = send("--to", "x@good.lab", *relay, *SIGNED_IN, "--insecure")
    assert sent.code == PROBLEM
    assert "once more in the clear" not in sent.out
    assert "TLS with mx.handshake-alert.lab" in sent.out


def test_trust_is_in_the_roots_that_are_named(send: SendInLab, lab_mail: LabMail, tmp_path: Path) -> None:
    (tmp_path / "roots.pem").write_bytes(authority().pem)
    relay = ("--to", "x@relay.lab", "--relay", "RELAY:smtp.relay.lab")
    assert send(*relay, "--ca-file", str(lab_mail.roots)).code == OK
    strange = send(*relay, "--ca-file", str(tmp_path / "roots.pem"))
    assert strange.code == PROBLEM
    assert "not trusted" in strange.out
