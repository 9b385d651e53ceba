"""Sessions brought to where a test wants them: what was heard, what was said, and the usual arguments of commands."""

from collections.abc import Callable

from scanner.smtp.commands import Verb
from scanner.smtp.replies import ReplyLimits
from scanner.smtp.session import Session

GREETING = b"220 mx.test ESMTP\r\n"
EHLO = b"250-mx.test\r\n250-SIZE 1000\r\n250 STARTTLS\r\n"
EHLO_WITHOUT = b"250-mx.test\r\n250 SIZE 1000\r\n"

EHLO_AUTH = b"250-mx.test\r\n250 AUTH PLAIN LOGIN\r\n"
EHLO_ALL = b"250-mx.test\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250-DSN\r\n250-AUTH PLAIN\r\n250-SMTPUTF8\r\n250 HELP\r\n"
OK = b"250 2.0.0 ok\r\n"

Step = bytes | Verb | str | tuple[Verb, str]

#: What stands behind a verb where nothing else is given.
ARGUMENTS = {
    Verb.ehlo: "me.test",
    Verb.helo: "me.test",
    Verb.auth: "PLAIN AGEAYg==",
    Verb.mail: "FROM:<a@b.test>",
    Verb.rcpt: "TO:<c@d.test>",
}


def session_after(*steps: Step, implicit_tls: bool = False) -> Session:
    """A session that heard these octets, said these commands, and did what the words say."""
    session = Session(ReplyLimits(), implicit_tls=implicit_tls)
    for step in steps:
        if isinstance(step, bytes):
            session.receive_data(step)
            session.next_reply()
        else:
            say(session, step)
    return session


def say(session: Session, step: Verb | str | tuple[Verb, str]) -> bytes:
    if isinstance(step, Verb):
        return session.send(step, ARGUMENTS.get(step, ""))
    return session.send(*step) if isinstance(step, tuple) else DONE[step](session)


DONE: dict[str, Callable[[Session], bytes]] = {
    "TLS": Session.start_tls,
    "response": lambda session: session.send_response("YQ=="),
    "cancel": Session.cancel_auth,
    "message": lambda session: session.send_message(b"Subject: x\n\n.\n"),
}

ehlo, helo, starttls, quit_ = Verb.ehlo, Verb.helo, Verb.starttls, Verb.quit
auth, mail, rcpt, data, rset = Verb.auth, Verb.mail, Verb.rcpt, Verb.data, Verb.rset
SPOKEN_TO = {ehlo, helo, quit_}
READY = SPOKEN_TO | {mail}
GREETED: list[Step] = [GREETING, ehlo, EHLO_AUTH]
LOGGED_IN: list[Step] = [*GREETED, auth, b"235 welcome\r\n"]
CHALLENGED: list[Step] = [*GREETED, (auth, "LOGIN"), b"334 VXNlcm5hbWU6\r\n"]
FROM: list[Step] = [*GREETED, mail, OK]
TO: list[Step] = [*FROM, rcpt, OK]
GO_ON: list[Step] = [*TO, data, b"354 go on\r\n"]
OFFERED: list[Step] = [GREETING, ehlo, EHLO]
ALL_OFFERED: list[Step] = [GREETING, ehlo, EHLO_ALL]
UNDER_TLS: list[Step] = [*OFFERED, starttls, b"220 go\r\n", "TLS"]
