"""Mailboxes from the ABNF of RFC 5321 §4.1.2, §4.1.3 (and RFC 6531 §3.3), and a second reading of it."""

import re
import string
from ipaddress import IPv6Address

from hypothesis import strategies as st

from tests.grammar import DOMAIN

ATEXT = string.ascii_letters + string.digits + "!#$%&'*+-/=?^_`{|}~"
UTF8_NON_ASCII = "äßøжя字例え👩\u200d\u0301"

#: Quoted-string = DQUOTE *QcontentSMTP DQUOTE; qtextSMTP = %d32-33 / %d35-91 / %d93-126; quoted-pairSMTP = "\" %d32-126
PRINTABLE = [chr(octet) for octet in range(32, 127)]
QTEXT = [character for character in PRINTABLE if character not in '"\\']


def _atoms(characters: str) -> st.SearchStrategy[str]:
    """Dot-string = Atom *("." Atom)."""
    atom = st.text(characters, min_size=1, max_size=9)
    return st.lists(atom, min_size=1, max_size=4).map(".".join)


def _quoted(qtext: list[str]) -> st.SearchStrategy[tuple[str, str]]:
    """A quoted string and its content: each character as it is, or as a pair."""
    as_it_is = st.sampled_from(qtext).map(lambda character: (character, character))
    as_a_pair = st.sampled_from(PRINTABLE).map(lambda character: ("\\" + character, character))
    return st.lists(as_it_is | as_a_pair, max_size=20).map(
        lambda pieces: (f'"{"".join(written for written, _ in pieces)}"', "".join(meant for _, meant in pieces))
    )


#: A local part as it is written, and its content without quotes and escapes.
LOCAL_PART = _atoms(ATEXT).map(lambda text: (text, text)) | _quoted(QTEXT)
LOCAL_PART_UTF8 = _atoms(ATEXT + UTF8_NON_ASCII).map(lambda text: (text, text)) | _quoted([*QTEXT, *UTF8_NON_ASCII])

# Snum = 1*3DIGIT; IPv4-address-literal = Snum 3("." Snum)
_SNUM = st.builds(lambda number, width: str(number).rjust(width, "0"), st.integers(0, 255), st.integers(1, 3))
_IPV4 = st.lists(_SNUM, min_size=4, max_size=4).map(".".join)
_IPV6 = st.integers(0, 2**128 - 1).map(IPv6Address)
# IPv6-address-literal = "IPv6:" IPv6-addr; full, compressed, in either case
_TAGGED = st.builds(
    lambda tag, address, whole, upper: f"{tag}:{_in_case(address.exploded if whole else str(address), upper=upper)}",
    st.sampled_from(["IPv6", "ipv6", "IPV6"]),
    _IPV6 | st.integers(0, 2**16).map(IPv6Address),
    st.booleans(),
    st.booleans(),
)
ADDRESS_LITERAL = (_IPV4 | _TAGGED).map(lambda literal: f"[{literal}]")


def _in_case(text: str, *, upper: bool) -> str:
    return text.upper() if upper else text


#: Mailbox = Local-part "@" ( Domain / address-literal ): as written, the content of the local part, the domain.
MAILBOX = st.tuples(LOCAL_PART, DOMAIN | ADDRESS_LITERAL).map(lambda parts: (*parts[0], parts[1]))
MAILBOX_UTF8 = st.tuples(LOCAL_PART_UTF8, DOMAIN | ADDRESS_LITERAL).map(lambda parts: (*parts[0], parts[1]))

_UTF8 = r"\x80-\ud7ff\ue000-\U0010ffff"  # UTF8-non-ascii has no surrogates
_ATOM = rf"[{re.escape(ATEXT)}{_UTF8}]+"
_LOCAL_PART = rf'(?:{_ATOM}(?:\.{_ATOM})*|"(?:[ !#-\[\]-~{_UTF8}]|\\[ -~])*")'
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_READ = re.compile(rf"({_LOCAL_PART})@(?:((?:{_LABEL}\.)*{_LABEL})|\[([^\[\]\\\x00-\x20\x7f-\U0010ffff]*)\])")


def is_mailbox(text: str) -> bool:
    """A second reading, in one expression: true for a mailbox whose domain is ASCII, and that is not too long."""
    match = _READ.fullmatch(text)
    if match is None:
        return False
    local_part, domain, literal = match.groups()
    fits = len(_as_said(local_part).encode()) <= 64
    if literal is not None:
        return fits and _is_literal(literal)
    total = len(_as_said(local_part).encode()) + 1 + len(domain)
    return fits and total <= 254 and len(domain) <= 253 and not domain.rpartition(".")[2].isdigit()


def _as_said(local_part: str) -> str:
    """With as few quotes as it needs (RFC 5321 §4.1.2)."""
    if not local_part.startswith('"'):
        return local_part
    content = re.sub(r"\\(.)", r"\1", local_part[1:-1])
    return content if re.fullmatch(rf"{_ATOM}(?:\.{_ATOM})*", content) else quoted(content)


def quoted(content: str) -> str:
    return '"' + content.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_literal(literal: str) -> bool:
    if re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}", literal, re.ASCII):
        return all(int(number) <= 255 for number in literal.split("."))
    tag, colon, content = literal.partition(":")
    if tag.lower() == "ipv6":
        return _is_ipv6(content)
    return (
        bool(colon and content) and re.fullmatch(r"[A-Za-z0-9-]*[A-Za-z0-9]", tag) is not None and not _is_ipv6(literal)
    )


def _is_ipv6(text: str) -> bool:
    try:
        return IPv6Address(text).scope_id is None
    except ValueError:
        return False
