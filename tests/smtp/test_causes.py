"""Why a server refuses: real replies of many servers, and what only looks like a reason."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.outcomes import Cause
from scanner.smtp.causes import MAX_READ, read_refusal
from scanner.smtp.refusal_patterns import BY_ENHANCED_CODE, BY_REPLY_CODE, PATTERNS, Refusal
from scanner.smtp.replies import Reply

from .feeding import parse

OUR_ADDRESS, OUR_NAME = "192.0.2.1", "scan.example.net"
OURS = [OUR_ADDRESS, OUR_NAME]

EXAMPLES = [(*example, row.refusal) for row in PATTERNS for example in row.examples]


def reply(lines: str) -> Reply:
    """A reply from its lines as text."""
    (found,) = parse([lines.replace("\n", "\r\n").encode() + b"\r\n"]).replies
    return found


@pytest.mark.parametrize(
    ("source", "lines", "refusal"), EXAMPLES, ids=[f"{source}: {lines[:50]}" for source, lines, _ in EXAMPLES]
)
def test_the_reply_of_a_real_server_is_understood(source: str, lines: str, refusal: Refusal) -> None:
    assert read_refusal(reply(lines)) == refusal, source


def test_there_are_enough_of_them() -> None:
    assert len(EXAMPLES) >= 60
    assert {row.refusal.cause for row in PATTERNS} == set(Cause)


def test_every_phrase_finds_something_that_a_server_says() -> None:
    said = [" ".join(sentence(lines).split()) for row in PATTERNS for _, lines in row.examples]
    said += [text for text, *_ in ROWS]
    idle = [
        phrase
        for row in PATTERNS
        for phrase in row.phrases
        if not any(re.search(phrase, text, re.IGNORECASE) for text in said)
    ]
    assert idle == []


def sentence(lines: str) -> str:
    """The text of a reply without its codes."""
    return re.sub(r"(?m)^[0-9]{3}[- ](?:[245]\.[0-9]+\.[0-9]+ )?", "", lines)


ROWS = [
    # Not what it looks like
    ("554 blocklist.example.org No SMTP service here", Cause.no_service, False, "a server of that name"),
    ("521 rbl.example.org does not accept mail", Cause.no_service, False, "a server of that name"),
    ("554 ptr.example.org No SMTP service here", Cause.no_service, False, "a server of that name"),
    ("554 reverse-dns.example.org No SMTP service here", Cause.no_service, False, "a server of that name"),
    ("421 greylist.example.org shutting down", Cause.overloaded, False, "a server of that name"),
    ("500 5.5.2 Error: command EHLO not recognized", Cause.other, False, "the command, not our name"),
    ("503 5.5.1 Error: send HELO/EHLO first", Cause.other, False, "the order, not our name"),
    ("521 5.5.1 Protocol error", Cause.no_service, False, "nothing but the code"),
    ("421 Too many concurrent SMTP connections; please try again later.", Cause.overloaded, False, "of everybody's"),
    ("421 mx.example.org too many connections", Cause.too_many_connections, True, "whose is not said"),
    ("554 We do not accept mail from your network", Cause.policy, True, "from us only"),
    ("554 This host does not accept mail from dynamic IP addresses", Cause.policy, True, "from some only"),
    ("554-No SMTP service\n554 IP address is block listed.", Cause.blocklisted, True, "no service for us"),
    ("550 5.4.1 Recipient address rejected: Access denied", Cause.user_unknown, False, "the recipient's"),
    (
        "454 4.7.0 TLS not available due to local problem",
        Cause.other,
        False,
        "its own trouble, by a policy's code",
    ),
    ("554 5.7.1 mx.example.org your address is listed at bl.example.org", Cause.blocklisted, True, "on whose list"),
    # Whom it names
    (f"554 mx.example.org No SMTP service for {OUR_ADDRESS}", Cause.policy, True, "our address"),
    (f"554 [{OUR_ADDRESS}]", Cause.policy, True, "our address and nothing else"),
    (f"554 farewell {OUR_NAME.upper()}, see you", Cause.policy, True, "our name"),
    (f"554 No SMTP service for {OUR_ADDRESS}0", Cause.no_service, False, "another's address that begins like ours"),
    (f"554 No SMTP service at 1{OUR_ADDRESS}", Cause.no_service, False, "another's address that ends like ours"),
    (f"554 mx.{OUR_NAME} No SMTP service", Cause.no_service, False, "a host below our name"),
    (f"421 4.3.2 too busy, come back later, {OUR_NAME}", Cause.overloaded, False, "busy is busy"),
    # Nothing but codes
    ("554 no", Cause.other, False, "no reason at all"),
    ("421", Cause.other, False, "not even a text"),
    ("554 5.7.1 no", Cause.policy, True, "a filter by host (RFC 3463 §3.8)"),
    ("450 4.7.0 no", Cause.policy, True, "other security status, before there is a message"),
    ("554 5.7.25 no", Cause.reverse_dns_required, True, "RFC 7372 §3.3"),
    ("421 4.7.28 no", Cause.rate_limited, True, "mail flood detected"),
    ("554 5.7.30 no", Cause.tls_required, False, "RFC 8689"),
    ("521 5.3.2 Service currently unavailable", Cause.blocklisted, True, "postscreen, to those on its deny list"),
    ("450 4.3.2 Service currently unavailable", Cause.overloaded, False, "Postfix, to everybody, for now"),
    ("554 5.3.2 no", Cause.no_service, False, "takes no mail, for good"),
    ("421 4.3.2 no", Cause.overloaded, False, "takes no mail, for now"),
    ("452 4.3.1 no", Cause.overloaded, False, "the system is full"),
    ("552 5.2.2 no", Cause.mailbox_full, False, "the mailbox is full"),
    ("550 5.1.1 no", Cause.user_unknown, False, "the mailbox is unknown"),
    ("521 no", Cause.no_service, False, "RFC 7504 §3"),
    ("530 no", Cause.auth_required, False, "RFC 4954 §6"),
    ("556 no", Cause.no_service, False, "RFC 7504 §4"),
    ("554 4.7.1 no", Cause.other, False, "a class that contradicts the code is absent (RFC 2034 §4)"),
    ("554 5.7.11111 no", Cause.other, False, "no enhanced status code"),
]


@pytest.mark.parametrize(("text", "cause", "about_us", "why"), ROWS, ids=[row[0] for row in ROWS])
def test_what_looks_like_a_reason_is_told_from_one(text: str, cause: Cause, about_us: bool, why: str) -> None:
    assert read_refusal(reply(text), OURS) == Refusal(cause, about_us), why


def test_the_case_and_the_cuts_of_the_lines_do_not_matter() -> None:
    words = "554 5.7.1 Client host blocked using bl.example.org"
    cut = "554-5.7.1 CLIENT HOST\n554-5.7.1 blocked\n554 5.7.1   using bl.example.org"
    assert read_refusal(reply(words)) == read_refusal(reply(cut)) == Refusal(Cause.blocklisted, about_us=True)


def test_only_the_beginning_of_a_long_reply_is_read() -> None:
    assert read_refusal(Reply(554, None, (b"x" * (MAX_READ - 12) + b" greylisted",))).cause is Cause.greylisted
    assert read_refusal(Reply(554, None, (b"x" * MAX_READ + b" greylisted",))).cause is Cause.other


def test_the_tables_of_codes_hold_codes() -> None:
    assert all(re.fullmatch(r"[X45]\.[0-9]{1,3}\.[0-9]{1,3}", code) for code in BY_ENHANCED_CODE)
    assert all(500 <= code <= 599 for code in BY_REPLY_CODE)


SNIPPETS = st.sampled_from([word for row in PATTERNS for _, lines in row.examples for word in lines.split()])
LINES = st.lists(st.one_of(st.binary(max_size=60), st.lists(SNIPPETS).map(lambda words: " ".join(words).encode())))


@given(code=st.integers(400, 599), enhanced=st.none() | st.from_regex(r"[45]\.[0-9]\.[0-9]{1,3}"), lines=LINES)
def test_every_reply_has_one_reading(code: int, enhanced: str | None, lines: list[bytes]) -> None:
    found = Reply(code, enhanced, tuple(lines) or (b"",))
    with_ours, without = read_refusal(found, OURS), read_refusal(found)
    assert isinstance(without.cause, Cause)
    assert with_ours.about_us >= without.about_us, "to be named never makes it less about us"
    assert with_ours == without or with_ours == Refusal(Cause.policy, about_us=True)


@given(name=st.text(min_size=1))
def test_a_name_is_text_and_no_pattern(name: str) -> None:
    assert read_refusal(reply("554 no"), [name]).cause in (Cause.other, Cause.policy)
