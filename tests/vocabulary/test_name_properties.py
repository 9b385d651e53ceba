"""Names from the grammar, right and nearly right: what is a name is one for good, what is none never is."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scanner.names import MAX_LABEL, MAX_NAME, InvalidName, is_host_name, parse_domain
from tests.grammar import DOMAIN, LET_DIG, SUB_DOMAIN
from tests.properties import SAME_EVERYWHERE

#: Every octet of ASCII that stands in no domain name; the dot is its own matter.
_FORBIDDEN = sorted({chr(octet) for octet in range(128)} - set(LET_DIG + "-."))
#: Letters beyond ASCII that UTS 46 leaves as they are, and that may stand anywhere in a label (RFC 5891 §4.2).
_U_LETTERS = "äöüßéñçøłþжщџλωאבגकखग世界한国"
_LEFT_TO_RIGHT = _U_LETTERS.replace("אבג", "")

U_LABEL = st.text(_LEFT_TO_RIGHT + string.ascii_lowercase, min_size=1, max_size=8).filter(
    lambda label: not label.isascii()
)


@SAME_EVERYWHERE
@given(DOMAIN, st.booleans())
def test_a_name_of_the_grammar_is_itself_in_lower_case(name: str, dotted: bool) -> None:
    parsed = parse_domain(f"{name}." if dotted else name)
    assert parsed == name.lower()
    assert parse_domain(parsed) == parsed
    assert is_host_name(parsed)


@SAME_EVERYWHERE
@given(DOMAIN, st.sampled_from(_FORBIDDEN), st.integers(0, MAX_NAME))
def test_an_octet_that_stands_in_no_name_is_refused_wherever_it_stands(name: str, octet: str, place: int) -> None:
    place %= len(name) + 1
    text = name[:place] + octet + name[place:]
    with pytest.raises(InvalidName) as refused:
        parse_domain(text)
    assert refused.value.reason.isprintable()
    assert not is_host_name(text.lower()) or octet == "_"  # zones hold underscores


@SAME_EVERYWHERE
@given(DOMAIN, st.integers(0, MAX_NAME))
def test_no_name_has_an_empty_label(name: str, place: int) -> None:
    dots = [0, *(at for at, character in enumerate(name) if character == ".")]
    place = dots[place % len(dots)]
    with pytest.raises(InvalidName, match="empty label"):
        parse_domain(f"{name[:place]}.{name[place:]}")


@SAME_EVERYWHERE
@given(SUB_DOMAIN, st.integers(MAX_LABEL - 3, MAX_LABEL + 3), DOMAIN)
def test_a_label_has_63_octets_and_no_more(label: str, size: int, name: str) -> None:
    label = (label * MAX_NAME)[: size - 1] + "x"
    assume(len(f"{label}.{name}") <= MAX_NAME)
    if size <= MAX_LABEL:
        assert parse_domain(f"{label}.{name}") == f"{label}.{name}".lower()
    else:
        with pytest.raises(InvalidName, match="at most 63 octets"):
            parse_domain(f"{label}.{name}")


@SAME_EVERYWHERE
@given(st.lists(SUB_DOMAIN, min_size=3, max_size=8), DOMAIN, st.integers(-3, 3))
def test_a_name_has_253_characters_and_no_more(labels: list[str], name: str, beyond: int) -> None:
    whole = ".".join([*labels * 90, name])[-(MAX_NAME + beyond) :]
    assume(not whole.startswith((".", "-")))
    assert len(whole) == MAX_NAME + beyond
    for text in (whole, whole.lower()):
        if beyond <= 0:
            assert parse_domain(text) == whole.lower()
        else:
            with pytest.raises(InvalidName, match="at most 253 characters"):
                parse_domain(text)


@SAME_EVERYWHERE
@given(st.lists(st.text(string.digits, min_size=1, max_size=5), min_size=1, max_size=6))
def test_what_could_be_taken_for_an_address_is_no_name(labels: list[str]) -> None:
    with pytest.raises(InvalidName):
        parse_domain(".".join(labels))


@SAME_EVERYWHERE
@given(st.lists(U_LABEL | st.sampled_from(["a", "b-c", "1"]), min_size=1, max_size=4), st.sampled_from(".。．｡"))
def test_an_internationalized_name_becomes_a_labels_once_and_for_all(labels: list[str], dot: str) -> None:
    text = dot.join([*labels, "test"])
    name = parse_domain(text)
    assert name.isascii()
    assert [label.startswith("xn--") for label in name.split(".")[:-1]] == [not label.isascii() for label in labels]
    assert parse_domain(name) == name
    if text.upper().lower() == text:  # not with sharp s, which has no capital of its own here
        assert parse_domain(text.upper()) == name


@SAME_EVERYWHERE
@given(DOMAIN, st.sampled_from("\u202e\u200b\u2028\ud800\udcff\ufffe\U000e0001☃℀"), st.integers(0, MAX_NAME))
def test_no_character_beyond_ascii_brings_in_what_ascii_may_not(name: str, character: str, place: int) -> None:
    place %= len(name) + 1
    try:
        parsed = parse_domain(name[:place] + character + name[place:])
    except InvalidName:
        return
    assert set(parsed) <= set(string.ascii_lowercase + string.digits + "-.")
    assert parse_domain(parsed) == parsed
