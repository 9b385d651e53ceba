"""Findings in two runs: new and fixed only where the other run could have told them."""

import pytest
from msgspec.structs import replace

from scanner.changes.changes import compare_domains
from scanner.judgement.findings import finding
from scanner.outcomes import (
    Cause,
    DnsStatus,
    FindingKind,
    HostFlag,
    Outcome,
    PolicyStage,
    RouteFlag,
    RouteKind,
    SessionFlag,
    Severity,
    Stage,
)
from scanner.policy.tlsa import TlsaRecord
from scanner.records import Domain, Policy
from tests.judgement.found import DOMAIN, host, looked_up, mx, route
from tests.judgement.sessions import ADDRESS, MX, ended, masked, session, without_starttls
from tests.judgement.transport import (
    EE,
    EXPIRED,
    OTHER_NAME,
    STS_RECORD,
    UNUSABLE,
    broken_fetch,
    fetch,
    judged_domain,
    policy_text,
    published,
    secure_host,
    served,
    to,
    txt,
)

from .changed import GOOD, OTHER_MX, SECOND, of_kind, record, without_hosts

REFUSED = ended(Stage.connect, Outcome.refused)
SILENT = ended(Stage.connect, Outcome.timed_out)
ASKS_LATER = ended(Stage.greeting, Outcome.transient_negative)
NO_SERVICE = ended(Stage.greeting, Outcome.permanent_negative)
FAILED_HANDSHAKE = ended(Stage.tls, Outcome.tls_failed)
OVER = served(EXPIRED)
FAILED_LOOKUP = looked_up(status=DnsStatus.servfail)
FAILED_ROUTE = without_hosts(RouteKind.dns_failure, DnsStatus.servfail)
PLACE = f"at {MX} [{ADDRESS}]"


def told(before: Domain, after: Domain) -> list[str]:
    return of_kind(before, after, "finding_new", "finding_fixed", "finding_changed")


@pytest.mark.parametrize(
    ("before", "after", "effect", "why"),
    [
        (record(GOOD), record(OVER), "worse error", "seen before, and it was good"),
        (record(SILENT), record(OVER), "known_now error", "nobody saw a certificate before"),
        (record(REFUSED), record(OVER), "known_now error", "nor where nobody listened"),
        (record(None), record(OVER), "known_now error", "nor where nobody asked"),
        (record(without_starttls()), record(OVER), "known_now error", "nor where there was no TLS"),
        (FAILED_ROUTE, record(OVER), "known_now error", "nobody knew its mail hosts"),
        (without_hosts(RouteKind.nxdomain), record(OVER), "worse error", "it was not there before"),
        (record(GOOD, exchange=OTHER_MX), record(OVER), "worse error", "the mail host was not there before"),
        (record(at=host(looked_up(SECOND))), record(OVER), "worse error", "the address was not there before"),
        (record(at=host(FAILED_LOOKUP)), record(OVER), "known_now error", "nobody saw its addresses"),
    ],
)
def test_a_new_finding_is_worse_only_if_the_run_before_could_have_told_it(
    before: Domain, after: Domain, effect: str, why: str
) -> None:
    assert f"{effect} finding_new certificate-expired {PLACE}" in told(before, after)


def over_limit(one: Domain) -> Domain:
    (mail_host,) = one.mail_hosts
    return replace(one, mail_hosts=(replace(mail_host, flags=(HostFlag.addresses_over_limit,)),))


@pytest.mark.parametrize(
    ("before", "after", "effect", "why"),
    [
        (record(OVER), record(GOOD), "better error", "seen, and good"),
        (record(OVER), record(SILENT), "not_known error", "nobody saw a certificate"),
        (record(OVER), record(None), "not_known error", "nobody asked"),
        (record(OVER), record(without_starttls()), "not_known error", "no TLS, no certificate"),
        (record(OVER), FAILED_ROUTE, "not_known error", "nobody knows its mail hosts"),
        (record(OVER), record(at=host(FAILED_LOOKUP)), "not_known error", "nobody saw its addresses"),
        (record(OVER), without_hosts(RouteKind.nxdomain), "other error", "it went with the domain"),
        (record(OVER), record(GOOD, exchange=OTHER_MX), "other error", "it went with the mail host"),
        (record(OVER), record(at=host(looked_up(SECOND))), "other error", "it went with the address"),
        (
            record(OVER),
            over_limit(record(at=host(looked_up(SECOND)))),
            "not_known error",
            "it may be one of the addresses that were not examined",
        ),
        (
            record(OVER),
            record(GOOD, exchange=OTHER_MX, of=to(mx(OTHER_MX), flags=(RouteFlag.mx_over_limit,))),
            "not_known error",
            "it may be one of the hosts that were not examined",
        ),
    ],
)
def test_a_finding_is_fixed_only_if_the_run_after_could_have_told_it(
    before: Domain, after: Domain, effect: str, why: str
) -> None:
    assert f"{effect} finding_fixed certificate-expired {PLACE}" in told(before, after)


@pytest.mark.parametrize(
    ("before", "after", "lines", "why"),
    [
        (
            record(REFUSED),
            record(ASKS_LATER),
            ["not_known warning finding_new temporary-refusal", "better error finding_fixed connection-refused"],
            "it came further than that",
        ),
        (
            record(ASKS_LATER),
            record(REFUSED),
            ["worse error finding_new connection-refused", "known_now warning finding_fixed temporary-refusal"],
            "it had come further than that",
        ),
        (
            record(REFUSED),
            record(SILENT),
            ["not_known error finding_fixed connection-refused", "not_known warning finding_new timed-out"],
            "it may still be refused",
        ),
        (
            record(SILENT),
            record(REFUSED),
            ["known_now error finding_new connection-refused", "known_now warning finding_fixed timed-out"],
            "it may have been refused before",
        ),
        (
            record(SILENT),
            record(ended(Stage.greeting, Outcome.reset)),
            ["other warning finding_new connection-reset", "other warning finding_fixed timed-out"],
            "neither is known",
        ),
        (record(None), record(SILENT), ["other warning finding_new timed-out"], "nor when nobody asked"),
        (
            record(without_starttls()),
            record(FAILED_HANDSHAKE),
            ["worse error finding_new tls-handshake-failed", "better error finding_fixed starttls-not-supported"],
            "offered now, and it does not work",
        ),
        (
            record(without_starttls()),
            record(NO_SERVICE),
            ["worse error finding_new service-refused", "not_known error finding_fixed starttls-not-supported"],
            "what it offers was not said any more",
        ),
        (
            record(GOOD),
            record(replace(NO_SERVICE, about_us=True, cause=Cause.blocklisted)),
            ["not_known warning finding_new refused-us"],
            "that is about us",
        ),
        (record(GOOD), record(masked()), ["not_known warning finding_new starttls-masked"], "a middlebox hides it"),
        (
            record(GOOD),
            record(replace(GOOD, flags=(SessionFlag.bare_lf,))),
            ["other notice finding_new bare-lf"],
            "a notice is worth knowing and no more",
        ),
        (
            record(replace(GOOD, flags=(SessionFlag.bare_lf,))),
            record(GOOD),
            ["other notice finding_fixed bare-lf"],
            "and so is its end",
        ),
        (
            record(replace(GOOD, flags=(SessionFlag.bare_lf,))),
            record(SILENT),
            ["not_known warning finding_new timed-out", "not_known notice finding_fixed bare-lf"],
            "nobody heard its lines",
        ),
    ],
)
def test_ends_of_sessions_are_compared_by_how_far_they_came(
    before: Domain, after: Domain, lines: list[str], why: str
) -> None:
    assert told(before, after) == [f"{line} {PLACE}" for line in lines]


def test_what_is_said_of_the_domain_names_no_subject() -> None:
    assert told(record(GOOD), FAILED_ROUTE) == ["not_known warning finding_new dns-failure"]
    assert told(FAILED_ROUTE, record(GOOD)) == ["known_now warning finding_fixed dns-failure"]


def test_a_finding_at_the_implicit_mx_is_of_that_host() -> None:
    way = route(RouteKind.implicit_mx, mx(DOMAIN, None))
    good, over = (record(one, exchange=DOMAIN, of=way) for one in (GOOD, OVER))
    assert f"worse error finding_new certificate-expired at {DOMAIN} [{ADDRESS}]" in told(good, over)


# Mail hosts -------------------------------------------------------------------------------------------

NO_ADDRESS = record(at=host())


def test_a_host_without_addresses_is_told_and_so_is_its_repair() -> None:
    assert told(record(GOOD), NO_ADDRESS) == [f"worse error finding_new mx-has-no-address at {MX}"]
    assert told(NO_ADDRESS, record(GOOD)) == [f"better error finding_fixed mx-has-no-address at {MX}"]


def test_a_host_that_could_not_be_looked_up_may_have_addresses_or_not() -> None:
    failed = record(at=host(FAILED_LOOKUP, FAILED_LOOKUP))
    assert told(NO_ADDRESS, failed) == [
        f"not_known error finding_fixed mx-has-no-address at {MX}",
        f"not_known warning finding_new mx-lookup-failed at {MX}",
    ]
    assert told(failed, NO_ADDRESS) == [
        f"known_now error finding_new mx-has-no-address at {MX}",
        f"known_now warning finding_fixed mx-lookup-failed at {MX}",
    ]


def test_servers_that_differ_are_alike_again_only_if_all_were_heard() -> None:
    differing = record(GOOD, without_starttls())
    line = f"finding_fixed pool-members-differ at {MX}"
    assert f"better warning {line}" in told(differing, record(GOOD, GOOD))
    assert f"not_known warning {line}" in told(differing, record(GOOD, SILENT))
    assert f"other warning {line}" in told(differing, NO_ADDRESS)


def secured(tlsa: TlsaRecord, *, validates: bool = True) -> Domain:
    return judged_domain(secure_host(tlsa), sessions={(MX, ADDRESS): GOOD}, validates=validates)


def test_tlsa_records_are_compared_only_where_they_were_validated() -> None:
    line = f"tlsa-invalid at {MX}"
    assert told(secured(EE), secured(UNUSABLE)) == [f"worse warning finding_new {line}"]
    assert told(secured(UNUSABLE), secured(EE)) == [f"better warning finding_fixed {line}"]
    assert told(secured(UNUSABLE, validates=False), secured(UNUSABLE)) == [f"known_now warning finding_new {line}"]
    assert told(secured(UNUSABLE), secured(UNUSABLE, validates=False)) == [f"not_known warning finding_fixed {line}"]


# Policies ---------------------------------------------------------------------------------------------


def fetched(policy: Policy | None = None, text: str = STS_RECORD) -> Domain:
    way = to(mx(), mta_sts=txt(text))
    return record(GOOD, of=way, policies=published(policy or fetch()))


def test_a_policy_that_could_not_be_fetched_this_time_is_not_broken() -> None:
    redirected = fetched(fetch("", http_status=302))
    broken_off = fetched(broken_fetch(PolicyStage.connect, Outcome.timed_out))
    assert told(fetched(), redirected) == ["worse error finding_new sts-policy-fetch-error"]
    assert told(redirected, fetched()) == ["better error finding_fixed sts-policy-fetch-error"]
    assert told(fetched(), broken_off) == ["not_known warning finding_new sts-policy-fetch-error"]
    assert told(broken_off, redirected) == ["known_now error finding_changed sts-policy-fetch-error: warning → error"]
    assert told(redirected, broken_off) == ["not_known warning finding_changed sts-policy-fetch-error: error → warning"]


def test_a_host_is_not_under_a_policy_again_before_that_is_known() -> None:
    other = fetched(fetch(policy_text("enforce", "mx9.example.org")))
    broken_off = fetched(broken_fetch(PolicyStage.connect, Outcome.timed_out))
    assert told(fetched(), other) == [f"worse error finding_new validation-failure at {MX}"]
    assert told(other, fetched()) == [f"better error finding_fixed validation-failure at {MX}"]
    assert f"not_known error finding_fixed validation-failure at {MX}" in told(other, broken_off)


def test_a_policy_that_nobody_looked_for_is_not_repaired() -> None:
    invalid = fetched(text="v=STSv1; id=")
    assert told(invalid, record(GOOD)) == ["not_known error finding_fixed sts-policy-invalid"]
    assert told(record(GOOD), invalid) == ["known_now error finding_new sts-policy-invalid"]
    assert "other error finding_fixed sts-policy-invalid" in told(invalid, without_hosts(RouteKind.null_mx))


# Severity ---------------------------------------------------------------------------------------------


def with_findings(*severities: Severity) -> Domain:
    kind = FindingKind.certificate_expired
    found = tuple(finding(kind, severity, f"{MX} [{ADDRESS}]", f"{severity}") for severity in severities)
    return replace(record(session()), findings=found)


E, W, N = Severity.error, Severity.warning, Severity.notice


@pytest.mark.parametrize(
    ("before", "after", "line", "why"),
    [
        ((N,), (E,), "worse error finding_changed certificate-expired PLACE: notice → error", "severer"),
        ((E,), (N,), "better notice finding_changed certificate-expired PLACE: error → notice", "less severe"),
        ((E,), (E,), "", "the same"),
        ((N, E), (E, N), "", "of several alike the severest counts"),
        ((W, N), (N, E), "worse error finding_changed certificate-expired PLACE: warning → error", "here too"),
    ],
)
def test_a_finding_of_another_severity_is_told(
    before: tuple[Severity, ...], after: tuple[Severity, ...], line: str, why: str
) -> None:
    lines = told(with_findings(*before), with_findings(*after))
    assert lines == ([line.replace("PLACE", PLACE)] if line else [])


def test_other_evidence_of_the_same_finding_is_no_change() -> None:
    after = with_findings(E)
    (found,) = after.findings
    assert told(with_findings(E), replace(after, findings=(replace(found, evidence="another day"),))) == []


def test_a_change_has_the_evidence_and_the_session_of_its_finding() -> None:
    before, after = record(GOOD), record(served(OTHER_NAME, session="fedcba9876543210.1.survey"))
    (change,) = [one for one in compare_domains(before, after) if one.kind == "finding_new"]
    assert change.evidence == "the common name is mx1.example.org, the subjectAltName is not: other.example.net"
    assert change.session == "fedcba9876543210.1.survey"
