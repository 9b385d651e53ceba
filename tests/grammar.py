"""Hypothesis strategies written from the ABNF of RFC 5321 (§4.1.1.1, §4.1.2, §4.2), and what is nearly so."""

import string
from itertools import pairwise

from hypothesis import strategies as st

LET_DIG = string.ascii_letters + string.digits


def _octets_of(octets: list[int], max_size: int) -> st.SearchStrategy[bytes]:
    """One and more of these octets."""
    return st.text([chr(octet) for octet in octets], min_size=1, max_size=max_size).map(str.encode)


# sub-domain = Let-dig [Ldh-str]; at most 63 octets (§4.5.3.1.2 by way of RFC 1035 §2.3.4).
SUB_DOMAIN = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", fullmatch=True)
_SHORT_SUB_DOMAIN = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,10}[A-Za-z0-9])?", fullmatch=True)
# RFC 1123 §2.1: a name's last label is not all digits, or it could be taken for an address.
_TOP = st.from_regex(r"[A-Za-z]([A-Za-z0-9-]{0,10}[A-Za-z0-9])?", fullmatch=True)


def _name(labels: list[str], top: str) -> str:
    """As many of the labels as there is room for: 253 characters (RFC 1035 §2.3.4)."""
    while labels and len(".".join([*labels, top])) > 253:
        labels = labels[1:]
    return ".".join([*labels, top])


# Domain = sub-domain *("." sub-domain)
DOMAIN = st.builds(_name, st.lists(_SHORT_SUB_DOMAIN | SUB_DOMAIN, max_size=6), _TOP)

# Reply-code = %x32-35 %x30-35 %x30-39
REPLY_CODE = st.builds(
    lambda *digits: "".join(digits).encode(),
    st.sampled_from("2345"),
    st.sampled_from("012345"),
    st.sampled_from(string.digits),
)
# textstring = 1*(%d09 / %d32-126)
TEXTSTRING = _octets_of([9, *range(32, 127)], max_size=20)


@st.composite
def replies(draw: st.DrawFn) -> tuple[bytes, bytes, list[bytes]]:
    """Reply-line: *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF; its code and texts."""
    code = draw(REPLY_CODE)
    texts = draw(st.lists(st.just(b"") | TEXTSTRING, min_size=1, max_size=5))
    octets = b"".join(code + b"-" + text + b"\r\n" for text in texts[:-1])
    octets += code + (b" " + texts[-1] if texts[-1] else b"") + b"\r\n"
    return octets, code, texts


# ehlo-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
EHLO_KEYWORD = st.sampled_from([b"STARTTLS", b"SIZE", b"AUTH", b"8BITMIME", b"XXXXXXXA", b"XXXXXXXAX"]) | st.from_regex(
    rb"[A-Za-z0-9][A-Za-z0-9-]{0,12}", fullmatch=True
)
# ehlo-param = 1*(%d33-126)
EHLO_PARAM = _octets_of([*range(33, 127)], max_size=10)
# ehlo-line = ehlo-keyword *( SP ehlo-param )
EHLO_LINE = st.builds(lambda keyword, more: b" ".join([keyword, *more]), EHLO_KEYWORD, st.lists(EHLO_PARAM, max_size=4))
# ehlo-greet = 1*(%d0-9 / %d11-12 / %d14-127)
EHLO_GREET = _octets_of([*range(10), 11, 12, *range(14, 128)], max_size=20)


@st.composite
def ehlo_ok_rsp(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """The reply to EHLO: "250" Domain [ SP ehlo-greet ], then an ehlo-line each; and the ehlo-lines."""
    lines = draw(st.lists(EHLO_LINE, max_size=8))
    greet = draw(st.just(b"") | EHLO_GREET.map(lambda text: b" " + text))
    *earlier, last = [draw(DOMAIN).encode() + greet, *lines]
    return b"".join(b"250-" + line + b"\r\n" for line in earlier) + b"250 " + last + b"\r\n", lines


#: What is put where it does not belong: separators, ends of lines, digits beyond the grammar, controls, 8-bit.
_OUT_OF_PLACE = [
    b"-",
    b" ",
    b"\t",
    b"=",
    b"\r",
    b"\n",
    b"\r\n",
    b"\x00",
    b"\x1b",
    b"\xff",
    b"2",
    b"6",
    b"0",
    b"X",
    b".",
]


@st.composite
def nearly(draw: st.DrawFn, written: st.SearchStrategy[bytes]) -> bytes:
    """What the grammar writes, with one to three mistakes in it: something more, less, changed, twice or cut off."""
    octets = draw(written)
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(octets)))
        end = min(len(octets), begin + draw(st.integers(0, 4)))
        instead = draw(st.sampled_from([b"", octets[begin:end] * 2, *_OUT_OF_PLACE]))
        octets = octets[:begin] + instead + octets[end:] if draw(st.integers(0, 9)) else octets[:begin]
    return octets


def in_pieces(octets: bytes, cuts: set[int]) -> list[bytes]:
    """The octets cut at these places, those beyond the end left out."""
    places = [0, *sorted(cut for cut in cuts if 0 < cut < len(octets)), len(octets)]
    return [octets[begin:end] for begin, end in pairwise(places)]


#: Places to cut at: some close together, some far apart.
CUTS = st.sets(st.integers(1, 40) | st.integers(1, 800), max_size=20)
