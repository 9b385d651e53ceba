"""Whether a refusal is about the sender: neither the recipient nor we are what is wrong then."""

import re

from scanner.outcomes import Stage
from scanner.records import ReplyRecord

#: RFC 3463 §3.2 and RFC 7372 §3, without their class: the sender's mailbox or domain is not right, or may not send.
_CODES = frozenset({"1.7", "1.8", "7.27"})
_WORDS = re.compile(
    r"sender (?:address |domain )?(?:is )?(?:rejected|refused|denied|not (?:owned|allowed|permitted|authori[sz]ed))"
    r"|not (?:owned|allowed|permitted|authori[sz]ed)(?: to send)? (?:by|as|from)|send ?as ?denied"
    # Lists and groups, to those who are not in them.
    r"|only (?:list )?(?:members|subscribers)\b|not (?:a )?(?:member|subscriber|subscribed)\b"
    r"|not (?:allowed|permitted|authori[sz]ed) to post\b",
    re.IGNORECASE,
)
_NULL_SENDER = re.compile(
    r"(?:null|empty) (?:sender|reverse.?path|return.?path|envelope)|(?:sender|from):? ?<>|<>:? (?:sender|not)"
    r"|bounces? (?:is |are )?(?:not|refused|rejected)",
    re.IGNORECASE,
)


def is_about_the_sender(stage: Stage, reply: ReplyRecord | None) -> bool:
    """True if a 4yz or 5yz says so, be it at MAIL or later: many servers say everything at RCPT only."""
    if reply is None or stage is Stage.greeting:
        return False
    code = reply.enhanced_code
    is_coded = code is not None and code[2:] in _CODES
    return is_coded or _WORDS.search(" ".join(reply.lines)) is not None or is_about_the_null_sender(reply)


def is_about_the_null_sender(reply: ReplyRecord | None) -> bool:
    """True if a 4yz or 5yz speaks of the null reverse-path: reports of failures are not taken there."""
    return reply is not None and _NULL_SENDER.search(" ".join(reply.lines)) is not None
