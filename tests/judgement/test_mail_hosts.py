"""Sets of mail hosts: judged once for all domains that share them, whatever these publish."""

from typing import Any

import pytest
from msgspec.structs import replace

from scanner.judgement import mail_hosts
from scanner.judgement.domains import judge_domain
from scanner.judgement.hosts import judge_host
from scanner.outcomes import DnsStatus

from .found import found, host, lines, looked_up, mx
from .sessions import ADDRESS, MX, without_starttls
from .transport import CERTIFICATES, EE, LEAF, TA, judged_domain, secure_host, served, to, txt

HOST = host(looked_up(ADDRESS))
ABSENT = txt(status=DnsStatus.nxdomain)


@pytest.fixture
def judged_hosts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the mail hosts that were judged, in order."""
    names: list[str] = []

    def counting(one: Any, *rest: Any) -> Any:
        names.append(one.exchange)
        return judge_host(one, *rest)

    monkeypatch.setattr(mail_hosts, "judge_host", counting)
    return names


def test_domains_with_the_same_mx_records_share_one_judgement(judged_hosts: list[str]) -> None:
    run = found(HOST, sessions={(MX, ADDRESS): served(LEAF)}, certificates=CERTIFICATES)
    first, second = (
        judge_domain(lines(), to(mx(), domain=name, mta_sts=ABSENT, tls_rpt=ABSENT), run)
        for name in ("one.example", "two.example")
    )
    assert judged_hosts == [MX]
    assert first.mail_hosts is second.mail_hosts
    # Without policies, and with a certificate for neither, all that is said of them is one value.
    assert first.verdicts is second.verdicts


def test_what_domains_publish_is_theirs_alone() -> None:
    run = found(HOST, sessions={(MX, ADDRESS): served(LEAF)}, certificates=CERTIFICATES)
    said = [
        judge_domain(lines(), to(mx(), mta_sts=record, tls_rpt=record), run).verdicts
        for record in (ABSENT, None, txt(status=DnsStatus.servfail), txt("v=STSv1; id=;"), ABSENT)
    ]
    assert [one.mta_sts.value if one.mta_sts else None for one in said] == ["none", None, "unknown", "invalid", "none"]
    assert [one.tls_rpt.value if one.tls_rpt else None for one in said] == ["none", None, "unknown", "none", "none"]
    assert [one.delivery.mta_sts.value if one.delivery else None for one in said] == [
        "delivers_encrypted",
        "unknown",
        "unknown",
        "delivers_encrypted",
        "delivers_encrypted",
    ]


def test_where_reports_go_is_theirs_alone_too() -> None:
    run = found(HOST)
    records = (ABSENT, None, txt("v=TLSRPTv1; rua=mailto:a@example.org"), ABSENT)
    said = [judge_domain(lines(), to(mx(), mta_sts=ABSENT, tls_rpt=one), run).verdicts.tls_rpt for one in records]
    assert [one.value if one else None for one in said] == ["none", None, "valid", "none"]


def test_whether_mx_is_signed_is_the_domains_own(judged_hosts: list[str]) -> None:
    run = found(secure_host(EE), sessions={(MX, ADDRESS): served(LEAF)}, certificates=CERTIFICATES, validates=True)
    values = []
    for ad in (True, False, None, True):
        dane = judge_domain(lines(), to(mx(), ad=ad, mta_sts=ABSENT), run).verdicts.dane
        values.append(dane.value if dane else None)
    assert values == ["valid", "unusable", "unknown", "valid"]
    assert judged_hosts == [MX]


def test_a_domain_whose_own_name_may_do_is_judged_by_itself(judged_hosts: list[str]) -> None:
    run = found(secure_host(TA), sessions={(MX, ADDRESS): served(LEAF)}, certificates=CERTIFICATES, validates=True)
    judge_domain(lines(), to(mx(), ad=True), run)
    # The anchor is not there: no name would help.
    assert judged_hosts == [MX]


def test_sets_that_are_kept_have_a_bound(monkeypatch: pytest.MonkeyPatch, judged_hosts: list[str]) -> None:
    monkeypatch.setattr(mail_hosts, "MAX_JUDGED", 1)
    run = found(HOST)
    for preference in (10, 20, 10):
        judge_domain(lines(), to(mx(MX, preference)), run)
    assert len(judged_hosts) == 3


def test_findings_on_policies_come_after_those_on_hosts() -> None:
    insecure = replace(secure_host(EE), aaaa=looked_up())
    record = judged_domain(
        insecure,
        sessions={(MX, ADDRESS): without_starttls()},
        of=to(mx(), ad=False, mta_sts=txt("v=STSv1; id=;"), tls_rpt=txt("v=TLSRPTv1;")),
    )
    assert [one.kind.value for one in record.findings] == [
        "starttls-not-supported",
        "starttls-not-supported",
        "dane-mx-insecure",
        "sts-policy-invalid",
        "tls-rpt-invalid",
    ]
    assert [one.subject for one in record.findings[:2]] == [MX, f"{MX} [{ADDRESS}]"]
