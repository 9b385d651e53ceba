"""Mailboxes (RFC 5321 §4.1.2, RFC 6531 §3.3): an address as a user writes it → its parts, or what is wrong and where.

Theory of operation. What has a name (`mailbox_mistakes.py`: controls, brackets, display names) is told by it first.
Then the grammar is read from left to right: a dot-string or a quoted string, the @, a domain or an address literal.
The first thing that does not fit is the error, with its place and what to do.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import idna

from scanner.names import MAX_LABEL, InvalidName, parse_domain
from scanner.smtp.address_literals import Address, AddressLiteralError, is_ipv4, is_ipv6, parse_address_literal
from scanner.smtp.mailbox_mistakes import STRANGE_IN_DOMAIN, STRANGE_IN_LOCAL_PART, find_mistake
from scanner.wire_text import escape_octets, readable

#: RFC 5321 §4.5.3.1.1 and §4.5.3.1.3, in octets: a local part, and a path of 256 with its two brackets.
MAX_LOCAL_PART = 64
MAX_MAILBOX = 254

# Atom = 1*atext; RFC 6531 §3.3 adds everything outside ASCII to atext and to qtextSMTP.
_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\x80-\U0010ffff"
_DOT_STRING = re.compile(rf"[{_ATEXT}]+(?:\.[{_ATEXT}]+)*")
_NOT_IN_DOT_STRING = re.compile(rf"[^{_ATEXT}.]")
# Quoted-string = DQUOTE *QcontentSMTP DQUOTE; qtextSMTP = %d32-33 / %d35-91 / %d93-126; a pair escapes %d32-126.
_QCONTENT = r"(?:[ !#-\[\]-~\x80-\U0010ffff]|\\[ -~])*"
_QUOTED_STRING = re.compile(rf'"({_QCONTENT})"')
_BEGUN_STRING = re.compile(rf'"{_QCONTENT}')
_QUOTED_PAIR = re.compile(r"\\(.)")
_TO_ESCAPE = re.compile(r'["\\]')
_NOT_IN_DOMAIN = re.compile(r"[^A-Za-z0-9.\-\x80-\U0010ffff]")
# UTS 46 reads these as the dot between labels.
_DOTS = ".\u3002\uff0e\uff61"


class MailboxError(ValueError):
    """A text that is no mailbox: what is wrong, at which character (from 1), what to do; printable, whatever the text.

    `meant` is the mailbox that was probably meant.
    """

    def __init__(self, what: str, position: int, what_to_do: str, meant: "Mailbox | None" = None) -> None:
        self.what, self.what_to_do = _shown(what), _shown(what_to_do)
        super().__init__(f"{self.what} at position {position}: {self.what_to_do}")
        self.position = position
        self.meant = meant


def _shown(text: str) -> str:
    return readable(escape_octets(text.encode()))


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox as it is said to a server.

    `local_part` is a dot-string, or a quoted string with its quotes if it must be one (§4.1.2: "SHOULD transmit the
    form that uses the minimum quoting possible"). `domain` is in A-labels and lower case, or an address literal with
    its brackets; `unicode_domain` is the same with U-labels. `address` is what a literal names.
    """

    local_part: str
    domain: str
    unicode_domain: str
    address: Address | None = None

    def __str__(self) -> str:
        return f"{self.local_part}@{self.domain}"

    @property
    def path(self) -> str:
        """The mailbox as MAIL and RCPT say it, in angle brackets."""
        return f"<{self}>"

    @property
    def needs_smtputf8(self) -> bool:
        """True if it cannot be said without SMTPUTF8; a domain can, in A-labels (RFC 6531 §3.2)."""
        return not self.local_part.isascii()

    @property
    def is_address_literal(self) -> bool:
        """True if there is no domain to look up."""
        return self.domain.startswith("[")


def path_of(mailbox: Mailbox | None) -> str:
    """The path as MAIL and RCPT say it; None is the null reverse-path (§4.5.5)."""
    return "<>" if mailbox is None else mailbox.path


def parse_reverse_path(text: str) -> Mailbox | None:
    """A sender as a user writes it: a mailbox, or None for `<>`, the null reverse-path. Raises MailboxError."""
    if not text:
        raise MailboxError("nothing", 1, "write an address like you@example.org, or <> for the null reverse-path")
    return None if text == "<>" else parse_mailbox(text)


def parse_mailbox(text: str) -> Mailbox:
    """An address as a user writes it → its mailbox. Raises MailboxError: what is wrong, where, what to do."""
    mistake = find_mistake(text)
    if mistake is None:
        return _read(text)
    meant = _read_if_mailbox(mistake.meant)
    raise MailboxError(mistake.what, mistake.position, f"write {meant}" if meant else mistake.what_to_do, meant)


def _read_if_mailbox(text: str | None) -> Mailbox | None:
    try:
        return _read(text) if text else None
    except MailboxError:
        return None


def _read(text: str) -> Mailbox:
    """Mailbox = Local-part "@" ( Domain / address-literal )."""
    local_part, at = _quoted_string(text) if text.startswith('"') else _dot_string(text)
    _check_length("local part", text[:at], local_part, MAX_LOCAL_PART)
    mailbox = _mailbox(local_part, text, at + 1)
    _check_length("address", text, str(mailbox), MAX_MAILBOX)
    return mailbox


def _mailbox(local_part: str, text: str, begin: int) -> Mailbox:
    """The mailbox whose domain begins at this index of the text."""
    if begin == len(text):
        raise MailboxError("nothing after the @", begin + 1, "write the domain, as in you@example.org")
    if text[begin] == "[":
        literal, address = _literal(text, begin)
        return Mailbox(local_part, literal, literal, address)
    domain = _domain(text, begin)
    return Mailbox(local_part, domain, ".".join(map(_u_label, domain.split("."))))


def _check_length(what: str, written: str, said: str, most: int) -> None:
    """Refuses what has too many octets as it is said; the place is the first character too many, as it is written."""
    octets = len(said.encode())
    if octets > most:
        fits = written.encode()[:most].decode(errors="ignore")
        position = min(len(fits) + 1, len(written))
        raise MailboxError(f"the {what} is too long ({octets} octets)", position, f"at most {most} are allowed")


# The local part ----------------------------------------------------------------------------------------------


def _dot_string(text: str) -> tuple[str, int]:
    """Dot-string = Atom *("." Atom), and the index of the @ after it."""
    strange = _NOT_IN_DOT_STRING.search(text)
    if strange is not None and strange[0] != "@":
        raise _strange_in_local_part(text, strange.start())
    if strange is None:
        raise MailboxError("no @", len(text) + 1, "an address is a local part, an @ and a domain: you@example.org")
    at = strange.start()
    if at == 0:
        raise MailboxError("nothing before the @", 1, "write the local part, as in you@example.org")
    if not _DOT_STRING.fullmatch(text, 0, at):
        raise _dot_out_of_place(text[:at])
    return text[:at], at


def _dot_out_of_place(local_part: str) -> MailboxError:
    remedy = f"remove it, or put the local part in quotes: {_quoted(local_part)}@…"
    if local_part.startswith("."):
        return MailboxError("a dot at the beginning", 1, remedy)
    if ".." in local_part:
        return MailboxError("two dots in a row", local_part.index("..") + 2, remedy)
    return MailboxError("a dot before the @", len(local_part), remedy)


def _strange_in_local_part(text: str, index: int) -> MailboxError:
    what, what_to_do = STRANGE_IN_LOCAL_PART[text[index]]
    return MailboxError(f"{what} in the local part", index + 1, what_to_do)


def _quoted_string(text: str) -> tuple[str, int]:
    """Quoted-string = DQUOTE *QcontentSMTP DQUOTE, with as few quotes as it needs, and the index of the @ after it."""
    match = _QUOTED_STRING.match(text)
    if match is None:
        raise _unfinished_quotes(text)
    end = match.end()
    if end == len(text):
        raise MailboxError("no @", end + 1, f"write the domain after the quoted local part: {text[:end]}@example.org")
    if text[end] != "@":
        what_to_do = 'the @ must follow it, as in "a b"@example.org'
        raise MailboxError(f"{text[end]!r} after the closing quote", end + 1, what_to_do)
    return _minimally_quoted(_QUOTED_PAIR.sub(r"\1", match[1])), end


def _unfinished_quotes(text: str) -> MailboxError:
    """What stops a quoted string: the end, or a backslash before what is not escaped (quoted-pairSMTP, %d32-126)."""
    begun = _BEGUN_STRING.match(text)
    assert begun is not None
    if begun.end() + 1 < len(text):
        return MailboxError("a backslash before what is not ASCII", begun.end() + 1, "remove the backslash")
    return MailboxError("a quoted local part begins", 1, 'close it with a second quote, as in "a b"@example.org')


def _minimally_quoted(content: str) -> str:
    return content if _DOT_STRING.fullmatch(content) else _quoted(content)


def _quoted(content: str) -> str:
    return '"' + _TO_ESCAPE.sub(r"\\\g<0>", content) + '"'


# The domain --------------------------------------------------------------------------------------------------


def _literal(text: str, begin: int) -> tuple[str, Address | None]:
    end = text.find("]", begin)
    if end < 0:
        raise MailboxError("an address literal begins", begin + 1, "close it with a bracket, as in you@[192.0.2.1]")
    if end + 1 < len(text):
        raise MailboxError(f"{text[end + 1]!r} after the address literal", end + 2, "remove what follows the bracket")
    try:
        return parse_address_literal(text[begin + 1 : end])
    except AddressLiteralError as error:
        raise MailboxError(error.what, begin + 2, error.what_to_do) from None


def _domain(text: str, begin: int) -> str:
    """Domain = sub-domain *("." sub-domain), in A-labels; sub-domain =/ U-label (RFC 6531 §3.3)."""
    written = text[begin:]
    if is_ipv4(written) or is_ipv6(written):
        tag = "" if is_ipv4(written) else "IPv6:"
        raise MailboxError("an IP address without brackets", begin + 1, f"write {text[:begin]}[{tag}{written}]")
    if strange := _NOT_IN_DOMAIN.search(written):
        what, what_to_do = STRANGE_IN_DOMAIN.get(strange[0], (f"the character {strange[0]}", "remove it"))
        raise MailboxError(f"{what} in the domain", begin + strange.start() + 1, what_to_do)
    if written[-1] in _DOTS:
        raise MailboxError("a dot at the end of the domain", len(text), "remove it, a mail address is written without")
    try:
        return parse_domain(written)
    except InvalidName as invalid:
        raise _fault_of_domain(written, begin, invalid.reason) from None


def _fault_of_domain(written: str, begin: int, reason: str) -> MailboxError:
    """What is wrong with a domain that `parse_domain` refuses: the label that is to blame, or the whole."""
    for index, label in _labels(written):
        position = begin + index + 1
        if not label:
            return MailboxError("an empty label in the domain", position, "remove the dot that is too many")
        if label.startswith("-"):
            return MailboxError("a hyphen at the beginning of a label", position, "remove it")
        if label.endswith("-"):
            return MailboxError("a hyphen at the end of a label", position + len(label) - 1, "remove it")
        if label.isascii() and len(label) > MAX_LABEL:
            what = f"a label is too long ({len(label)} octets)"
            return MailboxError(what, position + MAX_LABEL, f"at most {MAX_LABEL} are allowed")
        if not label.isascii() and (why := _why_no_u_label(label)):
            return MailboxError(f"{label!r}, no label of a domain,", position, why)
    return MailboxError("no domain", begin + 1, reason)


def _labels(written: str) -> Iterator[tuple[int, str]]:
    """The labels, and the index at which each begins."""
    index = 0
    for label in re.split(f"[{_DOTS}]", written):
        yield index, label
        index += len(label) + 1


def _why_no_u_label(label: str) -> str | None:
    try:
        parse_domain(f"{label}.test")
    except InvalidName as invalid:
        return invalid.reason
    return None


def _u_label(label: str) -> str:
    try:
        return idna.ulabel(label)
    except idna.IDNAError:
        return label  # `xn--` that is none of the current tables' is looked up as it stands
