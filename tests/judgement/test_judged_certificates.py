"""The certificate of an address as its record has it: trusted or not, why, for whom, and for how long."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec.structs import replace

from scanner.judgement.certificates import ChainJudge, ChainJudgement
from scanner.judgement.hosts import judge_host
from scanner.outcomes import AddressFlag, Outcome, Stage
from scanner.records import JudgedAddress, JudgedCertificate, SessionRecord
from scanner.times import datetime_text
from scanner.tls.trust import TrustResult, TrustStore
from tests.tls.issuing import (
    DAY,
    MX,
    NOW,
    Issued,
    authority,
    dns_names,
    issue,
    purposes,
    sign_again,
)

from .found import ROOT as KNOWN_ROOT
from .found import Held, facts_of, host, looked_up, mx, options
from .sessions import ADDRESS, ended
from .transport import CERTIFICATES, SELF_SIGNED, served
from .transport import LEAF as GOOD_LEAF

ROOT = authority("Root")
FIRST = authority("First", by=ROOT)
SECOND = authority("Second", by=FIRST)
STRANGER = authority("Stranger")
OLD = authority("Old", by=ROOT, ends=NOW - DAY)
NAMED = [dns_names(MX)]
LEAF = issue(by=ROOT, extensions=NAMED)
BELOW_SECOND = issue(by=SECOND, extensions=NAMED)
INCOMPLETE = "incomplete: verifies with a known intermediate"
CLIENT_ONLY = "1.3.6.1.5.5.7.3.2"
HOUR = timedelta(hours=1)
WEAK = issue(by=ROOT, key=rsa.generate_private_key(65537, 1024), extensions=NAMED)


def judge(
    *chain: Issued | bytes, known: Sequence[Issued] = (), at: datetime = NOW, reference: str = MX
) -> ChainJudgement:
    """The judgement of a chain in a run where others served the `known` certificates of authorities."""
    ders = [one.der if isinstance(one, Issued) else one for one in (*chain, *known)]
    names = [sha256(der).hexdigest() for der in ders]
    intermediates: dict[str, list[str]] = {}
    for one in known:
        subject = one.certificate.subject.rfc4514_string()
        intermediates.setdefault(subject, []).append(sha256(one.der).hexdigest())
    judging = ChainJudge(ROOT.pem, dict(zip(names, ders, strict=True)), intermediates)
    return judging.judge_chain(tuple(names[: len(chain)]), reference, datetime_text(at))


def certificate(judgement: ChainJudgement) -> JudgedCertificate:
    assert judgement.served is not None
    return judgement.served.certificate


# fmt: off
REASONS: list[tuple[ChainJudgement, bool | None, int | None, str]] = [
    (judge(LEAF), True, 0, "trusted"),
    (judge(issue(extensions=NAMED)), False, 18, "self-signed"),
    (judge(issue(by=STRANGER, extensions=NAMED), STRANGER), False, 19, "self-signed in the chain"),
    (judge(issue(by=STRANGER, extensions=NAMED)), False, 20, "unknown issuer"),
    (judge(BELOW_SECOND), False, 20, "unknown issuer"),
    (judge(BELOW_SECOND, SECOND), False, 20, "unknown issuer"),
    (judge(BELOW_SECOND, SECOND, known=[FIRST]), False, 20, INCOMPLETE),
    (judge(BELOW_SECOND, known=[FIRST, SECOND]), False, 20, INCOMPLETE),
    (judge(BELOW_SECOND, known=[SECOND]), False, 20, "unknown issuer"),
    (judge(BELOW_SECOND, known=[STRANGER]), False, 20, "unknown issuer"),
    (judge(issue(by=OLD, extensions=NAMED), known=[OLD]), False, 20, "unknown issuer"),
    (judge(issue(by=ROOT, extensions=NAMED, ends=NOW - DAY)), False, 10, "expired"),
    (judge(issue(by=OLD, extensions=NAMED), OLD), False, 10, "expired (certificate 1 of the path)"),
    (judge(issue(by=ROOT, extensions=NAMED, starts=NOW + DAY)), False, 9, "not yet valid"),
    (judge(issue(by=ROOT, extensions=[*NAMED, purposes(CLIENT_ONLY)])), False, 26, "wrong purpose"),
    (judge(WEAK), True, 0, "trusted, but weak key: an RSA key of 1024 bits, less than 2048"),
    (judge(sign_again(LEAF, ROOT, "sha1")), True, 0,
     "trusted, but weak signature: signed with SHA-1 (ecdsa-with-SHA1)"),
    (judge(b"no certificate"), None, None, "unreadable"),
]
# fmt: on


@pytest.mark.parametrize(("judgement", "trusted", "code", "reason"), REASONS, ids=[row[-1] for row in REASONS])
def test_why_a_certificate_is_trusted_or_not(
    judgement: ChainJudgement, trusted: bool | None, code: int | None, reason: str
) -> None:
    found = certificate(judgement)
    assert (found.trusted, found.code, found.reason) == (trusted, code, reason)


@pytest.mark.parametrize(
    ("code", "text", "reason"),
    [(66, "EE certificate key too weak", "weak key"), (68, "…", "weak signature"), (25, "path length", "path length")],
)
def test_what_openssl_finds_at_other_security_levels_has_its_words(
    monkeypatch: pytest.MonkeyPatch, code: int, text: str, reason: str
) -> None:
    result = TrustResult(trusted=False, code=code, text=text, depth=0)
    monkeypatch.setattr(TrustStore, "verify", lambda *_: result)
    assert certificate(judge(LEAF)).reason == reason


def test_an_incomplete_chain_is_not_trusted_and_its_finding_says_what_is_missing() -> None:
    judgement = judge(BELOW_SECOND, SECOND, known=[FIRST])
    assert judgement.trusted.value == "no"
    (seen,) = judgement.observations
    assert seen.kind == "certificate-not-trusted"
    assert seen.evidence.endswith(INCOMPLETE)


@pytest.mark.parametrize(
    ("reference", "match"),
    [(MX, "matches"), ("other.example.org", "no_match"), ("cn.example.org", "only_common_name")],
)
def test_the_name_is_told_apart(reference: str, match: str) -> None:
    leaf = issue("cn.example.org", by=ROOT, extensions=NAMED)
    assert certificate(judge(leaf, reference=reference)).name == match


def test_names_that_cannot_be_read_are_none() -> None:
    assert certificate(judge(b"no certificate")).name is None


@pytest.mark.parametrize(
    ("ends", "days"),
    [
        (NOW + 30 * DAY, 30),
        (NOW + 30 * DAY - HOUR, 29),
        (NOW + HOUR, 0),
        (NOW, 0),
        (NOW - HOUR, -1),
        (NOW - 3 * DAY, -3),
    ],
)
def test_days_left_are_whole_days_from_the_session_on(ends: datetime, days: int) -> None:
    found = certificate(judge(issue(by=ROOT, extensions=NAMED, ends=ends)))
    assert (found.days_left, found.not_after) == (days, datetime_text(ends))


@pytest.mark.parametrize(
    ("starts", "ends", "is_soon", "why"),
    [
        (NOW - 76 * DAY, NOW + 14 * DAY, True, "two weeks of three months"),
        (NOW - 76 * DAY, NOW + 14 * DAY + HOUR, False, "an hour more"),
        (NOW - 350 * DAY, NOW + 15 * DAY, False, "of a year, whoever renews by hand has time"),
        (NOW - 89 * DAY, NOW + HOUR, True, "the last hour"),
        (NOW - 1 * DAY, NOW + 5 * DAY, False, "one of six days, fresh"),
        (NOW - 5 * DAY, NOW + 1 * DAY, True, "one of six days, on its last"),
        (NOW - 89 * DAY, NOW - HOUR, False, "over: that is another finding"),
    ],
)
def test_a_certificate_that_should_have_been_renewed_expires_soon(
    starts: datetime, ends: datetime, is_soon: bool, why: str
) -> None:
    judgement = judge(issue(by=ROOT, extensions=NAMED, starts=starts, ends=ends))
    kinds = [f"{seen.kind} {seen.severity}" for seen in judgement.observations]
    assert ("certificate-expires-soon warning" in kinds) is is_soon


def test_one_certificate_of_many_sessions_is_one_value() -> None:
    names = [sha256(LEAF.der).hexdigest()]
    judging = ChainJudge(ROOT.pem, {names[0]: LEAF.der})
    first, second = (judging.judge_chain(tuple(names), MX, datetime_text(NOW - n * HOUR)).served for n in (1, 2))
    assert first is not None
    assert second is not None
    assert first.certificate is second.certificate
    assert first.chain is second.chain
    assert first.leaf is second.leaf


# Of several sessions --------------------------------------------------------------------------------


def judged_at(held: Held, exchange: str = MX, certificates: Sequence[bytes] = CERTIFICATES) -> JudgedAddress:
    """The record of a mail host's address 192.0.2.1, after these sessions there."""
    one = host(looked_up(ADDRESS), exchange=exchange)
    judgement = judge_host(mx(exchange), one, facts_of(held, certificates=certificates), options())
    (address,) = judgement.record.addresses
    return address


def shown_at(held: Held) -> JudgedCertificate | None:
    return judged_at(held).certificate


def second(one: SessionRecord) -> SessionRecord:
    return replace(one, attempt=2, session=one.session.replace(".1.", ".2."))


def test_of_several_attempts_the_certificate_is_the_one_that_the_verdicts_speak_of() -> None:
    silent = ended(Stage.greeting, Outcome.timed_out)
    late = shown_at({(MX, ADDRESS): [silent, second(served(SELF_SIGNED))]})
    assert late is not None
    assert late.reason == "self-signed"
    first = shown_at({(MX, ADDRESS): [served(SELF_SIGNED), second(served(GOOD_LEAF))]})
    assert first is not None
    assert first.reason == "self-signed"
    assert shown_at({(MX, ADDRESS): [silent]}) is None


def test_a_name_that_was_not_asked_has_the_certificate_that_others_were_served() -> None:
    wildcard = issue(by=KNOWN_ROOT, extensions=[dns_names("*.example.org")])
    held: Held = {
        (f"mx{number}.example.org", ADDRESS): served(wildcard, session=f"{number:016x}.1.survey")
        for number in (1, 2, 3)
    }
    address = judged_at(held, "mx9.example.org", [wildcard.der])
    assert address.flags == (AddressFlag.server_name_inferred,)
    assert address.certificate is not None
    assert address.certificate.name == "matches"
