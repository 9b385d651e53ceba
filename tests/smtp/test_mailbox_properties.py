"""Mailboxes from the grammar, right and nearly right: the parser agrees with the ABNF, and nothing gets through it."""

import re

from hypothesis import given
from hypothesis import strategies as st

from scanner.smtp.commands import Verb, encode_command
from scanner.smtp.mailboxes import MAX_MAILBOX, Mailbox, MailboxError, parse_mailbox, parse_reverse_path
from scanner.smtp.parameters import mail_argument, parameters_of, rcpt_argument
from tests.grammar import nearly
from tests.properties import SAME_EVERYWHERE
from tests.smtp.mailbox_grammar import MAILBOX, MAILBOX_UTF8, is_mailbox, quoted

WRITTEN = MAILBOX_UTF8.map(lambda parts: f"{parts[0]}@{parts[2]}")
NEARLY = nearly(WRITTEN.map(str.encode)).map(lambda octets: octets.decode("utf-8", "surrogateescape"))
#: What mistakes are made of: specials, and what is special about addresses pasted from elsewhere.
PIECES = [*'@@..""\\<>()[],;: \r\n\0', "a", "é", "b.test", "IPv6:", "::1", "192.0.2.1", "mailto:"]
STREWN = st.lists(st.sampled_from(PIECES))


def mailbox_or_error(text: str) -> Mailbox | MailboxError:
    try:
        return parse_mailbox(text)
    except MailboxError as error:
        return error


@SAME_EVERYWHERE
@given(MAILBOX | MAILBOX_UTF8)
def test_what_the_grammar_writes_is_read_and_said_as_it_was_meant(parts: tuple[str, str, str]) -> None:
    local_part, content, domain = parts
    mailbox = mailbox_or_error(f"{local_part}@{domain}")
    if not is_mailbox(f"{local_part}@{domain}"):  # by the lengths alone
        assert isinstance(mailbox, MailboxError)
        assert "too long" in mailbox.what
        return
    assert isinstance(mailbox, Mailbox)
    assert mailbox.local_part in {content, quoted(content)}
    assert (mailbox.local_part == content) is is_mailbox(f"{content}@b.test")
    assert domain.startswith("[") or mailbox.domain == domain.lower()
    assert parse_mailbox(str(mailbox)) == mailbox


@SAME_EVERYWHERE
@given(WRITTEN | NEARLY | STREWN.map("".join) | st.text(max_size=40))
def test_the_parser_agrees_with_the_grammar_and_errors_have_a_place(text: str) -> None:
    mailbox = mailbox_or_error(text)
    if isinstance(mailbox, MailboxError):
        assert 1 <= mailbox.position <= len(text) + 1
        assert mailbox.what_to_do
        assert str(mailbox).isprintable()
        assert not is_mailbox(text) or re.search(r"[^\x21-\x7e]", text)
    else:
        assert is_mailbox(str(mailbox))
        assert is_mailbox(text) or not text.rpartition("@")[2].isascii()


@SAME_EVERYWHERE
@given(WRITTEN | NEARLY | STREWN.map("".join) | st.text(max_size=40))
def test_whatever_is_accepted_is_one_path_of_one_line(text: str) -> None:
    mailbox = mailbox_or_error(text)
    if isinstance(mailbox, MailboxError):
        return
    assert len(str(mailbox).encode()) <= MAX_MAILBOX
    for verb, argument in ((Verb.mail, mail_argument(mailbox)), (Verb.rcpt, rcpt_argument(mailbox))):
        assert parameters_of(verb, argument) == {}
        line = encode_command(verb, argument, utf8=mailbox.needs_smtputf8)
        assert line.endswith(b">\r\n")
        assert not re.search(rb"[\x00-\x1f\x7f]", line[:-2])


@SAME_EVERYWHERE
@given(WRITTEN | NEARLY | STREWN.map("".join))
def test_a_sender_is_a_mailbox_or_nobody(text: str) -> None:
    try:
        sender = parse_reverse_path(text)
    except MailboxError:
        assert text != "<>"
        assert isinstance(mailbox_or_error(text), MailboxError)
    else:
        assert sender == (None if text == "<>" else mailbox_or_error(text))
