"""What `mxscan check` is asked: the sender and the recipient as they were typed, parsed before anything is sent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import click

from scanner.diagnosis.answer_words import Question
from scanner.diagnosis.steps import Section, Step, StepResult
from scanner.names import InvalidName, parse_domain
from scanner.report.shown_text import shown
from scanner.smtp.address_literals import is_ipv4, is_ipv6
from scanner.smtp.envelope import Envelope
from scanner.smtp.mailboxes import Mailbox, MailboxError, parse_mailbox, parse_reverse_path, path_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """Who is asked about. `sender` is None for the null reverse-path, and if `has_sender` is false for nobody.

    `recipient` is None if a domain alone was named; `domain` is None for an address literal, `typed_domain` is what
    was typed for it.
    """

    has_sender: bool
    sender: Mailbox | None
    recipient: Mailbox | None
    domain: str | None
    typed_domain: str = ""

    @property
    def envelope(self) -> Envelope | None:
        """What MAIL and RCPT are to say; None unless both addresses are given."""
        return Envelope(self.sender, self.recipient) if self.has_sender and self.recipient is not None else None

    @property
    def sender_domain(self) -> str | None:
        """The domain to which replies and bounces would go, if there is one to look up."""
        return None if self.sender is None or self.sender.is_address_literal else self.sender.domain

    def question(self, port: int) -> Question:
        """What the answer is about."""
        recipient = None if self.recipient is None else str(self.recipient)
        sender = None if not self.has_sender else "" if self.sender is None else str(self.sender)
        place = self.domain or (self.recipient.domain if self.recipient is not None else "")
        return Question(place, sender, recipient, port)

    def steps(self) -> list[Step]:
        """What is said of the addresses, which could be read."""
        steps = []
        if self.has_sender:
            null = "; the null reverse-path: bounces come so (RFC 5321 §4.5.5)" if self.sender is None else ""
            steps.append(_right("sender", path_of(self.sender) + null, self.sender))
        if self.recipient is not None:
            steps.append(_right("recipient", self.recipient.path, self.recipient))
        if self.recipient is None:
            steps.append(_to_know(f"{self.domain} is a domain, so no mailbox is asked about: no MAIL, no RCPT"))
        elif not self.has_sender:
            steps.append(_to_know("no sender is given (--from), so MAIL and RCPT are not said"))
        return steps


def parse_request(arguments: tuple[str, ...], sender: str | None) -> CheckRequest:
    """What was typed: `RECIPIENT`, or `SENDER RECIPIENT` as SMTPDiag had it. Raises click.UsageError."""
    if len(arguments) > 2:
        raise click.UsageError(f"one sender and one recipient at most, found {len(arguments)} addresses")
    if len(arguments) == 2:
        if sender is not None:
            raise click.UsageError("the sender is given twice: by --from, and before the recipient")
        sender = arguments[0]
    reverse_path = None if sender is None else _parsed("sender", sender, parse_reverse_path)
    has_sender, recipient = sender is not None, arguments[-1]
    if "@" not in recipient:
        return CheckRequest(has_sender, reverse_path, None, _parsed_domain(recipient), recipient)
    mailbox = _parsed("recipient", recipient, parse_mailbox)
    if mailbox.is_address_literal and mailbox.address is None:
        raise click.UsageError(f"{mailbox.domain}: an address literal that only IANA could explain; use an IP address")
    domain = None if mailbox.is_address_literal else mailbox.domain
    return CheckRequest(has_sender, reverse_path, mailbox, domain, mailbox.unicode_domain)


def _parsed(whose: str, text: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(text)
    except MailboxError as error:
        raise click.UsageError(f"{whose}: {error}\n{_pointed(text, error.position)}") from error


def _parsed_domain(text: str) -> str:
    try:
        return parse_domain(text)
    except InvalidName as error:
        literal = _literal_of(text)
        why = f"to check the server at an IP address, write postmaster@{literal}" if literal else str(error)
        raise click.UsageError(f"“{shown(text)}” is neither an address nor a domain: {why}") from error


def _literal_of(text: str) -> str | None:
    """The literal for an IP address, with or without its brackets; None for any other text."""
    written = text.removeprefix("[").removesuffix("]").removeprefix("IPv6:")
    if is_ipv4(written):
        return f"[{written}]"
    return f"[IPv6:{written}]" if is_ipv6(written) else None


def _pointed(text: str, position: int) -> str:
    """The text, and a caret below the character at a position from 1; what cannot be shown is escaped."""
    before = shown(text[: position - 1])
    return f"  {before}{shown(text[position - 1 :])}\n  {' ' * len(before)}^"


def _right(whose: str, path: str, mailbox: Mailbox | None) -> Step:
    utf8 = ", if the server takes SMTPUTF8 (RFC 6531)" if mailbox is not None and mailbox.needs_smtputf8 else ""
    return Step(Section.syntax, StepResult.passed, f"{whose} {path}: the syntax is right{utf8}")


def _to_know(said: str) -> Step:
    return Step(Section.syntax, StepResult.information, said)
