"""A sending on a terminal and in a pipe: told without colour too, and inert whatever a server says."""

import pytest

from scanner.diagnosis.send_answer import Delivery, answer_sending
from scanner.diagnosis.send_ways import Place
from scanner.outcomes import Cause, Outcome, Stage, TlsMode
from scanner.records import SendRecord
from scanner.report.send_text import render_answer, render_place, render_remark, render_warning
from tests.diagnosis.sendings import MAILBOX, broken, refused, sent, talk
from tests.report.terminal import on_terminal, piped, without_colours

HOSTILE = r"550 5.1.1 \x1B[2J\x1B]0;owned\x07 user \x0D\x0Aunknown"


def answered(record: SendRecord) -> str:
    return piped(render_answer(answer_sending([Delivery((MAILBOX,), (talk(record),))], "<1@x.test>")))


def test_what_was_taken_is_told_whole() -> None:
    assert answered(sent()).splitlines() == [
        "recipients",
        "  you@example.org  taken      250 2.0.0 Ok",
        "",
        (
            "SENT: The message was taken by smtp.example.org [192.0.2.1] for you@example.org. From here on it is that "
            "server's duty to deliver it or to report back (RFC 5321 §4.2.5): taken is not yet delivered. Its log has "
            "the message id <1@x.test>."
        ),
    ]


def test_what_was_refused_is_told_with_why_and_what_to_do() -> None:
    assert answered(refused(Stage.rcpt, "554 5.7.1 Relay access denied", Cause.relay_denied)).splitlines() == [
        "recipients",
        "  you@example.org  NOT TAKEN  554 5.7.1 Relay access denied",
        "",
        "NOT SENT: The message was not taken.",
        (
            "  why         smtp.example.org [192.0.2.1] does not pass mail on for whoever comes: “554 5.7.1 Relay "
            "access denied”."
        ),
        "  what to do  Sign in with --user; or have the server allow this host's address (mynetworks in Postfix).",
    ]


def test_without_a_reply_the_reason_stands_in_its_place() -> None:
    assert "  you@example.org  not known  fate not known" in answered(
        broken(Stage.message, Outcome.closed, delivered=None)
    )


@pytest.mark.parametrize("stage", [Stage.rcpt, Stage.mail, Stage.message])
def test_a_hostile_reply_is_inert(stage: Stage) -> None:
    answer = answer_sending([Delivery((MAILBOX,), (talk(refused(stage, HOSTILE)),))], "<1@x.test>")
    for told in (piped(render_answer(answer)), without_colours(on_terminal(render_answer(answer)))):
        assert told.replace("\n", "").isprintable()
        assert "user" in told


def test_a_reply_in_utf8_is_readable() -> None:
    assert "NOT TAKEN  550 Empf\u00e4nger unbekannt" in answered(refused(Stage.rcpt, r"550 Empf\xC3\xA4nger unbekannt"))


def test_every_result_has_a_word_beside_its_colour() -> None:
    for record, word in [(sent(), "SENT"), (refused(Stage.mail, "550 no"), "NOT SENT")]:
        told = on_terminal(render_answer(answer_sending([Delivery((MAILBOX,), (talk(record),))], "<1@x.test>")))
        assert f"{word}: " in without_colours(told)
        assert told != without_colours(told)


PLACES: list[tuple[str, Place, TlsMode, bool, bool, str | None, str]] = [
    ("an MX", Place("mx.x.test", "mx.x.test", "192.0.2.1", 10), TlsMode.opportunistic, False, False, None,
     "MX 10 mx.x.test [192.0.2.1] port 25: TLS if the server offers it, else in the clear"),
    ("an implicit MX", Place("x.test", "x.test", "192.0.2.1"), TlsMode.none, False, False, None,
     "server x.test [192.0.2.1] port 25: no TLS"),
    ("a relay", Place("smtp.x.test", "smtp.x.test", "192.0.2.1"), TlsMode.starttls, True, True, "me@x.test",
     ("relay smtp.x.test [192.0.2.1] port 25: TLS by STARTTLS, or nothing is sent, certificate verified; signing in as "
     "me@x.test")),
    ("an address", Place("192.0.2.1", "1.2.0.192.in-addr.arpa", "192.0.2.1"), TlsMode.implicit, True, False, None,
     "relay [192.0.2.1] port 25: TLS from the first octet"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("place", "tls", "is_relay", "is_verified", "user", "line"),
    [row[1:] for row in PLACES],
    ids=[row[0] for row in PLACES],
)
def test_first_it_is_told_what_is_tried(
    place: Place, tls: TlsMode, is_relay: bool, is_verified: bool, user: str | None, line: str
) -> None:
    told = render_place(place, 25, tls, is_relay=is_relay, is_verified=is_verified, user=user)
    assert told.plain == line


def test_remarks_and_notes_are_inert_lines() -> None:
    assert render_remark("looking up \x1b[2Jx").plain == r"looking up \x1B[2Jx"
    assert piped(render_warning("any certificate\nis taken")) == "note: any certificate\\x0Ais taken\n"
