"""AUTH: every mechanism is spoken as it must be, and nothing that it says comes out anywhere, in any encoding."""

import base64
import binascii
import hmac
import itertools
import quopri
import re
import urllib.parse
from collections.abc import Callable

import msgspec
import pytest

from scanner.outcomes import Outcome, Stage, Stop, TlsMode
from scanner.probe.concealment import Concealment, without_secret
from scanner.probe.send_session import SentSession
from scanner.probe.sending import SendOrder
from scanner.smtp.sasl import Credentials
from scanner.wire_text import escape_octets
from tests.net.certificates import Served, server_context
from tests.net.scripted import Conversation, Server
from tests.probe.mail_servers import Answer, TakesMessage, give, mail_server, reset, say_and_close, tls_mail_server
from tests.probe.probing import Probe
from tests.probe.test_observers import Looker
from tests.probe.test_sending import end_of, offers, order
from tests.probe.transcripts import octets_of

USER = "someone@example.org"
#: Passwords with what encodings and texts make something else of.
PASSWORDS = ["Tr0ub4dor&3+/=x", 'back\\slash "quoted" \'s', "schlüsßel-🗝-wort", " spaces  at the ends "]
CHALLENGE = base64.b64encode(b"<1896.697170952@mx.test>")

Respond = Callable[[Credentials], list[bytes]]


def encoded(text: str) -> bytes:
    return base64.b64encode(text.encode())


def plain(who: Credentials) -> list[bytes]:
    return [encoded(f"\0{who.user}\0{who.password}")]


def login(who: Credentials) -> list[bytes]:
    return [encoded(who.user), encoded(who.password)]


def cram(who: Credentials) -> list[bytes]:
    digest = hmac.new(who.password.encode(), base64.b64decode(CHALLENGE), "md5").hexdigest()
    return [encoded(f"{who.user} {digest}")]


def bearer(who: Credentials) -> list[bytes]:
    return [encoded(f"user={who.user}\1auth=Bearer {who.password}\1\1")]


#: A mechanism, its challenges before the final reply, and what is to be said.
MECHANISMS: list[tuple[str, list[bytes], Respond]] = [
    ("PLAIN", [], plain),
    ("LOGIN", [b"VXNlcm5hbWU6", b"UGFzc3dvcmQ6"], login),
    ("CRAM-MD5", [CHALLENGE], cram),
    ("XOAUTH2", [], bearer),
]

Reply = Callable[[list[bytes]], Answer]
WELCOME, REFUSED = b"235 2.7.0 welcome\r\n", b"535 5.7.8 authentication failed\r\n"


class Authenticates:
    """Answers AUTH: gives the challenges, keeps what is said, and replies at last; `reply` sees what was said."""

    def __init__(self, challenges: list[bytes], reply: Reply) -> None:
        self._challenges = challenges
        self._reply = reply
        self.said: list[bytes] = []

    def __call__(self, conversation: Conversation) -> None:
        self.said = conversation.heard.splitlines()[-1].split()[2:]
        for challenge in self._challenges:
            conversation.say(b"334 " + challenge + b"\r\n")
            self.said.append(conversation.hear_line().strip(b"\r\n"))
        give(conversation, self._reply(self.said))


def parrot(said: list[bytes]) -> Answer:
    """Repeats everything, as it was said, in capitals, and decoded."""
    lines = [b"500 5.5.1 unrecognized: " + text for text in said]
    lines += [line.upper() for line in lines]
    lines += [b"500 5.5.1 what is " + b" ".join(base64.b64decode(text).split(b"\0")) + b"?" for text in said]
    return b"\r\n".join(line[:3] + b"-" + line[4:] for line in lines) + b"\r\n500 5.5.1 what?\r\n"


#: What ends AUTH, and how it ends then.
ENDS: list[tuple[str, Reply, Outcome]] = [
    ("welcome", lambda _: WELCOME, Outcome.ok),
    ("refused", lambda _: REFUSED, Outcome.permanent_negative),
    ("for now", lambda _: b"454 4.7.0 later\r\n", Outcome.transient_negative),
    ("repeated by the server", parrot, Outcome.permanent_negative),
    ("repeated without an end of line", lambda said: say_and_close(b"what is " + said[-1]), Outcome.not_smtp),
    ("repeated in a malformed reply", lambda said: b"500-a\r\n501 " + said[-1] + b"\r\n", Outcome.malformed),
    ("reset", lambda _: reset, Outcome.reset),
    ("a challenge too many", lambda said: b"334 " + said[-1] + b"\r\n", Outcome.malformed),
    ("a challenge that is no base64", lambda said: b"334 !" + said[-1] + b"\r\n", Outcome.malformed),
]  # fmt: skip


def forms_of(who: Credentials, responses: list[bytes]) -> list[bytes]:
    """Everything that must not be found."""
    password = who.password.encode()
    forms = [password, password.strip(), *responses, *(base64.b64decode(response) for response in responses)]
    forms += [base64.b64encode(b"x" * skipped + password)[4:-4] for skipped in range(3)]
    forms += [binascii.hexlify(password), quopri.encodestring(password).strip(), urllib.parse.quote(password).encode()]
    forms += [escape_octets(form).encode() for form in forms] + [repr(who.password)[1:-1].encode()]
    forms += [digest for response in responses for digest in re.findall(rb"[0-9a-f]{32}\Z", base64.b64decode(response))]
    return [form for form in forms if form != encoded(who.user) and form != who.user.encode()]


def outputs_of(sent: SentSession, looker: Looker) -> bytes:
    """Everything that anybody may read of a sending."""
    texts = [repr(sent), str(sent), repr(looker), sent.bug or "", repr(sent.record), str(sent.record.error)]
    records = [msgspec.json.encode(sent.record), msgspec.json.encode(sent.transcript)]
    said = [octets_of(sent.transcript.lines, who) for who in "SC*"]
    return b"\n".join([*(text.encode("utf-8", "backslashreplace") for text in texts), *records, *said])


def log_in_order(who: Credentials, mechanism: str) -> SendOrder:
    return order(credentials=who, mechanism=mechanism, tls_mode=TlsMode.starttls)


#: Each mechanism with each end (a challenge more is how XOAUTH2 fails), and one password after the other.
PAIRS = [
    (mechanism, end)
    for mechanism, end in itertools.product(MECHANISMS, ENDS)
    if (mechanism[0], end[0]) != ("XOAUTH2", "a challenge too many")
]
CASES = [(*mechanism, *end[1:], PASSWORDS[number % len(PASSWORDS)]) for number, (mechanism, end) in enumerate(PAIRS)]


@pytest.mark.parametrize(
    ("mechanism", "challenges", "respond", "reply", "outcome", "password"),
    CASES,
    ids=[f"{mechanism[0]}: {end[0]}" for mechanism, end in PAIRS],
)
def test_no_output_has_what_auth_says(
    probe: Probe,
    served: Served,
    mechanism: str,
    challenges: list[bytes],
    respond: Respond,
    reply: Reply,
    outcome: Outcome,
    password: str,
) -> None:
    who = Credentials(USER, password)
    auth, probe.observer = Authenticates(challenges, reply), Looker()
    script = tls_mail_server(server_context(served), ehlo=offers(f"AUTH {mechanism}"), auth=auth, data=TakesMessage())
    with Server(script) as server:
        sent = probe.send(server, log_in_order(who, mechanism))
    assert auth.said == respond(who)
    assert (sent.record.outcome, sent.bug, sent.record.mechanism) == (outcome, None, mechanism)
    assert sent.record.stage is (Stage.done if outcome is Outcome.ok else Stage.auth)
    outputs = outputs_of(sent, probe.observer)
    lowered = outputs.lower()
    for form in forms_of(who, respond(who)):
        assert form not in outputs
        assert form.lower() not in lowered
    assert b"[hidden]" in octets_of(sent.transcript.lines, "C")
    assert f"AUTH {mechanism}".encode() in octets_of(sent.transcript.lines, "C")


def test_what_xoauth2_is_told_of_a_failure_is_kept_but_for_the_token(probe: Probe) -> None:
    who = Credentials(USER, "ya29.t0ken-t0ken")
    failure = b'{"status":"401","token":"ya29.t0ken-t0ken"}'
    auth = Authenticates([], lambda _: b"334 " + base64.b64encode(failure) + b"\r\n")
    with Server(mail_server(ehlo=offers("AUTH XOAUTH2"), auth=auth)) as server:
        record = probe.send(server, order(credentials=who, mechanism="XOAUTH2", insecure=True)).record
    assert record.auth_failure == '{"status":"401","token":"[hidden]"}'
    assert (record.stage, record.outcome, record.replies.auth and record.replies.auth.code) == (
        Stage.auth,
        Outcome.permanent_negative,
        535,
    )


# Whether AUTH is said -------------------------------------------------------------------------------------

WHO = Credentials(USER, PASSWORDS[0])
LOGIN_ONLY, ALL = offers("AUTH LOGIN"), offers("AUTH DIGEST-MD5 LOGIN PLAIN CRAM-MD5", "AUTH=LOGIN")
#: What is offered, the order, the first line of AUTH (None: there is none), and what stops us.
OFFERED: list[tuple[str, bytes, SendOrder, str | None, Stop | None]] = [
    ("in the clear", ALL, order(credentials=WHO), None, Stop.auth_in_the_clear),
    ("in the clear, whatever it takes", ALL, order(credentials=WHO, insecure=True), "AUTH CRAM-MD5", None),
    ("CRAM-MD5 in the clear is refused too", offers("AUTH CRAM-MD5"), order(credentials=WHO), None,
     Stop.auth_in_the_clear),
    ("the one that is wanted", ALL, order(credentials=WHO, insecure=True, mechanism="LOGIN"), "AUTH LOGIN", None),
    ("the only one", LOGIN_ONLY, order(credentials=WHO, insecure=True), "AUTH LOGIN", None),
    ("not the one that is wanted", LOGIN_ONLY, order(credentials=WHO, insecure=True, mechanism="PLAIN"), None,
     Stop.no_mechanism),
    ("XOAUTH2 alone, not asked for", offers("AUTH XOAUTH2"), order(credentials=WHO, insecure=True), None,
     Stop.no_mechanism),
    ("no AUTH", offers(), order(credentials=WHO, insecure=True), None, Stop.auth_not_offered),
    ("AUTH without a mechanism", offers("AUTH"), order(credentials=WHO, insecure=True), None, Stop.auth_not_offered),
    ("nobody to log in as", ALL, order(), None, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("ehlo", "ordered", "line", "stop"), [row[1:] for row in OFFERED], ids=[row[0] for row in OFFERED]
)
def test_a_password_is_said_only_where_it_may_be(
    probe: Probe, ehlo: bytes, ordered: SendOrder, line: str | None, stop: Stop | None
) -> None:
    with Server(mail_server(ehlo=ehlo, auth=WELCOME, data=TakesMessage())) as server:
        sent = probe.send(server, ordered)
    first = next((text for text in octets_of(sent.transcript.lines, "C").splitlines() if text[:4] == b"AUTH"), None)
    assert first == (line.encode() if line else None)
    assert sent.record.stop is stop
    assert (b"MAIL" in server.heard) is (stop is None)
    if stop is not None:
        assert end_of(sent.record) == (Stage.auth, Outcome.permanent_negative, stop, False)
        assert b"AUTH" not in server.heard


def test_after_helo_there_is_no_auth_and_no_password(probe: Probe) -> None:
    with Server(mail_server(ehlo=b"502 what?\r\n")) as server:
        record = probe.send(server, order(credentials=WHO, insecure=True)).record
    assert record.stop is Stop.auth_not_offered


# What is hidden -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"AUTH PLAIN AGEAYg==\r\n", b"AUTH PLAIN [hidden]\r\n"),
        (b"AUTH LOGIN\r\n", b"AUTH LOGIN\r\n"),
        (b"AUTH EXTERNAL =\r\n", b"AUTH EXTERNAL =\r\n"),
        (b"cGFzcw==\r\n", b"[hidden]\r\n"),
        (b"AUTH\r\n", b"[hidden]\r\n"),  # base64 of three octets
        (b"*\r\n", b"*\r\n"),
        (b"\r\n", b"\r\n"),
    ],
)
def test_a_line_of_ours_is_shown_without_its_response(line: bytes, shown: bytes) -> None:
    assert without_secret(line) == shown


def test_the_name_of_who_logs_in_is_not_hidden() -> None:
    conceal = Concealment(WHO)
    for response in login(WHO):
        conceal.learn(response + b"\r\n")
    assert conceal(b"535 no mailbox someone@example.org") == b"535 no mailbox someone@example.org"
    assert conceal(b"a" + PASSWORDS[0].upper().encode() + b"b") == b"a[hidden]b"
