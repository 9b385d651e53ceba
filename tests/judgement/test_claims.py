"""The table of verdicts row by row: what one session says."""

from collections.abc import Iterator
from itertools import product

import pytest
from msgspec.structs import replace

from scanner.judgement.claims import Claim, Claims, judge_session
from scanner.outcomes import OUTCOMES_OF_OURS, Cause, Outcome, Stage, StarttlsResult, VerdictValue
from scanner.records import Replies, SessionRecord, Starttls

from .claims import claim, words
from .sessions import WAY, ehlo_refused_us, ended, helo_only, masked, reply, session, without_starttls

#: The certificate's own claims, told apart: the one is passed on as trusted, the other as the name's.
TRUSTED, NAME = claim("yes"), claim("no")

GREETED = reply(220, "mx1.example.org ESMTP")


def implicit_tls_failed(outcome: Outcome) -> SessionRecord:
    """With implicit TLS nothing is said before the handshake."""
    nothing_said = ended(Stage.tls, outcome, replies=Replies(), extensions=None)
    return replace(nothing_said, starttls=Starttls(offered=False, masked=False, result=StarttlsResult.failed))


def refused_greeting(code: int, *, cause: Cause | None = None, about_us: bool | None = None) -> SessionRecord:
    outcome = Outcome.transient_negative if code < 500 else Outcome.permanent_negative
    replies = Replies(greeting=reply(code, "go away"))
    return ended(Stage.greeting, outcome, replies=replies, cause=cause, about_us=about_us)


def helo(code: int, outcome: Outcome) -> SessionRecord:
    """EHLO was refused and HELO answered with this."""
    replies = Replies(greeting=GREETED, ehlo=reply(502), helo=reply(code))
    return replace(ended(Stage.ehlo, outcome), stage=Stage.helo, replies=replies)


ROWS = [
    (session(), "yes yes yes yes no", "all went well: the certificate speaks for itself"),
    # The connection
    (ended(Stage.connect, Outcome.refused), "no - - - -", "the kernel there says that nobody listens"),
    (ended(Stage.connect, Outcome.unreachable), "no - - - -", "a router says that there is no way"),
    (
        ended(Stage.connect, Outcome.timed_out),
        "?timed_out ?timed_out ?timed_out ?timed_out ?timed_out",
        "silence may be a firewall that drops ours alone",
    ),
    (
        ended(Stage.connect, Outcome.reset),
        "?reset ?reset ?reset ?reset ?reset",
        "a reset instead of a connection is no refusal",
    ),
    (
        ended(Stage.connect, Outcome.deadline),
        "?deadline ?deadline ?deadline ?deadline ?deadline",
        "our limit",
    ),
    (
        ended(Stage.connect, Outcome.local_fault),
        "?local_fault ?local_fault ?local_fault ?local_fault ?local_fault",
        "our fault",
    ),
    # The greeting
    (ended(Stage.greeting, Outcome.timed_out), "yes ?timed_out ?timed_out ?timed_out ?timed_out", "mute"),
    (ended(Stage.greeting, Outcome.closed), "yes ?closed ?closed ?closed ?closed", "hung up"),
    (ended(Stage.greeting, Outcome.reset), "yes ?reset ?reset ?reset ?reset", "broken off"),
    (ended(Stage.greeting, Outcome.deadline), "yes ?deadline ?deadline ?deadline ?deadline", "too slow"),
    (ended(Stage.greeting, Outcome.too_long), "yes ?too_long ?too_long ?too_long ?too_long", "our limit"),
    (
        refused_greeting(421),
        "yes ?transient_negative ?transient_negative ?transient_negative ?transient_negative",
        "4yz: not now",
    ),
    (refused_greeting(554), "yes no - - -", "5yz: no SMTP service here (RFC 5321 §3.1)"),
    (
        session(
            stage=Stage.greeting,
            outcome=Outcome.permanent_negative,
            replies=Replies(greeting=reply(554), ehlo=reply(250)),
            starttls=Starttls(offered=False, masked=False, result=StarttlsResult.not_reached),
        ),
        "yes no - - -",
        "whatever comes after a greeting that refuses",
    ),
    (
        refused_greeting(554, cause=Cause.blocklisted, about_us=True),
        "yes ?blocklisted ?blocklisted ?blocklisted ?blocklisted",
        "5yz that is about us says nothing about the server",
    ),
    (
        refused_greeting(421, cause=Cause.rate_limited, about_us=True),
        "yes ?rate_limited ?rate_limited ?rate_limited ?rate_limited",
        "4yz that is about us: the cause is the better reason",
    ),
    (refused_greeting(554, cause=Cause.no_service, about_us=False), "yes no - - -", "5yz, and not about us"),
    (refused_greeting(554, cause=Cause.other, about_us=False), "yes no - - -", "5yz that does not speak of us"),
    (
        refused_greeting(421, cause=Cause.overloaded, about_us=False),
        "yes ?transient_negative ?transient_negative ?transient_negative ?transient_negative",
        "4yz, and not about us",
    ),
    (ended(Stage.greeting, Outcome.not_smtp), "yes no - - -", "speaks something else"),
    (ended(Stage.greeting, Outcome.malformed), "yes no - - -", "no reply of RFC 5321 §4.2"),
    # EHLO and HELO
    (ended(Stage.ehlo, Outcome.malformed), "yes no - - -", "mixed codes, or a code that EHLO can't have"),
    (ended(Stage.ehlo, Outcome.not_smtp), "yes no - - -", "stopped speaking SMTP"),
    (
        ended(Stage.ehlo, Outcome.transient_negative),
        "yes ?transient_negative ?transient_negative ?transient_negative ?transient_negative",
        "421 to EHLO",
    ),
    (
        ended(Stage.ehlo, Outcome.permanent_negative),
        "yes ?permanent_negative ?permanent_negative ?permanent_negative ?permanent_negative",
        "554 to EHLO: it may be our name that it does not like",
    ),
    (
        ended(Stage.ehlo, Outcome.permanent_negative, cause=Cause.ehlo_name_refused, about_us=True),
        "yes ?ehlo_name_refused ?ehlo_name_refused ?ehlo_name_refused ?ehlo_name_refused",
        "554 to EHLO: it is our name that it does not like",
    ),
    (ended(Stage.ehlo, Outcome.timed_out), "yes ?timed_out ?timed_out ?timed_out ?timed_out", "mute"),
    (
        ended(Stage.ehlo, Outcome.unreachable),
        "yes ?unreachable ?unreachable ?unreachable ?unreachable",
        "the way was lost after the connection came up",
    ),
    (helo_only(), "yes yes no - -", "EHLO refused and HELO accepted: no extensions, no STARTTLS"),
    (
        ehlo_refused_us(),
        "yes yes ?policy ?policy ?policy",
        "EHLO refused to us and HELO accepted: others may well be offered STARTTLS",
    ),
    (helo(421, Outcome.transient_negative), "yes" + 4 * " ?transient_negative", "neither EHLO nor HELO"),
    (helo(550, Outcome.permanent_negative), "yes" + 4 * " ?permanent_negative", "neither EHLO nor HELO"),
    # STARTTLS
    (without_starttls(), "yes yes no - -", "a complete list without the keyword"),
    (masked(), "yes yes ?masked ?masked ?masked", "a middlebox spoke, not the server"),
    (
        ended(Stage.starttls, Outcome.transient_negative),
        "yes yes ?transient_negative ?transient_negative ?transient_negative",
        "454: not now",
    ),
    (ended(Stage.starttls, Outcome.permanent_negative), "yes yes no - -", "501 or 554: offered, refused"),
    (
        ended(Stage.starttls, Outcome.permanent_negative, cause=Cause.policy, about_us=True),
        "yes yes ?policy ?policy ?policy",
        "refused to us alone",
    ),
    (ended(Stage.starttls, Outcome.timed_out), "yes yes" + 3 * " ?timed_out", "mute after STARTTLS"),
    (ended(Stage.starttls, Outcome.closed), "yes yes ?closed ?closed ?closed", "hung up after STARTTLS"),
    (ended(Stage.starttls, Outcome.malformed), "yes yes" + 3 * " ?malformed", "250 to STARTTLS"),
    # The handshake
    (ended(Stage.tls, Outcome.timed_out), "yes yes ?timed_out ?timed_out ?timed_out", "mute"),
    (ended(Stage.tls, Outcome.closed), "yes yes ?closed ?closed ?closed", "hung up"),
    (ended(Stage.tls, Outcome.reset), "yes yes ?reset ?reset ?reset", "broken off"),
    (ended(Stage.tls, Outcome.deadline), "yes yes ?deadline ?deadline ?deadline", "the session's limit"),
    (
        ended(Stage.tls, Outcome.tls_failed, error_code="ssl/tls alert handshake failure"),
        "yes yes no - -",
        "the server's alert",
    ),
    (
        ended(Stage.tls, Outcome.tls_failed, error_code="unsupported protocol"),
        "yes yes no - -",
        "older than TLS 1.0",
    ),
    (
        ended(Stage.tls, Outcome.tls_failed, error_code="excessive message size"),
        "yes yes ?tls_failed ?tls_failed ?tls_failed",
        "a certificate message over 100 KB is over our library's limit",
    ),
    (ended(Stage.tls, Outcome.plaintext_after_starttls), "yes yes no - -", "injected, or broken"),
    # After the handshake
    (
        ended(Stage.ehlo_after_tls, Outcome.permanent_negative, cause=Cause.policy, about_us=True),
        "yes yes yes yes no",
        "refused when all was known",
    ),
    (ended(Stage.ehlo_after_tls, Outcome.timed_out), "yes yes yes yes no", "the handshake was complete"),
    (ended(Stage.ehlo_after_tls, Outcome.closed), "yes yes yes yes no", "hung up under TLS"),
    (ended(Stage.ehlo_after_tls, Outcome.tls_failed), "yes yes yes yes no", "an alert under TLS"),
    (ended(Stage.ehlo_after_tls, Outcome.malformed), "yes yes yes yes no", "EHLO was accepted before"),
    # Implicit TLS: the handshake comes first
    (
        implicit_tls_failed(Outcome.tls_failed),
        "yes ?tls_failed no - -",
        "implicit TLS that the server can't do",
    ),
    (implicit_tls_failed(Outcome.timed_out), "yes" + 4 * " ?timed_out", "implicit TLS, mute"),
    (
        session(starttls=Starttls(offered=False, masked=False, result=StarttlsResult.done)),
        "yes yes yes yes no",
        "implicit TLS that went well",
    ),
    # What is ours
    (
        ended(Stage.greeting, Outcome.local_fault),
        "?local_fault ?local_fault ?local_fault ?local_fault ?local_fault",
        "our loop was late: what the session says is not believed",
    ),
    (
        without_starttls(outcome=Outcome.scanner_bug, stage=Stage.connect),
        "?scanner_bug ?scanner_bug ?scanner_bug ?scanner_bug ?scanner_bug",
        "a bug of ours proves nothing, whatever stands in the record",
    ),
    (ended(Stage.tls, Outcome.cancelled), " ".join(5 * ["?cancelled"]), "we stopped it"),
]


@pytest.mark.parametrize(("found", "said", "why"), ROWS, ids=[row[2] for row in ROWS])
def test_a_session_says_what_the_table_says(found: SessionRecord, said: str, why: str) -> None:
    assert words(judge_session(found, TRUSTED, NAME)) == said


def every_end() -> Iterator[SessionRecord]:
    """Every way in which a session can end, whether or not a probe would record it so."""
    for stage, outcome in product(WAY, Outcome):
        yield ended(stage, outcome)


#: Outcomes that are no completed exchange, and those that are about us.
INCONCLUSIVE = {
    Outcome.timed_out,
    Outcome.deadline,
    Outcome.reset,
    Outcome.closed,
    Outcome.too_long,
    Outcome.transient_negative,
    *OUTCOMES_OF_OURS,
}


def test_what_is_not_known_is_never_a_no() -> None:
    for found in every_end():
        said = judge_session(found, claim("yes"), claim("yes"))
        if found.outcome in INCONCLUSIVE:
            assert "no" not in words(said).split(), (found.stage, found.outcome)


def test_what_is_about_us_is_never_a_no() -> None:
    for stage, outcome in product(WAY, (Outcome.transient_negative, Outcome.permanent_negative)):
        for cause in Cause:
            found = ended(stage, outcome, cause=cause, about_us=True)
            assert "no" not in words(judge_session(found, claim("yes"), claim("yes"))).split(), (stage, cause)


def test_each_claim_builds_on_the_one_before_it() -> None:
    for found in every_end():
        said = judge_session(found, TRUSTED, NAME)
        certificate = {said.certificate_trusted, said.certificate_name}
        if said.reachable.value is not VerdictValue.yes:
            assert said.smtp == follows(said.reachable), (found.stage, found.outcome)
        if said.smtp.value is not VerdictValue.yes:
            assert said.starttls == follows(said.smtp), (found.stage, found.outcome)
        if said.starttls.value is not VerdictValue.yes:
            assert certificate == {follows(said.starttls)}, (found.stage, found.outcome)


def follows(claim_before: Claim) -> Claim:
    """What there is to say where the claim before is no yes."""
    return claim_before if claim_before.value is VerdictValue.unknown else claim("-")


def test_every_unknown_has_a_reason_and_nothing_else_has_one() -> None:
    for found in every_end():
        said = judge_session(found, TRUSTED, NAME)
        for name in Claims.__dataclass_fields__:
            one = getattr(said, name)
            assert (one.reason is not None) == (one.value is VerdictValue.unknown), (name, found.outcome)
