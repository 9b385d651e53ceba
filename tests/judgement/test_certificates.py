"""Certificates as they are judged: trust and dates at the session's time, the name of its server name."""

from datetime import datetime, timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from scanner.judgement.certificates import ChainJudge, ChainJudgement
from scanner.outcomes import VerdictValue
from scanner.records import SessionRecord, TlsRecord
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
    sign_again,
    with_month_13,
    with_version,
)

from .claims import claim
from .sessions import session

ROOT = authority("Root")
INTERMEDIATE = authority("Intermediate", by=ROOT)
STRANGER = authority("Stranger")
NAMED = (dns_names(MX),)
LEAF = issue(by=ROOT, extensions=NAMED)
EXPIRED = issue(by=ROOT, extensions=NAMED, starts=NOW - 90 * DAY, ends=NOW - 1 * DAY)
SECOND = timedelta(seconds=1)


def judge(*chain: Issued | bytes, at: datetime = NOW, server_name: str = MX) -> ChainJudgement:
    """The judgement of a session that was served this chain at that time."""
    ders = [one.der if isinstance(one, Issued) else one for one in chain]
    names = [sha256(der).hexdigest() for der in ders]
    return ChainJudge(ROOT.pem, dict(zip(names, ders, strict=True))).judge(served(names, at, server_name))


def served(names: list[str], at: datetime = NOW, server_name: str = MX) -> SessionRecord:
    tls = TlsRecord(version="TLSv1.3", chain=tuple(names))
    return session(tls=tls, started_at=datetime_text(at), server_name=server_name)


def told(judgement: ChainJudgement) -> list[str]:
    return [f"{seen.kind} {seen.severity}" for seen in judgement.observations]


EXPIRED_SELF_SIGNED = issue(extensions=NAMED, starts=NOW - 90 * DAY, ends=NOW - 1 * DAY)
OLD = authority("Old", by=ROOT, ends=NOW - 1 * DAY)

ROWS: list[tuple[tuple[Issued | bytes, ...], str, str, list[str], str]] = [
    ((LEAF,), "yes", "yes", [], "good"),
    (
        (issue(by=INTERMEDIATE, extensions=NAMED), INTERMEDIATE),
        "yes",
        "yes",
        [],
        "good, with its intermediate",
    ),
    (
        (issue(by=INTERMEDIATE, extensions=NAMED),),
        "no",
        "yes",
        ["certificate-not-trusted error"],
        "an incomplete chain",
    ),
    ((issue(extensions=NAMED),), "no", "yes", ["certificate-not-trusted error"], "self-signed"),
    (
        (issue(by=STRANGER, extensions=NAMED), STRANGER),
        "no",
        "yes",
        ["certificate-not-trusted error"],
        "an authority that nobody here knows",
    ),
    ((EXPIRED,), "no", "yes", ["certificate-expired error"], "expired: one finding, not two"),
    (
        (issue(by=ROOT, extensions=NAMED, starts=NOW + 1 * DAY),),
        "no",
        "yes",
        ["certificate-not-yet-valid error"],
        "not yet valid",
    ),
    (
        (EXPIRED_SELF_SIGNED,),
        "no",
        "yes",
        ["certificate-expired error", "certificate-not-trusted error"],
        "two things are wrong, and a new date would mend only one",
    ),
    (
        (issue(by=OLD, extensions=NAMED), OLD),
        "no",
        "yes",
        ["certificate-not-trusted error"],
        "the intermediate has expired: no date of the leaf's",
    ),
    (
        (issue(by=OLD, extensions=NAMED, starts=NOW - 90 * DAY, ends=NOW - 1 * DAY), OLD),
        "no",
        "yes",
        ["certificate-expired error", "certificate-not-trusted error"],
        "both have expired, and each needs a new one",
    ),
    (
        (issue("other.example.org", by=ROOT, extensions=[dns_names("other.example.org")]),),
        "yes",
        "no",
        ["certificate-host-mismatch error"],
        "another name",
    ),
    (
        (issue(by=ROOT, extensions=[dns_names("*.example.org")]),),
        "yes",
        "yes",
        [],
        "a wildcard in the left-most label",
    ),
    ((issue(by=ROOT),), "yes", "no", ["certificate-name-in-cn-only error"], "the common name alone"),
    (
        (issue(by=ROOT, extensions=[dns_names("other.example.org")]),),
        "yes",
        "no",
        ["certificate-name-in-cn-only error"],
        "the name in the common name, another one where it counts",
    ),
    (
        (issue(by=ROOT, extensions=NAMED, key=rsa.generate_private_key(65537, 1024)),),
        "yes",
        "yes",
        ["certificate-weak-key warning"],
        "an RSA key of 1,024 bits",
    ),
    (
        (sign_again(LEAF, ROOT, "sha1"),),
        "yes",
        "yes",
        ["certificate-weak-signature warning"],
        "signed with SHA-1",
    ),
    (
        (b"\x30\x03\x02\x01\x01",),
        "?malformed",
        "?malformed",
        ["certificate-unreadable warning"],
        "no certificate at all: not known, and not the server's no",
    ),
]


@pytest.mark.parametrize(("chain", "trusted", "name", "findings", "why"), ROWS, ids=[row[-1] for row in ROWS])
def test_a_chain_says_whether_it_is_trusted_and_whose_it_is(
    chain: tuple[Issued | bytes, ...], trusted: str, name: str, findings: list[str], why: str
) -> None:
    judgement = judge(*chain)
    assert (judgement.trusted, judgement.name) == (claim(trusted), claim(name))
    assert told(judgement) == findings


@pytest.mark.parametrize(
    ("damaged", "why"),
    [(with_version(LEAF.der, 5), "version 6"), (with_month_13(LEAF), "an end in month 13")],
)
def test_a_certificate_with_a_field_that_nobody_can_read_is_told(damaged: bytes, why: str) -> None:
    judgement = judge(damaged)
    assert "certificate-unreadable warning" in told(judgement)
    assert judgement.name == claim("yes"), "the names can be read all the same"


def test_the_evidence_names_the_field_that_could_not_be_read() -> None:
    (unreadable,) = (seen for seen in judge(with_month_13(LEAF)).observations if seen.kind == "certificate-unreadable")
    assert unreadable.evidence.startswith("not_after: ")


# Time -----------------------------------------------------------------------------------------------


BEGINS = EXPIRED.certificate.not_valid_before_utc
ENDS = EXPIRED.certificate.not_valid_after_utc


@pytest.mark.parametrize(
    ("at", "trusted", "findings", "why"),
    [
        (BEGINS - SECOND / 2, "no", ["certificate-not-yet-valid error"], "half a second too early"),
        (BEGINS, "yes", [], "the first second"),
        (ENDS - SECOND / 2, "yes", ["certificate-expires-soon warning"], "the last second"),
        (ENDS + SECOND, "no", ["certificate-expired error"], "too late"),
    ],
)
def test_dates_are_judged_at_the_time_of_the_session(at: datetime, trusted: str, findings: list[str], why: str) -> None:
    judgement = judge(EXPIRED, at=at)
    assert judgement.trusted == claim(trusted)
    assert told(judgement) == findings


@pytest.mark.parametrize("at", [ENDS, ENDS + SECOND / 2])
def test_in_the_second_of_not_after_the_finding_says_what_the_verdict_says(at: datetime) -> None:
    # RFC 5280 §4.1.2.5 counts it as valid; OpenSSL does so from version 4 on.
    judgement = judge(EXPIRED, at=at)
    is_expired = judgement.trusted == claim("no")
    assert told(judgement) == (["certificate-expired error"] if is_expired else ["certificate-expires-soon warning"])


def test_a_no_on_dates_that_are_good_to_us_has_its_finding_too(monkeypatch: pytest.MonkeyPatch) -> None:
    # As OpenSSL 3 judges in the second of notAfter.
    expired = TrustResult(trusted=False, code=10, text="certificate has expired", depth=0)
    monkeypatch.setattr(TrustStore, "verify", lambda *_: expired)
    assert told(judge(LEAF)) == ["certificate-not-trusted error"]


def test_the_evidence_of_a_date_names_both_times() -> None:
    (expired,) = judge(EXPIRED).observations
    assert expired.evidence == "notAfter 2026-11-21T12:00:00.000Z, session at 2026-11-22T12:00:00.000Z"


def test_one_judge_judges_each_session_at_its_own_time() -> None:
    fingerprint = sha256(EXPIRED.der).hexdigest()
    chains = ChainJudge(ROOT.pem, {fingerprint: EXPIRED.der})
    times = [NOW - 30 * DAY, NOW, NOW - 30 * DAY]
    trusted = [chains.judge(served([fingerprint], at)).trusted.value for at in times]
    assert trusted == [VerdictValue.yes, VerdictValue.no, VerdictValue.yes]


# Names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server_name", "name"),
    [(MX, "yes"), ("mx2.example.org", "no"), ("example.org", "no"), (MX.upper(), "yes")],
)
def test_the_name_is_the_one_that_the_session_asked_for(server_name: str, name: str) -> None:
    assert judge(LEAF, server_name=server_name).name == claim(name)


def test_the_evidence_of_a_mismatch_names_a_few_of_the_names() -> None:
    many = issue("x.test", by=ROOT, extensions=[dns_names(*(f"mx{number}.test" for number in range(7)))])
    (mismatch,) = judge(many).observations
    assert mismatch.evidence == (
        f"the certificate is for mx0.test, mx1.test, mx2.test, mx3.test, mx4.test and 2 more, not for {MX}"
    )


def test_the_evidence_of_a_name_in_the_common_name_says_what_counts_instead() -> None:
    (named,) = judge(issue(by=ROOT)).observations
    assert named.evidence == f"the common name is {MX}, the subjectAltName is not: no DNS name at all"


def test_the_evidence_of_no_trust_is_openssls_number_words_and_place() -> None:
    (self_signed,) = judge(issue(extensions=NAMED)).observations
    assert self_signed.evidence == "OpenSSL 18: self-signed certificate (the leaf)"
    (expired,) = judge(issue(by=OLD, extensions=NAMED), OLD).observations
    assert expired.evidence == "OpenSSL 10: certificate has expired (certificate 1 of the path)"


# What is not there ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "found",
    [session(tls=None), session(tls=TlsRecord(alert="handshake failure")), served([])],
    ids=["no TLS", "a handshake that failed", "no certificate"],
)
def test_without_a_chain_there_is_nothing_to_judge(found: SessionRecord) -> None:
    judgement = ChainJudge(ROOT.pem, {}).judge(found)
    assert (judgement.trusted, judgement.name) == (claim("-"), claim("-"))
    assert judgement.observations == ()


@pytest.mark.parametrize("lost", ["leaf", "intermediate"])
def test_a_certificate_that_the_run_has_lost_makes_no_no(lost: str) -> None:
    leaf = issue(by=INTERMEDIATE, extensions=NAMED)
    kept = {"leaf": INTERMEDIATE, "intermediate": leaf}[lost]
    names = [sha256(one.der).hexdigest() for one in (leaf, INTERMEDIATE)]
    chains = ChainJudge(ROOT.pem, {sha256(kept.der).hexdigest(): kept.der})
    judgement = chains.judge(served(names))
    assert judgement.trusted == judgement.name == claim("?local_fault")
    assert judgement.observations == ()
