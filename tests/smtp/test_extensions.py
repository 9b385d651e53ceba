"""Extensions: keywords as whole words in any case, old forms, and what a middlebox has overwritten."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.outcomes import SessionFlag
from scanner.smtp.extensions import is_masked_greeting, parse_extensions
from scanner.smtp.replies import Reply

OUTSIDE = frozenset({SessionFlag.ehlo_line_outside_grammar})
NONE: frozenset[SessionFlag] = frozenset()


def ehlo(*lines: bytes) -> Reply:
    return Reply(250, None, (b"mx.test at your service", *lines))


OFFERED: list[tuple[str, list[bytes], dict[bytes, bytes], frozenset[SessionFlag]]] = [
    ("none", [], {}, NONE),
    ("a keyword", [b"STARTTLS"], {b"STARTTLS": b""}, NONE),
    ("in lower case", [b"starttls"], {b"STARTTLS": b""}, NONE),
    ("in mixed case, with a parameter", [b"Size 1000"], {b"SIZE": b"1000"}, NONE),
    ("SIZE may have no number", [b"SIZE"], {b"SIZE": b""}, NONE),
    ("several parameters", [b"AUTH PLAIN LOGIN"], {b"AUTH": b"PLAIN LOGIN"}, NONE),
    ("the case of a parameter is kept", [b"AUTH Plain"], {b"AUTH": b"Plain"}, NONE),
    ("in the order offered", [b"B", b"A"], {b"B": b"", b"A": b""}, NONE),
    ("a whole word, no part of one", [b"XSTARTTLS", b"STARTTLSX"],
     {b"XSTARTTLS": b"", b"STARTTLSX": b""}, NONE),
    ("hyphens and digits", [b"X-EXPS", b"8BITMIME"], {b"X-EXPS": b"", b"8BITMIME": b""}, NONE),
    ("a parameter is no keyword", [b"X STARTTLS"], {b"X": b"STARTTLS"}, NONE),
    ("the old form of AUTH", [b"AUTH=PLAIN LOGIN"], {b"AUTH": b"PLAIN LOGIN"}, OUTSIDE),
    ("AUTH in both forms", [b"AUTH PLAIN", b"AUTH=PLAIN LOGIN"], {b"AUTH": b"PLAIN LOGIN"}, OUTSIDE),
    ("a keyword twice", [b"SIZE 1", b"SIZE 2"], {b"SIZE": b"1 2"}, NONE),
    ("more than one space", [b"SIZE  1000"], {b"SIZE": b"1000"}, OUTSIDE),
    ("a tab", [b"SIZE\t1000"], {b"SIZE": b"1000"}, OUTSIDE),
    ("spaces at the end", [b"STARTTLS "], {b"STARTTLS": b""}, OUTSIDE),
    ("a space first is no keyword", [b" STARTTLS"], {}, OUTSIDE),
    ("an empty line", [b""], {}, OUTSIDE),
    ("a full stop hangs on it", [b"STARTTLS."], {}, OUTSIDE),
    ("a hyphen first", [b"-STARTTLS"], {}, OUTSIDE),
    ("8-bit in the keyword", [b"STARTTLS\xff"], {}, OUTSIDE),
    ("8-bit in a parameter", [b"X \xff"], {b"X": b"\xff"}, OUTSIDE),
    ("a NUL", [b"STARTTLS\x00"], {}, OUTSIDE),
    ("sentences are not looked into", [b"you may say STARTTLS"], {b"YOU": b"may say STARTTLS"}, NONE),
]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "parameters", "flags"), [row[1:] for row in OFFERED], ids=[row[0] for row in OFFERED]
)
def test_extensions_are_read_by_the_grammar_and_a_little_beyond(
    lines: list[bytes], parameters: dict[bytes, bytes], flags: frozenset[SessionFlag]
) -> None:
    extensions = parse_extensions(ehlo(*lines))
    assert list(extensions.parameters.items()) == list(parameters.items())
    assert extensions.flags == flags
    assert not extensions.keyword_masked


def test_the_first_line_is_the_servers_name_and_never_a_keyword() -> None:
    extensions = parse_extensions(Reply(250, None, (b"STARTTLS", b"SIZE")))
    assert b"STARTTLS" not in extensions
    assert b"SIZE" in extensions


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        (b"XXXXXXXA", True),
        (b"XXXXXXXX", True),
        (b"xxxxxxxa", True),
        (b"XXXXXXA", False),
        (b"XXXXXXXXA", False),
        (b"XXXXXXXB", False),
        (b"SIZE XXXXXXXA", False),
        (b"XSTARTTLS", False),
    ],
)
def test_a_keyword_of_eight_letters_that_was_overwritten_is_starttls_masked(line: bytes, masked: bool) -> None:
    assert parse_extensions(ehlo(b"SIZE", line, b"DSN")).keyword_masked is masked


@pytest.mark.parametrize(
    ("lines", "masked"),
    [
        ((b"****************************************",), True),
        ((b"****2****0**",), True),
        ((b"2******0*****2**0  **",), True),
        ((b"***", b"*****"), True),
        ((b"*** welcome ***",), False),
        ((b"***", b"mx.test"), False),
        ((b"**",), False),
        ((b"",), False),
        ((b"2002 0 2",), False),
        ((b"mx.test ESMTP",), False),
        ((b"***\n",), False),
    ],
)
def test_a_greeting_of_nothing_but_asterisks_is_masked(lines: tuple[bytes, ...], masked: bool) -> None:
    assert is_masked_greeting(Reply(220, None, lines)) is masked


@pytest.mark.parametrize(
    "lines",
    [
        [b"*" * 8000 + b"x"],
        [b"*2" * 4000 + b"x"],
        [b"A x" + b" " * 8000 + b"x"] * 8,
        [b"A" + b" = " * 2700 + b"\x00"] * 8,
        [b"A " + b" ".join(b"%d" % number for number in range(1500))] * 8,
        [b"A" * 8000 + b"!"] * 8,
    ],
)
def test_no_line_takes_long_to_look_at(lines: list[bytes]) -> None:
    began = time.process_time()
    is_masked_greeting(Reply(220, None, tuple(lines)))
    parse_extensions(ehlo(*lines))
    # It takes a millisecond or two; what looks at a line again and again takes seconds or for ever.
    assert time.process_time() - began < 0.2


# From the grammar -----------------------------------------------------------------------------------------

ALNUM = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
KEYWORD = st.builds(
    lambda first, rest: (first + rest).encode(), st.sampled_from(ALNUM), st.text(ALNUM + "-", max_size=10)
)
PARAMETER = st.text([chr(octet) for octet in range(33, 127)], min_size=1, max_size=10).map(str.encode)


@given(
    st.lists(
        st.tuples(KEYWORD, st.lists(PARAMETER, max_size=4, unique=True)),
        max_size=8,
        unique_by=lambda pair: pair[0].upper(),
    )
)
def test_what_the_grammar_writes_is_read_without_a_flag(offered: list[tuple[bytes, list[bytes]]]) -> None:
    extensions = parse_extensions(ehlo(*(b" ".join([keyword, *parameters]) for keyword, parameters in offered)))
    assert extensions.flags == NONE
    assert list(extensions.parameters.items()) == [(word.upper(), b" ".join(more)) for word, more in offered]


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_no_line_is_refused(lines: list[bytes]) -> None:
    assert all(word == word.upper() for word in parse_extensions(ehlo(*lines)).parameters)
