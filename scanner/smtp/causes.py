"""Why a server refused, read from its reply, and whether the reason is us.

Theory of operation. The text is asked first, by the ordered patterns of `refusal_patterns.py`, because servers are
freer with codes than with words; then the enhanced status code (IANA registry, RFC 3463 §2); then the reply code.
What none of them knows is `other`. It counts as not about us, unless it speaks of us: RFC 5321 §3.1 gives a 5yz
greeting one meaning, that no mail is taken here, and a server that means somebody in particular mostly says whom.
"""

import re
from collections.abc import Iterable

from scanner.outcomes import Cause
from scanner.smtp.refusal_patterns import BLOCKLISTED, BY_ENHANCED_CODE, BY_REPLY_CODE, PATTERNS, Refusal
from scanner.smtp.replies import Reply

#: Characters of a reply that are looked at: the reason stands at its beginning, and the rest costs time.
MAX_READ = 4096

# Gmail and others repeat the code on every line of one sentence (RFC 2034 §4).
_REPEATED_CODE = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}(?: |$)")

_PATTERNS = [(re.compile("|".join(row.phrases), re.IGNORECASE), row.refusal) for row in PATTERNS]

_UNEXPLAINED = Refusal(Cause.other, about_us=False)
_SPEAKS_OF_US = Refusal(Cause.policy, about_us=True)

#: What a server might say to everyone, and means for one if it names one.
_SAID_TO_ANYONE = frozenset({Cause.no_service, Cause.other})


def read_refusal(reply: Reply, ours: Iterable[str] = ()) -> Refusal:
    """Why a 4yz or 5yz reply refuses; `ours` are our address and our EHLO name, as text that it may name."""
    text = _text(reply)
    refusal = _by_postscreen(reply, text) or _by_text(text) or _by_code(reply)
    if refusal.cause in _SAID_TO_ANYONE and any(_names(text, name) for name in ours):
        return _SPEAKS_OF_US
    return refusal


def _text(reply: Reply) -> str:
    """The lines as one sentence, without their codes, each run of white space one space."""
    lines = (_REPEATED_CODE.sub("", line.decode("ascii", "replace"), count=1) for line in reply.lines)
    return " ".join(" ".join(lines).split())[:MAX_READ]


def _by_postscreen(reply: Reply, text: str) -> Refusal | None:
    """What postscreen says to those on its deny list, and to nobody else: "currently", and for ever (521, 550)."""
    is_postscreens = reply.enhanced_code == "5.3.2" and text.lower() == "service currently unavailable"
    return BLOCKLISTED if is_postscreens else None


def _by_text(text: str) -> Refusal | None:
    return next((refusal for pattern, refusal in _PATTERNS if pattern.search(text)), None)


def _by_code(reply: Reply) -> Refusal:
    enhanced_code = reply.enhanced_code or ""
    without_class = f"X{enhanced_code[1:]}"
    by_enhanced_code = BY_ENHANCED_CODE.get(enhanced_code) or BY_ENHANCED_CODE.get(without_class)
    return by_enhanced_code or BY_REPLY_CODE.get(reply.code, _UNEXPLAINED)


def _names(text: str, name: str) -> bool:
    """True if the text has this address or name, and not one that merely contains it."""
    return re.search(rf"(?<![\w.:-]){re.escape(name)}(?![\w:-]|\.\w)", text, re.IGNORECASE) is not None
