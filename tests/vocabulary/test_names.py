"""Names: what users write becomes A-labels or a reason, and nothing that is accepted can do harm."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.names import MAX_LABEL, MAX_NAME, InvalidName, is_host_name, parse_domain

LONGEST_LABEL = "a" * MAX_LABEL
LONGEST_NAME = f"{LONGEST_LABEL}.{LONGEST_LABEL}.{LONGEST_LABEL}.{'b' * 61}"


@pytest.mark.parametrize(
    ("text", "domain", "why"),
    [
        ("example.org", "example.org", "as it should be"),
        ("Example.ORG", "example.org", "names are compared without case (RFC 4343 §3)"),
        ("example.org.", "example.org", "one trailing dot is the root's"),
        ("com", "com", "a top-level domain may receive mail"),
        ("3com.test", "3com.test", "a label may begin with a digit (RFC 1123 §2.1)"),
        ("1.2.3.4.test", "1.2.3.4.test", "digits alone are labels too, but the last one"),
        ("a--b.test", "a--b.test", "hyphens within"),
        (f"{LONGEST_LABEL}.test", f"{LONGEST_LABEL}.test", "63 octets a label (RFC 1035 §2.3.4)"),
        (LONGEST_NAME, LONGEST_NAME, "253 characters a name"),
        (f"{LONGEST_NAME}.", LONGEST_NAME, "the trailing dot does not count"),
        ("münchen.test", "xn--mnchen-3ya.test", "an IDN becomes A-labels"),
        ("MÜNCHEN.test", "xn--mnchen-3ya.test", "in whatever case"),
        ("mu\u0308nchen.test", "xn--mnchen-3ya.test", "or normal form"),
        ("xn--mnchen-3ya.test", "xn--mnchen-3ya.test", "an A-label is one already"),
        ("xn--a.test", "xn--a.test", "and passes unread: the DNS knows whether it exists"),
        ("ﬀ.test", "ff.test", "UTS 46 maps the ligature to ASCII"),
        ("a。b.test", "a.b.test", "and the ideographic full stop to a dot"),
        ("a.test。", "a.test", "also at the end"),
        ("straße.test", "xn--strae-oqa.test", "sharp s is kept (UTS 46, non-transitional)"),
        ("a\u00ad.test", "a.test", "the soft hyphen is left out"),
    ],
)
def test_a_domain_is_read_as_meant(text: str, domain: str, why: str) -> None:
    assert parse_domain(text) == domain


@pytest.mark.parametrize(
    ("text", "reason", "meant"),
    [
        ("", "empty", None),
        (".", "the root", None),
        ("..", "empty label", None),
        ("a..b", "empty label", None),
        (".a.test", "empty label", None),
        ("a.b.test..", "empty label", None),
        ("a\x00b.test", "control character 0x00 at position 2", None),
        ("a.test\r", "control character 0x0D at position 7", None),
        ("a.test\nQUIT", "control character 0x0A", None),
        ("a\x7fb.test", "control character 0x7F", None),
        ("a\udcffb.test", "not valid UTF-8", None),
        (f"{LONGEST_LABEL}a.test", "63 octets", None),
        (f"a{LONGEST_NAME}", "63 octets", None),
        (f"a.{LONGEST_NAME}", "253 characters, this one 255", None),
        (f"{LONGEST_NAME}c", "253 characters, this one 254", None),
        ("x" * 5000, "253 characters, this text 5000", None),
        ("ü" * 60 + ".test", "no valid internationalized label", None),
        ("-x.test", "begins or ends with a hyphen", None),
        ("x-.test", "begins or ends with a hyphen", None),
        ("-", "begins or ends with a hyphen", None),
        ("_x.test", "contains '_'", None),
        ("*.x.test", "contains '*'", None),
        ("a,b.test", "contains ','", None),
        ("a b.test", "white space", None),
        ("127.0.0.1", "an address", None),
        ("127.0.0.1.", "an address", None),
        ("[127.0.0.1]", "an address", None),
        ("[::1]", "an address", None),
        ("2001:db8::1", "an address", None),
        ("host.1", "the last label is a number", None),
        ("HTTP://x.test/", "a URL", "x.test"),
        ("https://user:secret@x.test:8443/a@b?c", "a URL", "x.test"),
        ("http://[::1]/", "a URL", None),
        ("a@b.test", "a mail address", "b.test"),
        ("A Person <a@b.test>", "a mail address", "b.test"),
        ("a@", "a mail address", None),
        ("x.test:25", "a port", "x.test"),
        ("x.test/path", "a path", "x.test"),
        ("x.test:80/path", "a path", "x.test"),
        ("../../etc/x", "a path", None),
        ("..\\x", "a path", None),
        ("☃.test", "no valid internationalized label", None),
        ("a℀b.test", "contains '/'", None),
        ("a\u202eb.test", "not allowed in an internationalized name", None),
    ],
)
def test_what_is_no_domain_has_a_reason_and_perhaps_what_was_meant(text: str, reason: str, meant: str | None) -> None:
    with pytest.raises(InvalidName) as refused:
        parse_domain(text)
    assert reason in refused.value.reason
    assert refused.value.meant == meant


SEPARATORS = ".。-_:/@ \\\x00\r\n[]"
#: Mostly names, then nearly names, then anything: a property that only refusals meet would show nothing.
NAMELIKE = st.one_of(
    st.from_regex(r"([a-zA-Z0-9ü世]([a-z0-9-]{0,61}[a-z0-9])?\.){1,4}[a-z]{2,20}[.。]?", fullmatch=True),
    st.text(),
    st.text(alphabet="abz019AZüßﬀа世" + SEPARATORS, max_size=80),
    st.lists(st.text(alphabet="abc019-", max_size=70), max_size=9).map(".".join),
    st.binary().map(lambda octets: octets.decode("utf-8", "surrogateescape")),
)


def name_or_refusal(text: str) -> str | InvalidName:
    try:
        return parse_domain(text)
    except InvalidName as refused:
        return refused


@given(NAMELIKE)
def test_what_is_accepted_is_a_host_name_and_inert(text: str) -> None:
    name = name_or_refusal(text)
    if isinstance(name, InvalidName):
        return
    assert len(name) <= MAX_NAME
    # RFC 1123 §2.1, written another way than in the parser
    for label in name.split("."):
        assert 1 <= len(label) <= MAX_LABEL
        assert set(label) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert not label.startswith("-")
        assert not label.endswith("-")
    assert not re.fullmatch(r"[0-9.]+", name)
    assert is_host_name(name)


@given(NAMELIKE)
def test_a_reason_is_short_and_shows_no_control(text: str) -> None:
    refused = name_or_refusal(text)
    if isinstance(refused, InvalidName):
        assert refused.reason.isprintable()
        assert len(refused.reason) < 400


@given(NAMELIKE)
def test_what_was_accepted_once_stays_as_it_is(text: str) -> None:
    name = name_or_refusal(text)
    if isinstance(name, InvalidName):
        return
    assert parse_domain(name) == parse_domain(f"{name}.") == parse_domain(name.upper()) == name


@given(NAMELIKE)
def test_what_was_meant_is_a_domain_itself(text: str) -> None:
    for wrapped in (f"https://{text}/", f"a@{text}", f"{text}:25"):
        refused = name_or_refusal(wrapped)
        if isinstance(refused, InvalidName) and refused.meant is not None:
            assert parse_domain(refused.meant) == refused.meant


@pytest.mark.parametrize(
    ("name", "is_one", "why"),
    [
        ("mx1.example.org", True, "as it should be"),
        ("_mail._tcp.example.org", True, "zones hold underscores"),
        ("-mx-.example.org", True, "and hyphens anywhere"),
        ("192.0.2.1", True, "what is text of an address is told elsewhere, with its own flag"),
        (LONGEST_NAME, True, "253 characters"),
        (f"{LONGEST_NAME}c", False, "254"),
        (f"{LONGEST_LABEL}a.test", False, "64 octets a label"),
        ("", False, "the root is no host"),
        (".", False, "the root is no host"),
        ("mx1.example.org.", False, "without the trailing dot"),
        ("a..b", False, "an empty label"),
        ("MX1.example.org", False, "names are in lower case by then"),
        ("mx1\n", False, "a control, also at the end"),
        ("a\\.b.test", False, "an escaped dot is another name on the wire"),
        ("a b.test", False, "white space"),
        ("*.test", False, "no wildcard is looked up"),
        ("ü.test", False, "nothing outside ASCII"),
    ],
)
def test_a_mail_host_of_a_zone_may_be_looked_up_or_not(name: str, is_one: bool, why: str) -> None:
    assert is_host_name(name) is is_one
