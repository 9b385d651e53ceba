"""A refusal that is about the sender is neither the recipient's fault nor ours, whatever its code says."""

import pytest
from msgspec.structs import replace

from scanner.diagnosis.answer import Fate, fate_of
from scanner.diagnosis.answer_words import Talk, remedy_of
from scanner.diagnosis.sender_refusals import is_about_the_sender
from scanner.outcomes import Cause, Stage
from tests.diagnosis.answer_cases import refused
from tests.judgement.sessions import reply

ABOUT_THE_SENDER = (
    ("Postfix, of a mailbox that it has not", 550, "5.1.0 <me@x.test>: Sender address rejected: User unknown"),
    ("Postfix, by its access table", 554, "5.7.1 <me@x.test>: Sender address rejected: Access denied"),
    ("Postfix, of somebody else's", 553, "5.7.1 <me@x.test>: Sender address rejected: not owned by user you"),
    ("the code alone", 550, "5.1.8 no"),
    ("RFC 7372", 550, "5.7.27 no"),
    ("Exchange", 550, "5.7.60 SMTP; Client does not have permissions; SendAsDenied"),
    ("a list", 550, "5.7.1 <list@y.test>: only members may post"),
    ("another list", 550, "5.7.1 You are not a subscriber of this list"),
    ("a group", 550, "5.7.1 You are not allowed to post to this group"),
)

ABOUT_OTHERS = (
    ("the recipient", 550, "5.1.1 <you@y.test>: Recipient address rejected: User unknown"),
    ("us", 554, "5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied"),
    ("relaying", 554, "5.7.1 <you@y.test>: Relay access denied"),
)


def at_rcpt(code: int, text: str) -> Talk:
    """A refusal at RCPT that is about us, as far as its code says."""
    talk = refused(code, text, Cause.policy, about_us=True)
    assert talk.reply is not None
    told = replace(talk.reply, enhanced_code=text.partition(" ")[0])
    replies = replace(talk.session.replies, rcpt=(told,))
    return Talk(talk.exchange, replace(talk.session, replies=replies), talk.transaction)


@pytest.mark.parametrize(("code", "text"), [row[1:] for row in ABOUT_THE_SENDER], ids=[r[0] for r in ABOUT_THE_SENDER])
def test_who_refuses_the_sender_does_so_from_everywhere(code: int, text: str) -> None:
    talk = at_rcpt(code, text)
    assert is_about_the_sender(Stage.mail, talk.reply)
    assert fate_of(talk) is Fate.refused
    assert "with another sender" in remedy_of(talk, about_us=False)


@pytest.mark.parametrize(("code", "text"), [row[1:] for row in ABOUT_OTHERS], ids=[row[0] for row in ABOUT_OTHERS])
def test_what_is_about_others_stays_so(code: int, text: str) -> None:
    talk = at_rcpt(code, text)
    assert not is_about_the_sender(Stage.rcpt, talk.reply)
    assert fate_of(talk) is Fate.refused_for_us


def test_a_greeting_and_silence_know_no_sender() -> None:
    assert not is_about_the_sender(Stage.greeting, reply(554, "5.7.1 Sender rejected"))
    assert not is_about_the_sender(Stage.mail, None)
