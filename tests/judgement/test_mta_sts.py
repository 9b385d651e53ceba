"""MTA-STS of a domain: from its TXT record to a verdict, a policy, and what senders go by."""

import pytest
from msgspec.structs import replace

from scanner.judgement.mta_sts import judge_mta_sts
from scanner.outcomes import AddressFlag, DnsStatus, Outcome, PolicyStage
from scanner.records import Host, JudgedPolicy, Policy, TxtLookup

from .found import DOMAIN, NO_DATA, flagged, looked_up, options, told
from .sessions import MX
from .transport import POLICY_HOST, STS_RECORD, broken_fetch, fetch, policy_host, policy_text, published, txt

RECORD, HOST = f"_mta-sts.{DOMAIN}", POLICY_HOST
FETCH_ERROR = "sts-policy-fetch-error"
NOWHERE = looked_up()


def points_to(address: str, *flags: AddressFlag) -> Host:
    return policy_host(a=looked_up(flagged(address, *flags)))


def no_host(status: DnsStatus) -> Host:
    return policy_host(a=looked_up(status=status), aaaa=looked_up(status=status))


# fmt: off
ROWS: list[tuple[TxtLookup | None, Host | None, Policy | None, str, list[str], str]] = [
    # The record
    (None, None, None, "-", [], "nobody asked"),
    (txt(status=DnsStatus.nxdomain), None, None, "none", [], "there is no such name"),
    (txt(status=NO_DATA), None, None, "none", [], "there is no TXT"),
    (txt("v=spf1 -all"), None, None, "none", [], "a wildcard's record"),
    (txt(status=DnsStatus.servfail), None, None, "unknown servfail", [], "a failed lookup is no absence"),
    (txt(status=DnsStatus.local_fault), None, None, "unknown local_fault", [], "least of all our own"),
    (txt("v=STSv1; id=;"), None, None, "invalid sts-policy-invalid", [f"sts-policy-invalid error {RECORD}"], "no id"),
    (txt(STS_RECORD, STS_RECORD), None, None, "invalid sts-policy-invalid", [f"sts-policy-invalid error {RECORD}"],
     "two records: senders take neither"),
    # The policy host
    (txt(STS_RECORD), None, None, "unknown not_yet_probed", [], "not looked up yet"),
    (txt(STS_RECORD), policy_host(), None, "unknown not_yet_probed", [], "not fetched yet"),
    (txt(STS_RECORD), no_host(DnsStatus.nxdomain), None, f"invalid {FETCH_ERROR}", [f"{FETCH_ERROR} error {HOST}"],
     "a record, and no host"),
    (txt(STS_RECORD), no_host(NO_DATA), None, f"invalid {FETCH_ERROR}", [f"{FETCH_ERROR} error {HOST}"], "no address"),
    (txt(STS_RECORD), no_host(DnsStatus.servfail), None, "unknown servfail", [f"{FETCH_ERROR} warning {HOST}"],
     "its lookup failed"),
    (txt(STS_RECORD), policy_host(a=NOWHERE, aaaa=looked_up(status=DnsStatus.timed_out)), None, "unknown timed_out",
     [f"{FETCH_ERROR} warning {HOST}"], "one of its lookups failed"),
    (txt(STS_RECORD), no_host(DnsStatus.local_fault), None, "unknown local_fault", [], "by a fault of ours"),
    (txt(STS_RECORD), no_host(DnsStatus.not_asked), None, "unknown opted_out", [], "it wants to be left alone"),
    (txt(STS_RECORD), points_to("10.0.0.1", AddressFlag.not_public), None, f"invalid {FETCH_ERROR}",
     [f"{FETCH_ERROR} error {HOST}"], "nobody outside can fetch it there"),
    (txt(STS_RECORD), points_to("192.0.2.80", AddressFlag.own_address), None, "unknown own_address", [], "that is us"),
    (txt(STS_RECORD), points_to("192.0.2.80", AddressFlag.opted_out), None, "unknown opted_out", [], "opted out"),
    # The fetch
    (txt(STS_RECORD), policy_host(), fetch(), "valid", [], "a policy"),
    (txt(STS_RECORD), policy_host(), fetch(policy_text("none")), "unusable mode_none", [], "one that asks for nothing"),
    (txt(STS_RECORD), policy_host(), fetch(http_status=404), f"invalid {FETCH_ERROR}",
     [f"{FETCH_ERROR} error {HOST}"], "not there"),
    (txt(STS_RECORD), policy_host(), broken_fetch(PolicyStage.tls, Outcome.timed_out), "unknown timed_out",
     [f"{FETCH_ERROR} warning {HOST}"], "no answer"),
]
# fmt: on


@pytest.mark.parametrize(("record", "host", "policy", "said", "findings", "why"), ROWS, ids=[row[-1] for row in ROWS])
def test_what_is_published_and_whether_it_holds(
    record: TxtLookup | None, host: Host | None, policy: Policy | None, said: str, findings: list[str], why: str
) -> None:
    judgement = judge_mta_sts(DOMAIN, record, published(policy, host), options())
    verdict = judgement.verdict
    assert (" ".join((verdict.value, *verdict.reasons)) if verdict is not None else "-") == said
    assert told(judgement.findings) == findings
    # Senders: an unknown policy makes unknown what they do, a broken one is none.
    value = said.partition(" ")[0]
    assert judgement.facts.is_known is (value not in ("-", "unknown"))
    assert (judgement.facts.failure is not None) is (value == "invalid")
    assert (judgement.policy is not None) is (value in ("valid", "unusable"))
    assert (judgement.in_force is not None) is (value == "valid")


def test_the_policy_of_the_record_is_as_senders_read_it() -> None:
    text = policy_text("testing", MX.upper(), "*.example.net")
    judgement = judge_mta_sts(DOMAIN, txt(STS_RECORD), published(fetch(text), policy_host()), options())
    expected = JudgedPolicy(id="20261122", mode=judgement.policy.mode, max_age_s=604800, mx=(MX, "*.example.net"))  # type: ignore[union-attr]
    assert judgement.policy == expected
    assert expected.mode == "testing"


def test_a_record_may_be_cut_into_strings() -> None:
    cut = TxtLookup(dns_status=DnsStatus.ok, records=(("v=STS", "v1; id=20261122", ";"),))
    judgement = judge_mta_sts(DOMAIN, cut, published(fetch(), policy_host()), options())
    assert judgement.verdict is not None
    assert judgement.verdict.value == "valid"


@pytest.mark.parametrize("who", [POLICY_HOST, "192.0.2.80", DOMAIN])
def test_who_opted_out_later_is_left_alone(who: str) -> None:
    judgement = judge_mta_sts(DOMAIN, txt(STS_RECORD), published(None, policy_host()), options(opt_out=who))
    assert judgement.verdict is not None
    assert judgement.verdict.reasons == ("opted_out",)


def test_a_policy_host_with_ipv6_alone_is_unknown_where_there_is_none() -> None:
    ipv6 = policy_host(a=NOWHERE, aaaa=looked_up("2001:db8::80"))
    judgement = judge_mta_sts(DOMAIN, txt(STS_RECORD), published(None, ipv6), options(no_ipv6=True))
    assert judgement.verdict is not None
    assert judgement.verdict.reasons == ("no_ipv6",)


def test_an_address_that_was_withdrawn_is_no_address() -> None:
    withdrawn = points_to("192.0.2.80", AddressFlag.address_withdrawn)
    gone = replace(withdrawn, a=replace(withdrawn.a, dns_status=NO_DATA))
    judgement = judge_mta_sts(DOMAIN, txt(STS_RECORD), published(None, gone), options())
    assert told(judgement.findings) == [f"{FETCH_ERROR} error {HOST}"]


@pytest.mark.parametrize(
    ("policy", "is_known"),
    [(fetch(http_status=404), True), (broken_fetch(PolicyStage.tls, Outcome.timed_out), False)],
)
def test_what_to_do_takes_nothing_for_granted_that_is_not_known(policy: Policy, *, is_known: bool) -> None:
    (finding,) = judge_mta_sts(DOMAIN, txt(STS_RECORD), published(policy, policy_host()), options()).findings
    assert finding.fix.startswith("Senders cannot fetch") is is_known
    assert ("is not known" in finding.fix) is not is_known
