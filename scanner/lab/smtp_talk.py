"""A server's side of SMTP: commands in, the steps of its script out. Without I/O."""

from scanner.lab.mail_transaction import MailTransaction
from scanner.lab.script import Script
from scanner.lab.steps import Step, Verb

_MAX_VERB = 16
_TLS_IS_ACTIVE = (Step(Verb.send, b"503 5.5.1 TLS already active\r\n"),)


class SmtpTalk:
    """The commands of one session (session.Talk); `heard` has their verbs."""

    __slots__ = ("_is_encrypted", "_script", "_transaction", "heard")

    def __init__(self, script: Script) -> None:
        self._script = script
        self._is_encrypted = False
        self._transaction: MailTransaction | None = None
        self.heard: list[str] = []

    def next_steps(self, received: bytearray) -> tuple[Step, ...] | None:
        """The steps that answer the command or the message in the buffer, None if it is not complete."""
        if self._transaction is not None and self._transaction.expects_message:
            reply = self._transaction.take_message(received)
            return None if reply is None else (Step(Verb.send, reply),)
        line = self._next_line(received)
        return None if line is None else self._steps_for(line)

    def hear_rest(self, received: bytearray) -> None:
        """Commands that were said and never answered."""
        while self._next_line(received) is not None:
            pass

    def tls_begins(self) -> None:
        """RFC 3207 §4.2: what was said before is forgotten."""
        self._is_encrypted = True
        self._transaction = None

    def _next_line(self, received: bytearray) -> bytes | None:
        end = received.find(b"\n") + 1
        if end == 0:
            return None
        line = bytes(received[:end]).strip()
        del received[:end]
        verb = line.split(b" ", 1)[0][:_MAX_VERB]
        if verb.isalpha():  # else it is no command: a ClientHello that nobody waited for
            self.heard.append(verb.upper().decode("ascii"))
        return line

    def _steps_for(self, line: bytes) -> tuple[Step, ...]:
        verb, _, argument = line.partition(b" ")
        match verb.upper():
            case b"EHLO":
                return self._script.ehlo_after_tls if self._is_encrypted else self._script.ehlo
            case b"HELO":
                return self._script.helo
            case b"STARTTLS":
                return _TLS_IS_ACTIVE if self._is_encrypted else self._script.starttls
            case b"QUIT":
                return self._script.quit
            case other:
                if self._transaction is None:
                    self._transaction = MailTransaction()
                return (Step(Verb.send, self._transaction.reply_to(other, argument.strip())),)
