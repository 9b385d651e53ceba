"""The opt-out list: what may stand in it, what an entry stands for, and what is told about a line that is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.addresses import parse_address
from scanner.opt_out import OptOutError, parse_opt_out

LIST = """\
# who asked, and when
example.org
MX1.Provider.TEST.      # by mail, 2026-03-01
münchen.test
mx_1.old.test

198.18.7.9
198.18.16.0/20
::ffff:198.18.3.1
::ffff:198.18.4.0/120
2001:db8:77::/48
2001:db8:1::25
"""

NAMES = [
    ("example.org", True, "the domain itself"),
    ("Example.ORG.", True, "in any case, with the final dot"),
    ("mx.example.org", True, "a mail host below it"),
    ("a.b.c.example.org", True, "however deep"),
    ("notexample.org", False, "another domain that ends alike"),
    ("org", False, "what stands above it"),
    ("example.org.test", False, "a domain below which its name appears"),
    ("mx1.provider.test", True, "a host name, in another case"),
    ("mx2.provider.test", False, "another host of the same provider"),
    ("provider.test", False, "the provider itself"),
    ("xn--mnchen-3ya.test", True, "written in letters, asked for in A-labels"),
    ("mx_1.old.test", True, "no domain, but a zone may have it"),
    ("old.test", False, "what stands above that"),
    ("", False, "the root"),
    ("..", False, "no name"),
    ("198.18.7.9", False, "an address is no name"),
]


@pytest.mark.parametrize(("name", "is_listed", "why"), NAMES, ids=[row[2] for row in NAMES])
def test_a_name_stands_for_itself_and_everything_below_it(name: str, is_listed: bool, why: str) -> None:
    assert parse_opt_out(LIST).matches_name(name) is is_listed


ADDRESSES = [
    ("198.18.7.9", True, "the address itself"),
    ("198.18.7.8", False, "its neighbour below"),
    ("198.18.7.10", False, "its neighbour above"),
    ("::ffff:198.18.7.9", True, "IPv4-mapped: the connection goes to the IPv4 address"),
    ("64:ff9b::198.18.7.9", True, "a translator sends the packets to it"),
    ("2002:c612:709::1", True, "6to4: its own router is the way there"),
    ("198.18.16.0", True, "the first of a network"),
    ("198.18.31.255", True, "the last of it"),
    ("198.18.15.255", False, "just before it"),
    ("198.18.32.0", False, "just after it"),
    ("::ffff:198.18.31.255", True, "mapped, in a network"),
    ("198.18.3.1", True, "listed as a mapped address"),
    ("198.18.4.255", True, "listed as a mapped network"),
    ("198.18.5.0", False, "just after that"),
    ("2001:db8:77:ffff::1", True, "an IPv6 network"),
    ("2001:db8:78::1", False, "just after it"),
    ("2001:db8:1::25", True, "an IPv6 address"),
    ("2001:db8:1::26", False, "its neighbour"),
]


@pytest.mark.parametrize(("text", "is_listed", "why"), ADDRESSES, ids=[row[2] for row in ADDRESSES])
def test_an_address_stands_for_itself_in_every_form(text: str, is_listed: bool, why: str) -> None:
    assert parse_opt_out(LIST).matches_address(parse_address(text)) is is_listed


SAME = [
    ("a.test\nb.test\n", "as it should be"),
    ("\ufeffa.test\nb.test", "a byte order mark, no final newline"),
    ("a.test\r\nb.test\r\n", "CRLF"),
    ("\n  a.test\t\n\n \xa0b.test \n\n", "blanks around, also those of web pages; empty lines"),
    ("# nobody\na.test # since May\n#\nb.test#\n", "comments"),
    ("A.Test.\nB.TEST\na.test\n", "any case, a final dot, twice"),
]


@pytest.mark.parametrize(("text", "why"), SAME, ids=[row[1] for row in SAME])
def test_a_list_is_read_as_meant(text: str, why: str) -> None:
    listed = parse_opt_out(text)
    assert [listed.matches_name(name) for name in ("a.test", "b.test", "c.test", "test")] == [True, True, False, False]


@pytest.mark.parametrize("text", ["", "\n", "# nobody yet\n", "\ufeff"])
def test_an_empty_list_leaves_nobody_alone(text: str) -> None:
    listed = parse_opt_out(text)
    assert not listed.matches_name("a.test")
    assert not listed.matches_address(parse_address("198.18.0.1"))


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0"])
def test_a_whole_family_can_opt_out(text: str) -> None:
    listed = parse_opt_out(text)
    assert listed.matches_address(parse_address("198.18.0.1")) is ("." in text)
    assert listed.matches_address(parse_address("2620:fe::fe")) is (":" in text)


BAD = [
    ("a..test", "empty label", "no name"),
    ("*.a.test", "contains '*'", "an entry stands for everything below it anyway"),
    ("someone@a.test", "a mail address is not a domain; a.test?", "says which domain is meant"),
    ("https://a.test/stop", "a URL is not a domain; a.test?", "the same"),
    ("a.test b.test", "white space", "two on one line"),
    ("a.test,b.test", "contains ','", "the same with a comma"),
    ("198.18.0.1/24", "has host bits set", "which network is meant is not clear"),
    ("198.18.0.0/33", "not appear to be", "no such prefix"),
    ("198.18.0.256", "Octet 256", "no address"),
    ("198.18.0", "Expected 4 octets", "half an address"),
    ("198.18.0.0-198.18.0.9", "last label is a number", "a range"),
    ("2001:db8::1::2", "'::'", "no IPv6 address"),
    ("2001:db8::1/32", "has host bits set", "as above"),
    ("fe80::1%eth0", "an address is not a domain", "a zone belongs to one machine"),
    ("[198.18.0.1]", "an address is not a domain", "a literal of RFC 5321"),
    ("a\x00b.test", "control character", "never sent as `a.`"),
    ("x" * 2000, "at most 253 characters", "cut where it is shown"),
]


@pytest.mark.parametrize(("entry", "reason", "why"), BAD, ids=[row[2] for row in BAD])
def test_a_line_that_is_no_entry_is_named_with_what_was_expected(entry: str, reason: str, why: str) -> None:
    with pytest.raises(OptOutError) as raised:
        parse_opt_out(f"a.test\n\n# more\n{entry}\nb.test\n")
    assert raised.value.line == 4
    told = str(raised.value)
    assert told.startswith("line 4: expected a domain, a host name, an address or a network as 192.0.2.0/24, found ")
    assert reason in told
    assert len(told) < 400
    assert told.isprintable()


def test_names_are_listed_that_a_zone_may_have_and_a_domain_may_not() -> None:
    assert parse_opt_out("_mail.a.test").matches_name("_mail.a.test")


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_a_network_holds_exactly_its_addresses(address: object, prefix: int) -> None:
    value = int(address)  # type: ignore[call-overload]  # hypothesis types it as either family
    first = value >> (32 - prefix) << (32 - prefix)
    listed = parse_opt_out(f"{_dotted(first)}/{prefix}")
    last = first + (1 << (32 - prefix)) - 1
    for inside in (first, value, last):
        assert listed.matches_address(parse_address(_dotted(inside)))
    for outside in (first - 1, last + 1):
        if 0 <= outside < 1 << 32:
            assert not listed.matches_address(parse_address(_dotted(outside)))


def _dotted(value: int) -> str:
    return ".".join(str(value >> shift & 0xFF) for shift in (24, 16, 8, 0))


@given(
    st.lists(st.from_regex(r"[a-d]{1,2}(\.[a-d]{1,2}){0,2}", fullmatch=True), max_size=5), st.text("abcd.", max_size=8)
)
def test_a_name_is_listed_if_and_only_if_it_ends_in_an_entry(entries: list[str], name: str) -> None:
    labels = "." + name.removesuffix(".")
    expected = any(labels.endswith(f".{entry}") for entry in entries)
    assert parse_opt_out("\n".join(entries)).matches_name(name) is expected
