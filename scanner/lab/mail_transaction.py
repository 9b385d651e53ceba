"""A server's side of a mail transaction (RFC 5321 §3.3, RFC 3030): what is in order, what its script says to that.

Steps out, state inside: a command changes it only if the reply to it is a yes.
"""

import re
from dataclasses import dataclass

from scanner.lab.mail_commands import CommandError, PathCommand, parse_mail, parse_rcpt
from scanner.lab.mail_data import ChunkedMessage, DotStuffedMessage
from scanner.lab.mail_script import MailScript, Steps, first_digit
from scanner.lab.steps import Step, Verb

#: RFC 5321 §4.5.3.1.8: at least 100 have to be taken.
MAX_RECIPIENTS = 1000

_CHUNK = re.compile(rb"([0-9]{1,18})( LAST)?", re.IGNORECASE)
_SENDER_OK = b"250 2.1.0 Sender OK\r\n"
_RECIPIENT_OK = b"250 2.1.5 Recipient OK\r\n"
_SEND_ON = b"354 End data with <CR><LF>.<CR><LF>\r\n"
_ACCEPTED = b"250 2.0.0 Message accepted\r\n"
_BAD_SEQUENCE = b"503 5.5.1 Bad sequence of commands\r\n"
_BAD_ARGUMENT = b"501 5.5.4 Syntax error in arguments\r\n"
_UNKNOWN_COMMAND = b"500 5.5.1 Command unrecognized\r\n"
_TOO_MANY_RECIPIENTS = b"452 4.5.3 Too many recipients\r\n"
_TOO_BIG = b"552 5.3.4 Message size exceeds fixed maximum message size\r\n"  # RFC 1870 §6.1
_RELAY_DENIED = b"554 5.7.1 <%b>: Relay access denied\r\n"


@dataclass(frozen=True, slots=True)
class AcceptedMessage:
    """What the server has taken responsibility for; `by` is `data` or `bdat`."""

    sender: PathCommand
    recipients: tuple[PathCommand, ...]
    octets: bytes
    by: str


class MailTransaction:
    """One transaction after the other. While `expects_message`, what comes belongs to `take_message`."""

    def __init__(self, script: MailScript) -> None:
        self._script = script
        self.forget()

    def forget(self) -> None:
        """RSET, EHLO, or the end of a message: nothing of the transaction is left."""
        self._sender: PathCommand | None = None
        self._recipients: list[PathCommand] = []
        self._message: DotStuffedMessage | ChunkedMessage | None = None
        self._is_last_chunk = True
        self.expects_message = False

    @property
    def has_begun(self) -> bool:
        """True from MAIL on."""
        return self._sender is not None

    def mail(self, argument: bytes) -> Steps:
        """The steps that answer MAIL."""
        if self._sender is not None:
            return say(_BAD_SEQUENCE)
        try:
            command = parse_mail(argument, self._script.extensions)
        except CommandError as error:
            return say(error.reply)
        if int(command.value("SIZE") or 0) > self._script.max_message_bytes:
            return say(_TOO_BIG)
        steps = self._script.steps_for_sender(command.address) or say(_SENDER_OK)
        if first_digit(steps) == b"2":
            self._sender = command
        return steps

    def rcpt(self, argument: bytes, *, is_authenticated: bool) -> Steps:
        """The steps that answer RCPT; only who is authenticated may send to others than those who are here."""
        if self._sender is None:
            return say(_BAD_SEQUENCE)
        try:
            is_utf8 = self._sender.value("SMTPUTF8") is not None
            command = parse_rcpt(argument, self._script.extensions, is_utf8=is_utf8)
        except CommandError as error:
            return say(error.reply)
        if len(self._recipients) == MAX_RECIPIENTS:
            return say(_TOO_MANY_RECIPIENTS)
        if not is_authenticated and not self._script.is_local(command.address):
            return say(_RELAY_DENIED % command.address.encode())
        steps = self._script.steps_for_recipient(command.address) or say(_RECIPIENT_OK)
        if first_digit(steps) == b"2":
            self._recipients.append(command)
        return steps

    def data(self) -> Steps:
        """The steps that answer DATA."""
        if not self._recipients or self._message is not None:
            return say(_BAD_SEQUENCE)
        steps = self._script.data or say(_SEND_ON)
        if first_digit(steps) == b"3":
            self.expects_message = True
            self._message = DotStuffedMessage(self._script.max_message_bytes)
        return steps

    def bdat(self, argument: bytes) -> Steps:
        """The steps that answer a bad BDAT; to a good one there is no reply before its chunk (RFC 3030 §2)."""
        if "CHUNKING" not in self._script.extensions:
            return say(_UNKNOWN_COMMAND)
        found = _CHUNK.fullmatch(argument)
        if found is None or not self._recipients:
            return say(_BAD_ARGUMENT if self._recipients else _BAD_SEQUENCE)
        if not isinstance(self._message, ChunkedMessage):
            self._message = ChunkedMessage(self._script.max_message_bytes)
        self._message.begin_chunk(int(found[1]))
        self._is_last_chunk = found[2] is not None
        self.expects_message = True
        return ()

    def take_message(self, received: bytearray) -> tuple[Steps, AcceptedMessage | None] | None:
        """Takes what belongs to the message out of `received`; None until there is something to say to it."""
        assert self._message is not None
        if not self._message.take(received):
            return None
        if not self._is_last_chunk:
            self.expects_message = False
            return say(b"250 2.0.0 Chunk received\r\n"), None
        steps = say(_TOO_BIG) if self._message.is_too_big else self._script.message or say(_ACCEPTED)
        accepted = self._accepted() if first_digit(steps) == b"2" else None
        self.forget()
        return steps, accepted

    def _accepted(self) -> AcceptedMessage:
        assert self._sender is not None
        assert self._message is not None
        by = "bdat" if isinstance(self._message, ChunkedMessage) else "data"
        return AcceptedMessage(self._sender, tuple(self._recipients), self._message.octets, by)


def say(reply: bytes) -> Steps:
    """A reply as steps."""
    return (Step(Verb.send, reply),)
