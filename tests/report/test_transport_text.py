"""Transport security as `show` prints it: the three senders first, then what is published, then certificates."""

import pytest
from msgspec.structs import replace

from scanner.outcomes import DnsStatus, Outcome, RouteKind, Stage
from scanner.records import Domain, JudgedCertificate, SessionRecord
from scanner.report.domain_text import render_domain
from scanner.report.transport_text import certificate_line, extension_lines
from scanner.tls.identity import NameMatch
from tests.judgement.found import host, looked_up, mx, route
from tests.judgement.sessions import ADDRESS, MX, ended, session, without_starttls
from tests.judgement.transport import (
    EE,
    EE_OTHER,
    EXPIRED,
    LEAF,
    STS_RECORD,
    UNUSABLE,
    fetch,
    judged_domain,
    policy_host,
    policy_text,
    published,
    secure_host,
    served,
    to,
    txt,
)

from .terminal import piped


def shown(record: Domain) -> list[str]:
    return piped(render_domain(record, [], {})).split("\n")


def block(record: Domain, title: str) -> list[str]:
    """The lines below a title, up to the next empty one."""
    text = shown(record)
    start = text.index(title) + 1
    return text[start : text.index("", start)]


def a_domain(leaf: object = LEAF, text: str | None = None) -> Domain:
    """A domain with everything: TLSA records, a policy, a place for reports."""
    way = to(mx(), ad=True, mta_sts=txt(STS_RECORD), tls_rpt=txt("v=TLSRPTv1; rua=mailto:a@example.org"))
    return judged_domain(
        secure_host(EE, EE_OTHER, UNUSABLE),
        sessions={(MX, ADDRESS): served(leaf)},  # type: ignore[arg-type]
        of=way,
        policies=published(fetch(text), policy_host()),
    )


def test_what_becomes_of_a_message_stands_first() -> None:
    text = shown(a_domain())
    assert text[:8] == [
        "example.org",
        "  input     example.org (line 1)",
        "",
        "a message",
        "  from any sender       is delivered encrypted, to whoever answers",
        "  if DANE is obeyed     is delivered encrypted, to the right server",
        "  if MTA-STS is obeyed  is delivered encrypted, to the right server",
        "",
    ]


def test_a_message_that_is_lost_has_the_reasons_that_its_sender_reports() -> None:
    lines = block(a_domain(EXPIRED), "a message")
    assert lines[1:] == [
        "  if DANE is obeyed     is NOT delivered (validation-failure)",
        "  if MTA-STS is obeyed  is NOT delivered (certificate-expired)",
    ]


def test_a_server_that_may_come_first_and_is_not_known_is_mentioned() -> None:
    way = to(mx(MX, 10), mx("mx2.example.org", 20))
    two = [host(looked_up(ADDRESS)), host(looked_up("192.0.2.2"), exchange="mx2.example.org")]
    sessions = {
        (MX, ADDRESS): ended(Stage.connect, Outcome.timed_out),
        ("mx2.example.org", "192.0.2.2"): without_starttls(),
    }
    lines = block(judged_domain(*two, sessions=sessions, of=way), "a message")
    assert lines[0] == (
        "  from any sender       is delivered, perhaps readable on its way; "
        "a server that may come first could not be judged"
    )


def test_a_domain_that_accepts_no_mail_has_no_senders() -> None:
    assert "a message  none is meant to be delivered" in shown(judged_domain(of=route(RouteKind.null_mx)))


def test_what_is_published_has_its_value_and_its_facts() -> None:
    assert block(a_domain(), "policies") == [
        "  dane       valid",
        "  mta_sts    valid",
        "  tls_rpt    valid",
        f"  the MTA-STS policy: mode enforce, id 20261122, for 7 days, mx {MX}",
        f"  DANE of {MX}: valid  authentication is required, usable records",
        f"    TLSA {EE}  matches",
        f"    TLSA {EE_OTHER}  no match",
        f"    TLSA {UNUSABLE}  not used",
    ]


def test_what_does_not_hold_has_its_reasons() -> None:
    lines = block(a_domain(EXPIRED, policy_text("testing", "other.example.org")), "policies")
    assert lines[:2] == ["  dane       invalid (validation-failure)", "  mta_sts    invalid (validation-failure)"]


def test_a_base_domain_of_another_name_is_told() -> None:
    record = a_domain()
    (one,) = record.mail_hosts
    assert one.dane is not None
    elsewhere = replace(one, dane=replace(one.dane, base_domain="base.example.net"))
    text = block(replace(record, mail_hosts=(elsewhere,)), "policies")
    assert text[4].endswith("usable records at base.example.net")


def test_where_nobody_looked_there_is_no_block() -> None:
    record = judged_domain(host(looked_up(ADDRESS)), of=to(mx()), validates=None)
    assert "policies" not in shown(record)


def test_what_was_looked_for_and_is_not_there_is_said() -> None:
    absent = txt(status=DnsStatus.nxdomain)
    record = judged_domain(secure_host(), of=to(mx(), mta_sts=absent, tls_rpt=absent))
    assert block(record, "policies") == [
        "  dane       none",
        "  mta_sts    none",
        "  tls_rpt    none",
        f"  DANE of {MX}: none  TLS is not required, tlsa absent",
    ]


# Certificates ---------------------------------------------------------------------------------------

GOOD = JudgedCertificate(
    sha256="ab" * 32,
    trusted=True,
    code=0,
    reason="trusted",
    name=NameMatch.matches,
    not_after="2027-01-01T00:00:00.000Z",
    days_left=39,
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "trusted, for this name, 39 days left"),
        (
            {"trusted": False, "code": 18, "reason": "self-signed"},
            "self-signed (OpenSSL 18), for this name, 39 days left",
        ),
        ({"name": NameMatch.no_match}, "trusted, for another name, 39 days left"),
        ({"name": NameMatch.only_common_name}, "trusted, for this name in the common name only, 39 days left"),
        ({"days_left": -2}, "trusted, for this name, over for 2 days"),
        ({"trusted": None, "code": None, "reason": "unreadable", "name": None, "days_left": None}, "unreadable"),
    ],
)
def test_a_certificate_is_one_line(changes: dict[str, object], said: str) -> None:
    line = certificate_line(replace(GOOD, **changes)).plain
    assert line == f"      certificate {said}  sha256 abababababababab…"


def test_the_certificate_of_an_address_stands_below_it() -> None:
    text = shown(a_domain())
    position = text.index(f"    {ADDRESS}  done ok")
    assert text[position + 1].startswith("      certificate trusted, for this name, 60 days left  sha256 ")


# Extensions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (session(), ["  EHLO      SIZE 1000, STARTTLS", "  with TLS  the same"]),
        (
            session(extensions_after_tls={"SIZE": "9", "AUTH": "PLAIN"}),
            ["  EHLO      SIZE 1000, STARTTLS", "  with TLS  +SIZE 9, +AUTH PLAIN, -SIZE 1000"],
        ),
        (
            session(extensions_after_tls={"SIZE": "1000", "STARTTLS": ""}),
            ["  EHLO      SIZE 1000, STARTTLS", "  with TLS  the same"],
        ),
        (without_starttls(extensions={}), ["  EHLO      offers nothing"]),
        (ended(Stage.greeting, Outcome.timed_out), []),
    ],
    ids=["STARTTLS goes, as it must", "some appear, some vanish", "STARTTLS stays", "none", "not reached"],
)
def test_extensions_that_appear_and_vanish_with_tls_are_told(one: SessionRecord, said: list[str]) -> None:
    assert [line.plain for line in extension_lines(one)] == said


def test_what_a_server_offers_acts_on_no_terminal() -> None:
    evil = session(extensions={"X\\x1B[31m": ""}, extensions_after_tls=None)
    assert [line.plain for line in extension_lines(evil)] == ["  EHLO      X\\x1B[31m"]
