"""DANE of a domain: its mail hosts together, and the MX records that lead to them."""

import pytest
from msgspec.structs import replace

from scanner.outcomes import DnsStatus, Outcome, PolicyValue, RouteFlag, RouteKind, Stage
from scanner.records import Domain, Host, PolicyVerdict

from .found import DOMAIN, mx, route, told
from .sessions import ADDRESS, MX, ended, without_starttls
from .transport import (
    ANCHOR,
    EE,
    FOR_DOMAIN,
    LEAF,
    TA,
    UNUSABLE,
    judged_domain,
    secure_host,
    served,
    to,
)

SECOND = "192.0.2.2"
VALID = secure_host(EE)
NOTHING = secure_host()
REFUSED = ended(Stage.connect, Outcome.refused)


def second(one: Host) -> Host:
    """Another host with the same answers, at another address."""
    name = "mx2.example.org"
    addresses = replace(one.a, addresses=secure_host(addresses=(SECOND,)).a.addresses)
    lookups = tuple(replace(lookup, base_domain=name) for lookup in one.tlsa or ())
    base = name if one.tlsa_base_domain is not None else None
    return replace(one, exchange=name, a=addresses, tlsa=lookups, tlsa_base_domain=base)


def judged(*hosts: Host, ad: bool | None = True, over_limit: int = 0) -> Domain:
    sessions = {(MX, ADDRESS): served(LEAF)}
    way = to(
        *(mx(one.exchange) for one in hosts),
        ad=ad,
        mx_total=len(hosts) + over_limit,
        flags=(RouteFlag.mx_over_limit,) if over_limit else (),
    )
    return judged_domain(*hosts, sessions=sessions, of=way)


def words(verdict: PolicyVerdict | None) -> str:
    assert verdict is not None
    return " ".join((verdict.value, *verdict.reasons))


# fmt: off
ROWS: list[tuple[list[Host], bool | None, int, str, str]] = [
    ([NOTHING], None, 0, "none", "no host has records: nobody asks whether MX is signed"),
    ([VALID], True, 0, "valid", "all is well"),
    ([VALID], False, 0, "unusable mx_insecure", "the list of hosts can be forged"),
    ([VALID], None, 0, "unknown mx_not_validated", "whether it can be was not learnt"),
    ([VALID, second(NOTHING)], True, 0, "valid", "a host without records is none of DANE's business"),
    ([VALID, second(UNUSABLE_HOST := secure_host(UNUSABLE))], True, 0, "unusable tlsa-invalid",
     "at one of them nothing is authenticated"),
    ([UNUSABLE_HOST], None, 0, "unusable tlsa-invalid", "nor at the only one"),
    ([VALID, second(secure_host(status=DnsStatus.servfail, ad=None))], True, 0, "invalid dnssec-invalid",
     "at one of them mail is lost"),
    ([VALID, second(secure_host(EE))], True, 0, "unknown not_yet_probed", "one was not reached: it may be wrong"),
    ([NOTHING, second(secure_host(status=DnsStatus.timed_out, ad=None))], None, 0, "unknown own_lookup_failed",
     "it may have records"),
    ([second(secure_host(status=DnsStatus.servfail, ad=None)), secure_host(status=DnsStatus.timed_out, ad=None)],
     None, 0, "invalid dnssec-invalid", "what is shown counts more than what is not known"),
    ([VALID], True, 5, "unknown over_limit", "hosts that were not examined"),
    ([NOTHING], None, 5, "unknown over_limit", "they may have records"),
]
# fmt: on


@pytest.mark.parametrize(("hosts", "ad", "over_limit", "said", "why"), ROWS, ids=[row[-1] for row in ROWS])
def test_what_hosts_come_to_together(hosts: list[Host], ad: bool | None, over_limit: int, said: str, why: str) -> None:
    assert words(judged(*hosts, ad=ad, over_limit=over_limit).verdicts.dane) == said


def test_that_mx_is_not_signed_is_told_of_hosts_that_are_protected_only() -> None:
    insecure = f"dane-mx-insecure notice {DOMAIN}"
    assert told(judged(VALID, ad=False).findings) == [insecure]
    assert told(judged(VALID, ad=True).findings) == []
    assert insecure not in told(judged(UNUSABLE_HOST, ad=False).findings)
    assert told(judged(NOTHING, ad=False).findings) == []


def test_without_a_validating_resolver_it_is_unknown_and_without_a_question_null() -> None:
    (verdict,) = {
        judged_domain(one, validates=False).verdicts.dane for one in (VALID, NOTHING, secure_host(secure=None))
    }
    assert words(verdict) == "unknown no_validating_resolver"
    assert judged_domain(VALID, validates=None).verdicts.dane is None


def test_mx_records_that_do_not_validate_are_invalid() -> None:
    bogus = route(RouteKind.dns_failure, dns_status=DnsStatus.bogus)
    verdicts = judged_domain(of=bogus).verdicts
    assert words(verdicts.dane) == "invalid dnssec-invalid"
    assert verdicts.delivery is not None
    assert (verdicts.delivery.dane.value, verdicts.delivery.opportunistic.value) == ("fails", "unknown")


@pytest.mark.parametrize("kind", [RouteKind.nxdomain, RouteKind.null_mx, RouteKind.no_mail_host, RouteKind.skipped])
def test_a_domain_without_mail_hosts_has_nowhere_to_publish_it(kind: RouteKind) -> None:
    assert judged_domain(of=route(kind)).verdicts.dane is None


@pytest.mark.parametrize(
    ("ad", "value", "why"),
    [
        (True, PolicyValue.valid, "RFC 7672 §3.2.2: the next-hop domain is a reference identifier"),
        (False, PolicyValue.invalid, "not if its MX records can be forged"),
    ],
)
def test_a_certificate_for_the_domain_does_below_an_anchor(ad: bool, value: PolicyValue, why: str) -> None:
    sessions = {(MX, ADDRESS): served(FOR_DOMAIN, ANCHOR)}
    record = judged_domain(secure_host(TA), sessions=sessions, of=to(mx(), ad=ad))
    assert record.verdicts.dane is not None
    assert record.verdicts.dane.value is value


def test_a_name_that_the_domain_is_an_alias_of_does_as_well() -> None:
    sessions = {(MX, ADDRESS): served(FOR_DOMAIN, ANCHOR)}
    way = to(mx(), ad=True, domain="alias.example.net", cname_chain=(DOMAIN,))
    assert words(judged_domain(secure_host(TA), sessions=sessions, of=way).verdicts.dane) == "valid"


def test_a_sender_that_insists_goes_past_a_host_that_fails_for_it() -> None:
    hosts = [VALID, second(NOTHING)]
    way = to(mx(MX, 10), mx("mx2.example.org", 20), ad=True)
    sessions = {(MX, ADDRESS): without_starttls(), ("mx2.example.org", SECOND): served(LEAF)}
    delivery = judged_domain(*hosts, sessions=sessions, of=way).verdicts.delivery
    assert delivery is not None
    assert delivery.dane.value == "delivers_encrypted"
    assert delivery.dane.failures == ("starttls-not-supported",)
    assert (delivery.opportunistic.value, delivery.opportunistic.failures) == ("delivers", ())
