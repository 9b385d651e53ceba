"""Mailboxes as people write them: what is said to a server, or what is wrong, at which character, and what to do."""

import string
from ipaddress import IPv4Address, IPv6Address

import pytest

from scanner.smtp.address_literals import Address, address_literal
from scanner.smtp.commands import Verb, encode_command
from scanner.smtp.mailboxes import Mailbox, MailboxError, parse_mailbox, parse_reverse_path, path_of

A63 = "a" * 63
ATEXT = "!#$%&'*+-/=?^_`{|}~" + string.ascii_letters + string.digits

#: What is written, what is said, why.
GOOD = [
    ("you@example.org", "<you@example.org>", "the ordinary"),
    ("You.Two@Example.ORG", "<You.Two@example.org>", "a local part keeps its case (§2.4), a domain need not"),
    ("a@b", "<a@b>", "one label (Domain = sub-domain)"),
    ("postmaster@localhost", "<postmaster@localhost>", "a name of this machine is a name; who contacts it is told no"),
    ("0@1a.2b", "<0@1a.2b>", "digits"),
    ("a.b.c.d@e.f.g.h", "<a.b.c.d@e.f.g.h>", "many atoms, many labels"),
    (ATEXT[:60] + "@b.test", f"<{ATEXT[:60]}@b.test>", "atext (RFC 5322 §3.2.3)"),
    ("a/b=c+d{e}|f~g@h.test", "<a/b=c+d{e}|f~g@h.test>", "what X.400 and VERP make of a local part"),
    ("%@b.test", "<%@b.test>", "one strange character"),
    ('"a b"@c.test', '<"a b"@c.test>', "a space within quotes"),
    ('"a@b"@c.test', '<"a@b"@c.test>', "an @ within quotes"),
    ('"a..b"@c.test', '<"a..b"@c.test>', "two dots within quotes"),
    ('".a"@c.test', '<".a"@c.test>', "a dot at the beginning, within quotes"),
    ('"(a)"@c.test', '<"(a)"@c.test>', "within quotes there are no comments"),
    ('"a>b, <c>;"@d.test', '<"a>b, <c>;"@d.test>', "what ends a path elsewhere"),
    ('""@c.test', '<""@c.test>', "nothing within quotes (*QcontentSMTP)"),
    ('" "@c.test', '<" "@c.test>', "one space within quotes"),
    ('"abc"@d.test', "<abc@d.test>", "quotes that are not needed are left out (§4.1.2)"),
    ('"a.b"@d.test', "<a.b@d.test>", "as well around a dot-string"),
    (r'"a\b\c"@d.test', "<abc@d.test>", "so are escapes that are not needed (§4.1.2)"),
    (r'"a\ b"@d.test', '<"a b"@d.test>', "and where quotes are needed"),
    (r'"a\"b"@d.test', r'<"a\"b"@d.test>', "a quote is escaped"),
    (r'"a\\b"@d.test', r'<"a\\b"@d.test>', "a backslash is escaped"),
    (r'"\\"@d.test', r'<"\\"@d.test>', "a backslash alone"),
    (r'"\"@\""@d.test', r'<"\"@\""@d.test>', "an escaped quote does not end the string"),
    ("x" * 64 + "@a.test", f"<{'x' * 64}@a.test>", "64 octets before the @ (§4.5.3.1.1)"),
    ('"' + "x" * 64 + '"@a.test', f"<{'x' * 64}@a.test>", "it is what is said that has 64"),
    ("ä" * 32 + "@a.test", f"<{'ä' * 32}@a.test>", "32 characters of two octets"),
    (f"a@{A63}.test", f"<a@{A63}.test>", "a label of 63 octets"),
    (f"aa@{A63}.{A63}.{A63}.{'a' * 59}", f"<aa@{A63}.{A63}.{A63}.{'a' * 59}>", "254 octets (§4.5.3.1.3)"),
    ("a@b-c--d.test", "<a@b-c--d.test>", "hyphens within a label"),
    ("用户@例え.テスト", "<用户@xn--r8jz45g.xn--zckzah>", "RFC 6531: the domain is said in A-labels all the same"),
    ("you@München.DE", "<you@xn--mnchen-3ya.de>", "a capital letter within a U-label"),
    ("you@XN--MNCHEN-3YA.de", "<you@xn--mnchen-3ya.de>", "A-labels"),
    ("you@例え。テスト", "<you@xn--r8jz45g.xn--zckzah>", "another dot (UTS 46)"),
    ('"jö rg"@a.test', '<"jö rg"@a.test>', "UTF-8 within quotes (RFC 6531 §3.3: qtextSMTP)"),
    ("jörg.ß@a.test", "<jörg.ß@a.test>", "UTF-8 in atoms (RFC 6531 §3.3: atext)"),
    ("👩‍🚀@a.test", "<👩‍🚀@a.test>", "a joiner within"),
    ("you@[192.0.2.1]", "<you@[192.0.2.1]>", "IPv4 (§4.1.3)"),
    ("you@[192.000.002.001]", "<you@[192.0.2.1]>", "zeros may lead, and the numbers are decimal (Snum)"),
    ("you@[IPv6:2001:db8::1]", "<you@[IPv6:2001:db8::1]>", "IPv6"),
    ("you@[ipV6:2001:DB8:0:0:0:0:0:1]", "<you@[IPv6:2001:db8::1]>", "a tag in any case; the shortest form is said"),
    ("you@[IPv6:::ffff:192.0.2.1]", "<you@[IPv6:::ffff:c000:201]>", "IPv4 within IPv6 (IPv6v4-comp)"),
    ("you@[x400:c=de;p=test]", "<you@[x400:c=de;p=test]>", "another tag (General-address-literal)"),
    ('"a"@[192.0.2.1]', "<a@[192.0.2.1]>", "after a quoted string"),
]


@pytest.mark.parametrize(("written", "path", "why"), GOOD, ids=[row[2] for row in GOOD])
def test_a_mailbox_is_said_with_as_few_quotes_as_it_needs(written: str, path: str, why: str) -> None:
    mailbox = parse_mailbox(written)
    assert mailbox.path == path == path_of(mailbox)
    assert parse_mailbox(str(mailbox)) == mailbox
    assert mailbox.needs_smtputf8 is (not path.isascii())
    assert mailbox.is_address_literal is path.endswith("]>")


ONE_AT = 'remove it; one that belongs to the local part stands in quotes, as in "a@b"@example.org'
NO_LAST_DOT = "remove it, a mail address is written without"
QUOTE_IT = 'remove it, or put the whole local part in quotes, as in "a b"@example.org'
ALL_OR_NONE = "the whole local part stands in quotes, or none of it"
AT_FOLLOWS = 'the @ must follow it, as in "a b"@example.org'
CLOSE_IT = 'close it with a second quote, as in "a b"@example.org'
NO_COMMENT = "comments belong into header fields, remove it"
ONE_ONLY = "write one address only"
A_LITERAL = "write one like [192.0.2.1] or [IPv6:2001:db8::1]"
RIGHT_AFTER = "an address literal begins right after the @, as in you@[192.0.2.1]"
AT_MOST_64 = "at most 64 are allowed"

#: What is written, what is wrong with it, at which character, what to do; None for what others say.
BAD: list[tuple[str, str | None, int, str | None]] = [
    ("", "nothing", 1, "write an address like you@example.org"),
    ("you", "no @", 4, "an address is a local part, an @ and a domain: you@example.org"),
    ("@example.org", "nothing before the @", 1, "write the local part, as in you@example.org"),
    ("you@", "nothing after the @", 5, "write the domain, as in you@example.org"),
    ("@", "nothing before the @", 1, "write the local part, as in you@example.org"),
    ("a@b@c.test", "a second @ in the domain", 4, ONE_AT),
    ("a@b.test@", "a second @ in the domain", 9, ONE_AT),
    # Dots
    (".a@b.test", "a dot at the beginning", 1, 'remove it, or put the local part in quotes: ".a"@…'),
    ("a.@b.test", "a dot before the @", 2, 'remove it, or put the local part in quotes: "a."@…'),
    ("a..b@c.test", "two dots in a row", 3, 'remove it, or put the local part in quotes: "a..b"@…'),
    (".@b.test", "a dot at the beginning", 1, 'remove it, or put the local part in quotes: "."@…'),
    ("a@.b.test", "an empty label in the domain", 3, "remove the dot that is too many"),
    ("a@b..test", "an empty label in the domain", 5, "remove the dot that is too many"),
    ("a@b.test.", "a dot at the end of the domain", 9, NO_LAST_DOT),
    ("a@b.test。", "a dot at the end of the domain", 9, NO_LAST_DOT),
    ("a@.", "a dot at the end of the domain", 3, NO_LAST_DOT),
    (".\u200c@b.test", "a dot at the beginning", 1, r'remove it, or put the local part in quotes: ".\xE2\x80\x8C"@…'),
    # What needs quotes
    ("a b@c.test", "a space in the local part", 2, QUOTE_IT),
    ("a\\@b@c.test", "a backslash outside of quotes in the local part", 2, QUOTE_IT),
    ("a:b@c.test", "a colon in the local part", 2, QUOTE_IT),
    ("a[b]@c.test", "a bracket in the local part", 2, QUOTE_IT),
    ('a"b"@c.test', "a quote in the local part", 2, ALL_OR_NONE),
    ('a."b"@c.test', "a quote in the local part", 3, ALL_OR_NONE),
    ('"a"b@c.test', "'b' after the closing quote", 4, AT_FOLLOWS),
    ('"a".b@c.test', "'.' after the closing quote", 4, AT_FOLLOWS),
    ('"a"b"@c.test', "'b' after the closing quote", 4, AT_FOLLOWS),
    ('"a b@c.test', "a quoted local part begins", 1, CLOSE_IT),
    ('"', "a quoted local part begins", 1, CLOSE_IT),
    (r'"a\"@c.test', "a quoted local part begins", 1, CLOSE_IT),
    ('"a\\', "a quoted local part begins", 1, CLOSE_IT),
    (r'"a\é"@c.test', "a backslash before what is not ASCII", 3, "remove the backslash"),
    ('"a"', "no @", 4, 'write the domain after the quoted local part: "a"@example.org'),
    # Comments
    ("a(b)@c.test", "a comment in the local part", 2, NO_COMMENT),
    ("(b)a@c.test", "a comment in the local part", 1, NO_COMMENT),
    ("a@c.test(b)", "a comment in the domain", 9, NO_COMMENT),
    ("a@(b)c.test", "a comment in the domain", 3, NO_COMMENT),
    # What people paste
    ("<you@example.org>", "angle brackets", 1, "write you@example.org"),
    ("<you>", "angle brackets", 1, "write the address without them"),
    ("<<a@b.test>>", "angle brackets", 1, "write the address without them"),
    ("<>", "the null reverse-path", 1, "it can only be a sender, write an address like you@example.org"),
    ("You <you@example.org>", "a display name", 1, "write you@example.org"),
    ('"You, I." <you@example.org>', "a display name", 1, "write you@example.org"),
    ("You <me> <you@example.org>", "a display name", 1, "write you@example.org"),
    ("mailto:you@example.org", "a mailto: link", 1, "write you@example.org"),
    ("MAILTO:you@example.org?subject=x", "a mailto: link", 1, "write you@example.org"),
    ("mailto:", "a mailto: link", 1, "write the address alone"),
    ("<@a.test,@b.test:you@example.org>", "a source route", 2, "write you@example.org"),
    ("@a.test:you@example.org", "a source route", 1, "write you@example.org"),
    (" you@example.org", "a space around the address", 1, "write you@example.org"),
    ("you@example.org  ", "a space around the address", 16, "write you@example.org"),
    (" ", "a space around the address", 1, "remove it"),
    ("a@b.test,c@d.test", "a comma in the domain", 9, ONE_ONLY),
    ("a@b.test; c@d.test", "a semicolon in the domain", 9, ONE_ONLY),
    ("a,b@c.test", "a comma in the local part", 2, ONE_ONLY),
    ("<you@example.org", "an angle bracket in the local part", 1, "write only what stands between < and >"),
    ("you@example.org>", "an angle bracket in the domain", 16, "remove it"),
    ("a@b.test:25", "a colon in the domain", 9, "an address has no port, remove it"),
    ("a@b.test/x", "a slash in the domain", 9, "an address is no URL, remove what does not belong to the domain"),
    # Domains
    ("a@b c.test", "a space in the domain", 4, "remove it"),
    ("a@b_c.test", "an underscore in the domain", 4, "a mail domain is made of letters, digits and hyphens"),
    ("a@b!c.test", "the character ! in the domain", 4, "remove it"),
    ("a@-b.test", "a hyphen at the beginning of a label", 3, "remove it"),
    ("a@x.b-.test", "a hyphen at the end of a label", 6, "remove it"),
    (f"a@x.{A63}a.test", "a label is too long (64 octets)", 68, "at most 63 are allowed"),
    ("a@b.123", "no domain", 3, "the last label is a number"),
    ("a@" + f"{A63}." * 4 + "test", "no domain", 3, "a name has at most 253 characters, this one 260"),
    ("a@x.\u0640\u0640.test", None, 5, None),
    # Address literals
    ("a@192.0.2.1", "an IP address without brackets", 3, "write a@[192.0.2.1]"),
    ("a@2001:db8::1", "an IP address without brackets", 3, "write a@[IPv6:2001:db8::1]"),
    ("a@[2001:db8::1]", "an IPv6 address without its tag", 4, "write [IPv6:2001:db8::1]"),
    ("a@[192.0.2.256]", "256 in an IPv4 address", 4, "each of its four numbers is 255 at most"),
    ("a@[192.0.2]", "no address literal", 4, A_LITERAL),
    ("a@[192.0.2.1.5]", "no address literal", 4, A_LITERAL),
    ("a@[0192.0.2.1]", "no address literal", 4, A_LITERAL),
    ("a@[]", "no address literal", 4, A_LITERAL),
    ("a@[b.test]", "no address literal", 4, A_LITERAL),
    ("a@[192.0.2.1", "an address literal begins", 3, "close it with a bracket, as in you@[192.0.2.1]"),
    ("a@[192.0.2.1]b", "'b' after the address literal", 14, "remove what follows the bracket"),
    ("a@[192.0.2.1]:25", "':' after the address literal", 14, "remove what follows the bracket"),
    ("a@192.0.2.1]", "a bracket in the domain", 12, RIGHT_AFTER),
    ("a@[IPv6:2001:db8::1::2]", "no IPv6 address after the tag", 4, "write one like [IPv6:2001:db8::1]"),
    ("a@[IPv6:192.0.2.1]", "no IPv6 address after the tag", 4, "write one like [IPv6:2001:db8::1]"),
    ("a@[IPv6:fe80::1%eth0]", "no IPv6 address after the tag", 4, "write one like [IPv6:2001:db8::1]"),
    ("a@[IPv6:]", "no IPv6 address after the tag", 4, "write one like [IPv6:2001:db8::1]"),
    ("a@[x-:y]", "no address literal", 4, A_LITERAL),
    ("a@[x:]", "no address literal", 4, A_LITERAL),
    # Too long
    ("x" * 65 + "@a.test", "the local part is too long (65 octets)", 65, AT_MOST_64),
    ("ä" * 33 + "@a.test", "the local part is too long (66 octets)", 33, AT_MOST_64),
    ('"' + "x " * 32 + '"@a.test', "the local part is too long (66 octets)", 65, AT_MOST_64),
    (f"aaa@{A63}.{A63}.{A63}.{'a' * 59}", "the address is too long (255 octets)", 255, "at most 254 are allowed"),
    (f"{'a' * 64}@{'ü' * 55}.{A63}.{A63}.test", "the address is too long (259 octets)", 200, None),  # in A-labels
    (f"{'a' * 64}@{'ü.' * 24}test", "the address is too long (261 octets)", 117, None),  # in A-labels, again
    ("a" * 1025, "the address is too long (1025 characters)", 255, "an address has at most 254 octets"),
    # What is not seen
    ("a\r\n@b.test", "control character 0x0D (CR)", 2, "remove it"),
    ("a@b.test\n", "control character 0x0A (LF)", 9, "remove it"),
    ("a\0b@c.test", "control character 0x00 (NUL)", 2, "remove it"),
    ("\ta@b.test", "control character 0x09 (tab)", 1, "remove it"),
    ('"a\x1b[2J"@b.test', "control character 0x1B", 3, "remove it"),
    ("a@b.test\x7f", "control character 0x7F", 9, "remove it"),
    ("<a@b.test>\r\nRCPT TO:<c@d.test>", "control character 0x0D (CR)", 11, "remove it"),
    ("a\x85@b.test", "control character (U+0085), which is not seen,", 2, "remove it"),
    ("a\u2028@b.test", "line separator (U+2028), which is not seen,", 2, "remove it"),
    ("a@b.test\u00a0", "no-break space (U+00A0), which is not seen,", 9, "remove it"),
    ("\ufeffa@b.test", "zero width no-break space (U+FEFF), which is not seen,", 1, "remove it"),
    ("a\u202e@b.test", "right-to-left override (U+202E), which is not seen,", 2, "remove it"),
    ("a\udcff@b.test", "no valid UTF-8", 2, "type the address anew, in UTF-8"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "what", "position", "what_to_do"), BAD, ids=[ascii(row[0])[:40] for row in BAD])
def test_what_is_no_mailbox_is_refused_with_what_and_where_and_what_to_do(
    written: str, what: str | None, position: int, what_to_do: str | None
) -> None:
    with pytest.raises(MailboxError) as refused:
        parse_mailbox(written)
    error = refused.value
    expected = (what or error.what, position, what_to_do or error.what_to_do)
    assert (error.what, error.position, error.what_to_do) == expected
    assert str(error) == f"{error.what} at position {position}: {error.what_to_do}"
    assert str(error).isprintable()


@pytest.mark.parametrize("octet", [*range(0x20), *range(0x7F, 0xA0)])
@pytest.mark.parametrize(
    "where", ["{}a@b.test", "a{}b@c.test", '"a{}"@b.test', '"a\\{}"@b.test', "a@b{}c.test", "a@[{}]"]
)
def test_every_control_is_refused_wherever_it_stands(octet: int, where: str) -> None:
    with pytest.raises(MailboxError, match=f"position {where.index('{') + 1}: remove it") as refused:
        parse_mailbox(where.format(chr(octet)))
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("character", [chr(octet) for octet in range(0x20, 0x7F)])
def test_every_printable_character_is_either_of_an_atom_or_has_a_remedy(character: str) -> None:
    written = f"a{character}b@c.test"
    if character in ATEXT + ".":
        assert parse_mailbox(written).local_part == f"a{character}b"
    elif character != "@":
        with pytest.raises(MailboxError, match="in the local part at position 2"):
            parse_mailbox(written)
    quoted = parse_mailbox('"a' + ("\\" if character in '"\\' else "") + character + 'b "@c.test')
    assert character in quoted.local_part


@pytest.mark.parametrize("character", [chr(octet) for octet in range(0x20, 0x7F)])
def test_every_printable_character_is_either_of_a_domain_or_refused(character: str) -> None:
    written = f"a@b{character}c.test"
    if character in string.ascii_letters + string.digits + "-.":
        assert parse_mailbox(written).domain == f"b{character}c.test".lower()
    else:
        with pytest.raises(MailboxError, match="in the domain at position 4"):
            parse_mailbox(written)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("<you@example.org>", "you@example.org"),
        ("You <you@example.org>", "you@example.org"),
        ('" mailto:you@example.org', None),
        ("mailto:you@example.org", "you@example.org"),
        ("<a b@c.test>", None),
        (" <you@example.org>", None),
        ("<mailto:you@example.org>", None),
        ("you", None),
    ],
)
def test_what_was_probably_meant_is_given_if_it_is_a_mailbox(written: str, meant: str | None) -> None:
    with pytest.raises(MailboxError) as refused:
        parse_mailbox(written)
    assert refused.value.meant == (parse_mailbox(meant) if meant else None)


def test_brackets_within_brackets_are_no_deep_matter() -> None:
    with pytest.raises(MailboxError):
        parse_mailbox("<" * 500 + "a@b.test" + ">" * 500)


@pytest.mark.parametrize(
    ("written", "domain", "unicode_domain", "address"),
    [
        ("a@Example.org", "example.org", "example.org", None),
        ("a@MÜNCHEN.de", "xn--mnchen-3ya.de", "münchen.de", None),
        ("a@xn--mnchen-3ya.de", "xn--mnchen-3ya.de", "münchen.de", None),
        ("a@faß.de", "xn--fa-hia.de", "faß.de", None),
        ("a@xn--a.de", "xn--a.de", "xn--a.de", None),
        ("a@[192.0.2.1]", "[192.0.2.1]", "[192.0.2.1]", IPv4Address("192.0.2.1")),
        ("a@[ipv6:::1]", "[IPv6:::1]", "[IPv6:::1]", IPv6Address("::1")),
        ("a@[x:y]", "[x:y]", "[x:y]", None),
    ],
)
def test_a_domain_is_kept_in_both_its_forms_and_a_literal_with_its_address(
    written: str, domain: str, unicode_domain: str, address: Address | None
) -> None:
    assert parse_mailbox(written) == Mailbox("a", domain, unicode_domain, address)


@pytest.mark.parametrize(
    ("address", "literal"),
    [
        ("192.0.2.1", "[192.0.2.1]"),
        ("2001:db8:0:0:1:0:0:1", "[IPv6:2001:db8::1:0:0:1]"),
        ("::", "[IPv6:::]"),
        ("fe80::1%eth0", "[IPv6:fe80::1]"),
    ],
)
def test_an_address_as_a_literal(address: str, literal: str) -> None:
    assert address_literal(IPv6Address(address) if ":" in address else IPv4Address(address)) == literal


def test_the_null_reverse_path_is_a_sender_and_no_mailbox() -> None:
    assert parse_reverse_path("<>") is None
    assert path_of(None) == "<>"
    assert parse_reverse_path("you@example.org") == parse_mailbox("you@example.org")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "nothing at position 1: write an address like you@example.org, or <> for the null reverse-path"),
        ("< >", "angle brackets at position 1: write the address without them"),
        ("<you@example.org>", "angle brackets at position 1: write you@example.org"),
        (" <>", "a space around the address at position 1: remove it"),
        ("<>\r\n", "control character 0x0D (CR) at position 3: remove it"),
    ],
)
def test_a_sender_is_refused_as_a_recipient_is(written: str, message: str) -> None:
    with pytest.raises(MailboxError) as refused:
        parse_reverse_path(written)
    assert str(refused.value) == message


@pytest.mark.parametrize("row", GOOD, ids=[row[2] for row in GOOD])
def test_every_good_path_can_be_said(row: tuple[str, str, str]) -> None:
    path = parse_mailbox(row[0]).path
    assert encode_command(Verb.rcpt, f"TO:{path}", utf8=True) == f"RCPT TO:{path}\r\n".encode()
