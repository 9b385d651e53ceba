"""Hypothesis strategies written from the ABNF of RFC 8461 (§3.1, §3.2) and RFC 8460 (§3)."""

import string

from hypothesis import strategies as st

LET_DIG = string.ascii_letters + string.digits

# Domain = sub-domain *("." sub-domain); sub-domain = Let-dig [Ldh-str] (RFC 5321 §4.1.2)
_SUB_DOMAIN = st.builds(
    "{}{}{}".format, st.sampled_from(LET_DIG), st.text(LET_DIG + "-", max_size=20), st.sampled_from(LET_DIG)
)
DOMAIN = st.lists(_SUB_DOMAIN | st.sampled_from(LET_DIG), min_size=1, max_size=4).map(".".join)

WSP = st.text(" \t", max_size=3).map(str.encode)
# field-delim = *WSP ";" *WSP
FIELD_DELIM = st.tuples(WSP, st.just(b";"), WSP).map(b"".join)
#: "v=…;" with its semicolon at once: §3.1 discards what does not begin so, though the grammar has room for WSP.
FIRST_DELIM = st.tuples(st.just(b";"), WSP).map(b"".join)

# ext-name = (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")
EXT_NAME = st.builds(str.__add__, st.sampled_from(LET_DIG), st.text(LET_DIG + "_-.", max_size=31)).map(str.encode)
# ext-value = 1*(%x21-3A / %x3C / %x3E-7E)
EXT_VALUE = st.text([chr(octet) for octet in range(0x21, 0x7F) if octet not in b";="], min_size=1, max_size=20).map(
    str.encode
)
# sts-id = 1*32(ALPHA / DIGIT)
STS_ID = st.text(LET_DIG, min_size=1, max_size=32)

# tlsrpt-uri = URI, of the schemes mailto and https, with ",", "!" and ";" encoded
_URI_TAIL = st.lists(st.sampled_from([*LET_DIG, *"._~/?#[]@&$'()*+=:-", "%2C", "%21", "%3B"]), max_size=12).map("".join)
MAILTO = st.builds("{}:{}@{}".format, st.sampled_from(["mailto", "MAILTO"]), STS_ID, DOMAIN)
HTTPS = st.builds("https://{}/{}".format, DOMAIN, _URI_TAIL)
TLSRPT_URI = MAILTO | HTTPS

# sts-policy-mx-value = ["*."] Domain
MX_VALUE = st.builds(str.__add__, st.sampled_from(["", "*."]), DOMAIN)
# sts-policy-term = LF / CRLF
TERM = st.sampled_from([b"\n", b"\r\n"])
# sts-policy-ext-value = sts-policy-vchar [*(%x20 / sts-policy-vchar) sts-policy-vchar]
POLICY_EXT_VALUE = st.text(
    st.characters(min_codepoint=0x20, exclude_characters="\x7f", exclude_categories=["Cs"]), min_size=1, max_size=20
).filter(lambda text: text == text.strip(" "))


def extensions(known: bytes) -> st.SearchStrategy[list[bytes]]:
    """Fields that are not the known one."""
    field = st.tuples(EXT_NAME.filter(lambda name: name != known), EXT_VALUE).map(b"=".join)
    return st.lists(field, max_size=3)


@st.composite
def records(draw: st.DrawFn, version: bytes, known: st.SearchStrategy[bytes], name: bytes) -> bytes:
    """version 1*(field-delim field) [field-delim], the known field among extensions."""
    fields = draw(extensions(name))
    fields.insert(draw(st.integers(0, len(fields))), draw(known))
    record = version + draw(FIRST_DELIM) + fields[0]
    for field in fields[1:]:
        record += draw(FIELD_DELIM) + field
    return record + draw(st.just(b"") | FIELD_DELIM)


@st.composite
def policies(draw: st.DrawFn) -> tuple[bytes, str, int, list[str]]:
    """A policy, and its mode, max_age and mx values: fields in any order, extensions and duplicates among them."""
    mode = draw(st.sampled_from(["enforce", "testing", "none"]))
    max_age = draw(st.integers(0, 31_557_600))
    mx = draw(st.lists(MX_VALUE, min_size=0 if mode == "none" else 1, max_size=5))
    names = EXT_NAME.filter(lambda name: name.lower() not in {b"version", b"mode", b"max_age", b"mx"})
    fields = [(b"version", b"STSv1"), (b"mode", mode.encode()), (b"max_age", f"{max_age}".encode())]
    fields += [(b"mx", value.encode()) for value in mx]
    fields += draw(st.lists(st.tuples(names, POLICY_EXT_VALUE.map(str.encode)), max_size=3))
    shuffled = draw(st.permutations(fields))
    # "all entries except for the first SHALL be ignored"
    shuffled += draw(
        st.lists(st.sampled_from([(b"mode", b"other"), (b"max_age", b"-1"), (b"version", b"0")]), max_size=2)
    )
    body = b""
    for name, value in shuffled:
        body += name + b":" + draw(WSP) + value + draw(WSP) + draw(TERM)
    if draw(st.booleans()):
        body = body.removesuffix(b"\n").removesuffix(b"\r")
    return body, mode, max_age, [value.decode().lower() for name, value in shuffled if name == b"mx"]


@st.composite
def cut_into_strings(draw: st.DrawFn, record: bytes) -> tuple[bytes, ...]:
    """A TXT record as its character-strings, cut anywhere."""
    places = sorted(draw(st.sets(st.integers(0, len(record)), max_size=4)))
    return tuple(record[begin:end] for begin, end in zip([0, *places], [*places, len(record)], strict=True))
