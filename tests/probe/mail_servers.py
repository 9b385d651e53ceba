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


def mail_server(
    greeting: Answer = GREETING,
    *,
    ehlo: Answer = EHLO,
    helo: Answer = b"250 mx.test\r\n",
    starttls: Answer = b"454 no\r\n",
    quit_: Answer = b"221 bye\r\n",
) -> Script:
    """Answers each command; closes after QUIT."""
    answers: dict[bytes, Answer] = {b"EHLO": ehlo, b"HELO": helo, b"STARTTLS": starttls, b"QUIT": quit_}

    def script(conversation: Conversation) -> None:
        _give(conversation, greeting)
        while line := conversation.hear_line():
            verb = line.split()[0]
            _give(conversation, answers[verb])
            if verb == b"QUIT":
                return

    return script


def tls_mail_server(
    context: ssl.SSLContext, *, ehlo: Answer = EHLO_AFTER_TLS, quit_: Answer = b"221 bye\r\n"
) -> Script:
    """Offers STARTTLS and does it."""

    def secure(conversation: Conversation) -> None:
        conversation.say(b"220 go\r\n")
        conversation.secure(context)
        mail_server(b"", ehlo=ehlo, quit_=quit_)(conversation)

    return mail_server(ehlo=OFFERS_STARTTLS, starttls=secure)


def _give(conversation: Conversation, answer: Answer) -> None:
    if isinstance(answer, bytes):
        conversation.say(answer)
    else:
        answer(conversation)
