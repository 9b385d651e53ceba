"""Scripted mail servers: well-behaved, but for what a test says."""

import ssl
from collections.abc import Callable

from tests.net.scripted import Conversation, Script

#: Octets to say, or what to do instead.
Answer = bytes | Callable[[Conversation], None]

GREETING = b"220 mx.test ESMTP\r\n"
EHLO = b"250-mx.test\r\n250 SIZE 1000\r\n"
OFFERS_STARTTLS = b"250-mx.test\r\n250-SIZE 1000\r\n250 STARTTLS\r\n"
EHLO_AFTER_TLS = b"250-mx.test\r\n250-SIZE 2000\r\n250 AUTH PLAIN\r\n"


def silence(conversation: Conversation) -> None:
    """Says nothing and waits for the client to go."""
    conversation.hear_all()


def reset(conversation: Conversation) -> None:
    conversation.reset()


def close(conversation: Conversation) -> None:
    conversation.close()


def say_and_reset(octets: bytes) -> Answer:
    def answer(conversation: Conversation) -> None:
        conversation.say(octets)
        conversation.reset()

    return answer


def say_and_close(octets: bytes) -> Answer:
    def answer(conversation: Conversation) -> None:
        conversation.say(octets)
        conversation.close()

    return answer


def in_turn(*answers: Answer) -> Answer:
    """Another answer each time that it is asked for."""
    waiting = iter(answers)
    return lambda conversation: give(conversation, next(waiting))


class TakesMessage:
    """Answers DATA: takes the mail data, to the end of it, into `mail_data`, and replies.

    `first` is done before anything of it is read.
    """

    def __init__(self, reply: Answer = b"250 2.0.0 taken\r\n", first: Answer = b"") -> None:
        self._reply = reply
        self._first = first
        self.mail_data = b""

    def __call__(self, conversation: Conversation) -> None:
        conversation.say(b"354 go\r\n")
        give(conversation, self._first)
        data = bytearray(b"\r\n")
        while not data.endswith(b"\r\n.\r\n"):
            octets = conversation.hear()
            if not octets:
                return
            data += octets
        self.mail_data = bytes(data[2:-3])
        give(conversation, self._reply)

    @property
    def message(self) -> bytes:
        """The message as it was before dots were doubled."""
        lines = self.mail_data.split(b"\r\n")
        return b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)


def mail_server(
    greeting: Answer = GREETING,
    *,
    ehlo: Answer = EHLO,
    helo: Answer = b"250 mx.test\r\n",
    starttls: Answer = b"454 no\r\n",
    auth: Answer = b"235 2.7.0 welcome\r\n",
    mail: Answer = b"250 2.1.0 ok\r\n",
    rcpt: Answer = b"250 2.1.5 ok\r\n",
    data: Answer = b"554 no\r\n",
    quit_: Answer = b"221 bye\r\n",
) -> Script:
    """Answers each command; closes after QUIT."""
    answers: dict[bytes, Answer] = {
        b"EHLO": ehlo,
        b"HELO": helo,
        b"STARTTLS": starttls,
        b"AUTH": auth,
        b"*": b"501 5.7.0 cancelled\r\n",
        b"": b"535 5.7.8 no\r\n",  # an empty response within AUTH
        b"MAIL": mail,
        b"RCPT": rcpt,
        b"DATA": data,
        b"QUIT": quit_,
    }

    def script(conversation: Conversation) -> None:
        give(conversation, greeting)
        while line := conversation.hear_line():
            verb = b"".join(line.split()[:1])
            give(conversation, answers[verb])
            if verb == b"QUIT":
                return

    return script


def tls_mail_server(context: ssl.SSLContext, *, ehlo: Answer = EHLO_AFTER_TLS, **answers: Answer) -> Script:
    """Offers STARTTLS and does it; answers are those under TLS."""

    def secure(conversation: Conversation) -> None:
        conversation.say(b"220 go\r\n")
        conversation.secure(context)
        mail_server(b"", ehlo=ehlo, **answers)(conversation)

    return mail_server(ehlo=OFFERS_STARTTLS, starttls=secure)


def give(conversation: Conversation, answer: Answer) -> None:
    if isinstance(answer, bytes):
        conversation.say(answer)
    else:
        answer(conversation)
