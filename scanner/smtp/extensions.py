"""What a server says it can do: the extensions in its reply to EHLO (RFC 5321 §4.1.1.1), and masking."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from scanner.outcomes import SessionFlag
from scanner.smtp.replies import Reply

# ehlo-line = ehlo-keyword *( SP ehlo-param ); keyword: letters, digits, hyphens; param: %d33-126.
_STRICT = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)((?: [!-~]+)*)")
# What is understood beyond the grammar: "AUTH=PLAIN" (an old form of "AUTH PLAIN", still sent for old
# clients), more than one space, spaces at the end. The keyword itself is never guessed at. Both read a
# line of 8 KiB in one go: a server must not be able to write one that takes a second to look at.
_LENIENT = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)(?:[ \t=]+(.*))?", re.DOTALL)

# Firewalls that "inspect" SMTP overwrite what they do not know: STARTTLS becomes XXXXXXXA (or all X), the
# greeting 220 ****2****0**. That is no statement of the server's.
_MASKED_KEYWORD = re.compile(rb"X{7}[AX]", re.IGNORECASE)
_MASKED_GREETING = re.compile(rb"(?=[*02 ]+\Z).*?\*{3}.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Extensions:
    """EHLO keywords in upper case with their parameters, in the order offered; was STARTTLS masked?"""

    parameters: Mapping[bytes, bytes] = field(default_factory=dict)
    keyword_masked: bool = False
    flags: frozenset[SessionFlag] = frozenset()

    def __contains__(self, keyword: bytes) -> bool:
        return keyword in self.parameters


def parse_extensions(reply: Reply) -> Extensions:
    """The extensions of a positive reply to EHLO. Its first line is the server's name, never a keyword."""
    return _parse_lines(reply.lines[1:])


# Servers of one make say the same lines, but for their names: the few hundred that are common are parsed once.
@lru_cache(maxsize=256)
def _parse_lines(lines: tuple[bytes, ...]) -> Extensions:
    parameters: dict[bytes, bytes] = {}
    masked = False
    flags: set[SessionFlag] = set()
    for line in lines:
        strict = _STRICT.fullmatch(line)
        match = strict or _LENIENT.fullmatch(line)
        if strict is None:
            flags.add(SessionFlag.ehlo_line_outside_grammar)
        if match is None:
            continue
        keyword = match[1].upper()
        masked = masked or _MASKED_KEYWORD.fullmatch(keyword) is not None
        parameters[keyword] = _joined(parameters.get(keyword, b""), (match[2] or b"").strip())
    return Extensions(MappingProxyType(parameters), masked, frozenset(flags))


def is_masked_greeting(reply: Reply) -> bool:
    """True for a greeting that a middlebox has overwritten with asterisks."""
    return all(_MASKED_GREETING.fullmatch(line) for line in reply.lines)


def _joined(earlier: bytes, later: bytes) -> bytes:
    """The parameters of a keyword that came twice (AUTH does, in its two forms), each once."""
    return b" ".join(dict.fromkeys(earlier.split() + later.split()))
