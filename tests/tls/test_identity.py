"""Names of mail hosts against names of certificates: RFC 9525 §6, rule by rule."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.tls.identity import NameMatch, match_certificate_name, match_dns_names


@pytest.mark.parametrize(
    ("reference", "presented", "matches", "why"),
    [
        ("mx1.example.org", "mx1.example.org", True, "§6.3: all labels equal"),
        ("mx1.example.org", "MX1.Example.ORG", True, "§6.3: without regard to case"),
        ("MX1.example.org", "mx1.example.org", True, "§6.3: on either side"),
        ("mx1.example.org", "mx2.example.org", False, "§6.3: each label must match"),
        ("mx1.example.org", "example.org", False, "§6.3: in order and in number"),
        ("example.org", "mx1.example.org", False, "§6.3: in order and in number"),
        ("mx1.example.org", "1.example.org", False, "the end alone is no match"),
        ("mx1.example.org", "mx1.example.orga", False, "the beginning alone is no match"),
        ("mx1.example.org", "mx1xexample.org", False, "a dot is a dot"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example", True, "§6.3: A-labels"),
        ("xn--mnchen-3ya.example", "XN--MNCHEN-3YA.example", True, "§6.3: A-labels are ASCII, of any case"),
        ("xn--mnchen-3ya.example", "münchen.example", False, "§6.3: a U-label is not compared"),
        ("xn--mnchen-3ya.example", "*.example.com", False, "another parent"),
        ("mx1.example.org", "*.example.org", True, "§6.3: the wildcard is the left-most label"),
        ("MX1.EXAMPLE.ORG", "*.Example.Org", True, "without regard to case here too"),
        ("xn--mnchen-3ya.example.org", "*.example.org", True, "a whole A-label is a label"),
        ("_mx.example.org", "*.example.org", True, "zones hold such hosts"),
        ("example.org", "*.example.org", False, "§6.3: it stands for a label, not for none"),
        ("a.mx1.example.org", "*.example.org", False, "§6.3: it stands for one label, not for two"),
        ("mx1.example.org", "mx1.*.org", False, "§6.3: left-most only"),
        ("mx1.example.org", "mx1.example.*", False, "§6.3: left-most only"),
        ("mx1.example.org", "*.*.org", False, "§6.3: one wildcard only"),
        ("a.b.example.org", "*.*.example.org", False, "§6.3: one wildcard only"),
        ("mx1.example.org", "mx*.example.org", False, "§6.3: the complete label"),
        ("mx1.example.org", "*1.example.org", False, "§6.3: the complete label"),
        ("mx1.example.org", "m*1.example.org", False, "§6.3: the complete label"),
        ("mx1.example.org", "**.example.org", False, "§6.3: one wildcard only"),
        ("xn--mnchen-3ya.example.org", "xn--*.example.org", False, "§6.3: the complete label"),
        ("mx1.example.org", "*", False, "nothing to be a wildcard of"),
        ("localhost", "*", False, "nothing to be a wildcard of"),
        ("example.org", "*.org", False, "§7.1 and OpenSSL: a whole top-level domain is nobody's"),
        ("org", "org", True, "a name of one label is a name"),
        ("*.example.org", "*.example.org", False, "§6.3: a reference identifier has no wildcard"),
        (
            "mx1.example.org",
            "mx1.example.org.",
            False,
            "RFC 5280 §4.2.1.6: preferred syntax, without the dot",
        ),
        ("mx1.example.org", " mx1.example.org", False, "a space is part of the name"),
        ("mx1.example.org", r"mx1.example.org\x00.evil.test", False, "a NUL, as wire_text writes it"),
        ("mx1.example.org", "", False, "empty"),
        ("", "", False, "empty on both sides"),
        ("", "*.example.org", False, "no reference"),
        ("192.0.2.1", "192.0.2.1", False, "§6.4: an address is compared with an IP-ID only"),
        ("192.0.2.1", "*.0.2.1", False, "§6.4: not by wildcard either"),
        ("2001:db8::1", "2001:db8::1", False, "§6.4"),
        ("[192.0.2.1]", "[192.0.2.1]", False, "an address literal is no name"),
        ("mk.example.org", "m\u212a.example.org", False, "KELVIN SIGN is k in lower case, but no k"),
        ("m\u212a.example.org", "mk.example.org", False, "in the reference neither"),
    ],
)
def test_a_presented_name_matches_as_rfc_9525_says(reference: str, presented: str, matches: bool, why: str) -> None:
    assert match_dns_names(reference, [presented]) is matches, why
    assert match_dns_names(reference, ["other.test", presented, "*.other.test"]) is matches, why


@pytest.mark.parametrize(
    ("dns_names", "common_names", "expected", "why"),
    [
        (["mx1.example.org"], [], NameMatch.matches, "no common name is needed"),
        (["mx1.example.org"], ["other.test"], NameMatch.matches, "a common name does no harm"),
        ([], ["mx1.example.org"], NameMatch.only_common_name, "RFC 9525 §2: no CN-ID any more"),
        ([], ["*.example.org"], NameMatch.only_common_name, "a wildcard would have matched"),
        ([], ["example", "mx1.example.org"], NameMatch.only_common_name, "any of them"),
        (["other.test"], ["mx1.example.org"], NameMatch.only_common_name, "the name is at the wrong place"),
        (["other.test"], ["other.test"], NameMatch.no_match, "neither"),
        ([], [], NameMatch.no_match, "no names at all"),
    ],
)
def test_a_common_name_alone_is_told_apart(
    dns_names: list[str], common_names: list[str], expected: NameMatch, why: str
) -> None:
    assert match_certificate_name("mx1.example.org", dns_names, common_names) is expected, why


def test_one_of_a_thousand_names_is_found() -> None:
    names = [f"host{number}.example.org" for number in range(1000)]
    assert match_dns_names("host999.example.org", names)
    assert not match_dns_names("host1000.example.org", names)


LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
HOSTS = st.lists(LABELS, min_size=1, max_size=5).map(lambda labels: ".".join([*labels[:-1], f"t{labels[-1]}"]))


@given(HOSTS, st.randoms(use_true_random=False))
def test_a_name_matches_itself_in_any_case(host: str, chance: Random) -> None:
    presented = "".join(chance.choice([octet, octet.upper()]) for octet in host)
    assert match_dns_names(host, [presented])
    assert match_dns_names(presented, [host])


@given(HOSTS, HOSTS)
def test_two_names_match_only_if_they_are_equal(reference: str, presented: str) -> None:
    assert match_dns_names(reference, [presented]) is (reference == presented)


@given(HOSTS, HOSTS)
def test_a_wildcard_matches_only_the_names_one_label_below(reference: str, parent: str) -> None:
    head, _, tail = reference.partition(".")
    is_child = bool(head) and tail == parent and "." in parent
    assert match_dns_names(reference, [f"*.{parent}"]) is is_child
    assert match_dns_names(f"x.{parent}", [f"*.{parent}"]) is ("." in parent)


@given(st.text(max_size=40), st.lists(st.text(max_size=40), max_size=5))
def test_no_text_is_too_strange_to_be_compared(reference: str, presented: list[str]) -> None:
    assert match_dns_names(reference, presented) in {True, False}
