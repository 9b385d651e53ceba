"""A relay on loopback that takes mail, or does what it is told at one of its steps; it keeps what it took."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from tests.net.scripted import Conversation, Server

#: What a relay may do at a step instead of giving a reply.
CLOSE = "close"
RESET = "reset"
SILENCE = "silence"

_REPLIES = {
    "GREETING": "220 relay.test ESMTP",
    "HELO": "250 relay.test",
    "STARTTLS": "220 ready",
    "AUTH": "235 2.7.0 welcome",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go on",
    "MESSAGE": "250 2.0.0 queued",
    "RSET": "250 2.0.0 ok",
    "QUIT": "221 2.0.0 bye",
}


@dataclass
class TakenMail:
    sender: str
    recipients: list[str]
    message: bytes


@dataclass
class Behaviour:
    """`says`: step → its reply, or what happens instead; a step may name its argument (`RCPT TO:<a@b.test>`)."""

    says: Mapping[str, str] = field(default_factory=dict)
    offers: tuple[str, ...] = ("SIZE 1000000", "ENHANCEDSTATUSCODES")
    tls: ssl.SSLContext | None = None
    is_implicit: bool = False
    #: Mechanism of AUTH → what is asked before its reply.
    challenges: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: From the session of this number on, `says` is over.
    is_well_from: int | None = None
    #: Mails that a session takes before it has had enough.
    mails_a_session: int | None = None


class MailRelay:
    """`with MailRelay(Behaviour()) as relay`: its address, port, the mails that it took, the commands it heard."""

    def __init__(self, behaviour: Behaviour | None = None, address: str = "") -> None:
        self._behaviour = behaviour or Behaviour()
        self._server = Server(self._serve, address)
        self.address = str(self._server.address)
        self.port = self._server.port
        self.mails: list[TakenMail] = []
        self.commands: list[str] = []
        self.sessions = 0

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def _serve(self, conversation: Conversation) -> None:
        self.sessions += 1
        if self._behaviour.is_implicit:
            assert self._behaviour.tls is not None
            conversation.secure(self._behaviour.tls)  # a client that does not trust us goes: an OSError
        _Session(self, self._behaviour, conversation, self.sessions).hold()


class _Session:
    def __init__(self, relay: MailRelay, behaviour: Behaviour, conversation: Conversation, number: int) -> None:
        self._relay = relay
        self._behaviour = behaviour
        self._conversation = conversation
        well_from = behaviour.is_well_from
        self._says = {} if well_from is not None and number >= well_from else behaviour.says
        self._is_secure = behaviour.is_implicit
        self._mail = TakenMail("", [], b"")
        self._taken = 0

    def hold(self) -> None:
        if not self._say("GREETING"):
            return
        while line := self._conversation.hear_line().decode("utf-8").rstrip("\r\n"):
            self._relay.commands.append(line)
            verb = line.split(" ")[0].upper()
            if verb == "AUTH":
                self._challenge(line)
            if not self._say_to(verb, line) or verb == "QUIT":
                return
            if verb == "STARTTLS" and self._behaviour.tls is not None and "STARTTLS" not in self._says:
                self._conversation.secure(self._behaviour.tls)
                self._is_secure = True

    def _say_to(self, verb: str, line: str) -> bool:
        if verb == "EHLO":
            return self._offer()
        if verb == "MAIL":
            self._mail = TakenMail(_path(line), [], b"")
            if self._behaviour.mails_a_session == self._taken:
                self._send("421 4.7.0 enough")
                return False
        if not self._say(verb, line):
            return False
        if verb == "RCPT" and self._reply(verb, line).startswith("2"):
            self._mail.recipients.append(_path(line))
        if verb == "DATA" and self._reply(verb, line).startswith("3"):
            return self._take_message()
        return True

    def _challenge(self, line: str) -> None:
        for challenge in self._behaviour.challenges.get(line.split(" ")[1].upper(), ()):
            self._send(f"334 {challenge}")
            self._relay.commands.append(self._conversation.hear_line().decode("ascii").rstrip("\r\n"))

    def _offer(self) -> bool:
        if "EHLO" in self._says:
            return self._say("EHLO")
        offers = list(self._behaviour.offers)
        if self._behaviour.tls is not None and not self._is_secure:
            offers.append("STARTTLS")
        lines = ["relay.test", *offers]
        self._send("\r\n".join([f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"]))
        return True

    def _take_message(self) -> bool:
        lines = []
        while (line := self._conversation.hear_line()) != b".\r\n":
            assert line, "the message has no end"
            lines.append(line.removeprefix(b"."))  # RFC 5321 §4.5.2
        self._mail.message = b"".join(lines)
        if self._reply("MESSAGE").startswith(("2", CLOSE, RESET, SILENCE)):  # taken, whether or not it is said
            self._relay.mails.append(self._mail)
            self._taken += 1
        return self._say("MESSAGE")

    def _reply(self, step: str, line: str = "") -> str:
        return self._says.get(line, self._says.get(step, _REPLIES.get(step, "502 5.5.1 what?")))

    def _say(self, step: str, line: str = "") -> bool:
        """Whether the session goes on."""
        reply = self._reply(step, line)
        if reply == RESET:
            self._conversation.reset()
        elif reply == SILENCE:
            self._conversation.hear_all()
        elif reply != CLOSE:
            self._send(reply)
            return not reply.startswith("421")
        return False

    def _send(self, reply: str) -> None:
        self._conversation.say(reply.encode("latin-1") + b"\r\n")


def _path(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]
