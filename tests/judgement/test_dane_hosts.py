"""DANE at one mail host: what its DNS requires, what was met there, and what is told of it."""

import pytest
from msgspec.structs import replace

from scanner.outcomes import AddressFlag, DnsStatus, HostFlag, Outcome, Stage
from scanner.policy.tlsa import TlsaRecord
from scanner.records import Host, TlsaLookup
from tests.policy.test_dane import tlsa

from .found import flagged, host, looked_up, mx, told
from .judged import judged
from .sessions import ADDRESS, MX, ended, masked, session, without_starttls
from .transport import (
    ANCHOR,
    BELOW_ANCHOR,
    EE,
    EE_OTHER,
    EXPIRED,
    FOR_DOMAIN,
    LEAF,
    OTHER_NAME,
    SELF_SIGNED,
    TA,
    UNUSABLE,
    Sessions,
    judged_host,
    secure_host,
    served,
)

HERE = {ADDRESS: served(LEAF)}
SECOND = "192.0.2.2"
FAILED, BOGUS, SILENT = DnsStatus.servfail, DnsStatus.bogus, DnsStatus.timed_out
REFUSED = ended(Stage.connect, Outcome.refused)
HANDSHAKE = ended(Stage.tls, Outcome.tls_failed)
TWO = (ADDRESS, SECOND)
#: Its TLSA lookup was never to be made.
INSECURE_ADDRESSES = secure_host(secure=False)
NO_ADDRESS = host(looked_up(status=DnsStatus.nxdomain), looked_up(status=DnsStatus.nxdomain))
BOGUS_ADDRESSES = host(looked_up(status=BOGUS), looked_up(status=BOGUS))


# fmt: off
ROWS: list[tuple[Host, Sessions, str, list[str], str]] = [
    # The DNS alone decides
    (INSECURE_ADDRESSES, HERE, "none opportunistic addresses_insecure", [], "its zone is not signed"),
    (secure_host(), HERE, "none opportunistic tlsa_absent", [], "signed, and nothing published"),
    (secure_host(EE, ad=False), HERE, "none opportunistic tlsa_insecure", [], "published by who does not sign"),
    (NO_ADDRESS, {}, "none undeliverable no_address", [], "a host that is not there is no matter of DANE"),
    (secure_host(status=FAILED, ad=None), HERE, "invalid undeliverable tlsa_lookup_failed dnssec-invalid",
     ["dnssec-invalid error"], "whoever can suppress TLSA must not be able to switch DANE off"),
    (secure_host(status=BOGUS, ad=None), HERE, "invalid undeliverable tlsa_lookup_failed dnssec-invalid",
     ["dnssec-invalid error"], "TLSA that do not validate"),
    (BOGUS_ADDRESSES, {}, "invalid undeliverable addresses_bogus dnssec-invalid",
     ["dnssec-invalid error"], "addresses that do not validate"),
    (secure_host(status=SILENT, ad=None), HERE, "unknown unknown own_lookup_failed own_lookup_failed", [],
     "a timeout is our own until shown otherwise"),
    (secure_host(secure=None), HERE, "unknown unknown not_validated not_validated", [], "the AD bit was not learnt"),
    (host(looked_up(status=SILENT), looked_up(status=SILENT)), {},
     "unknown unknown address_lookup_failed address_lookup_failed", [], "no address, and no answer"),
    # Usable records, and what was met
    (secure_host(EE), HERE, "valid authentication usable_records", [], "the record is of the certificate's key"),
    (secure_host(TA), {ADDRESS: served(BELOW_ANCHOR, ANCHOR)}, "valid authentication usable_records", [],
     "an anchor that is served"),
    (secure_host(tlsa("3 1 1", EXPIRED)), {ADDRESS: served(EXPIRED)}, "valid authentication usable_records", [],
     "dates do not count with DANE-EE"),
    (secure_host(EE, EE_OTHER), HERE, "valid authentication usable_records", ["dane-rollover notice"],
     "a key to come, or one that is gone"),
    (secure_host(EE_OTHER), HERE, "invalid authentication usable_records validation-failure",
     ["validation-failure error"], "a record of another key"),
    (secure_host(TA), HERE, "invalid authentication usable_records certificate-not-trusted",
     ["certificate-not-trusted error"], "the anchor is not served"),
    (secure_host(TA), {ADDRESS: served(FOR_DOMAIN, ANCHOR)},
     "invalid authentication usable_records certificate-host-mismatch",
     ["certificate-host-mismatch error"], "names count with DANE-TA"),
    (secure_host(EE), {ADDRESS: without_starttls()}, "invalid authentication usable_records starttls-not-supported",
     ["starttls-not-supported error"], "TLS is required, and is not there"),
    (secure_host(EE), {ADDRESS: HANDSHAKE}, "invalid authentication usable_records validation-failure",
     ["validation-failure error"], "TLS is required, and fails"),
    (secure_host(EE), {ADDRESS: REFUSED}, "unknown authentication usable_records refused", [], "not reached"),
    (secure_host(EE), {ADDRESS: masked()}, "unknown authentication usable_records masked", [],
     "what stands between us and it may not stand before others"),
    (secure_host(EE), {}, "unknown authentication usable_records not_yet_probed", [], "not asked yet"),
    (secure_host(EE, addresses=TWO), {ADDRESS: served(LEAF), SECOND: REFUSED},
     "valid authentication usable_records", [], "one that is not reached does not count beside one that is good"),
    (secure_host(EE, addresses=TWO), {ADDRESS: served(LEAF), SECOND: served(OTHER_NAME)},
     "invalid authentication usable_records validation-failure",
     ["validation-failure error"], "one where mail is lost does"),
    # Unusable records only
    (secure_host(UNUSABLE), HERE, "unusable encryption unusable_records tlsa-invalid", ["tlsa-invalid warning"],
     "PKIX usages have no meaning for mail"),
    (secure_host(UNUSABLE), {ADDRESS: without_starttls()},
     "invalid encryption unusable_records starttls-not-supported",
     ["tlsa-invalid warning", "starttls-not-supported error"], "they require TLS all the same"),
    (secure_host(UNUSABLE), {ADDRESS: REFUSED}, "unusable encryption unusable_records tlsa-invalid",
     ["tlsa-invalid warning"], "whatever is met there, nothing can be authenticated"),
    (secure_host(UNUSABLE, EE), HERE, "valid authentication usable_records", [], "beside a usable one they do no harm"),
]
# fmt: on


@pytest.mark.parametrize(("found", "sessions", "said", "findings", "why"), ROWS, ids=[row[-1] for row in ROWS])
def test_what_a_host_comes_to(found: Host, sessions: Sessions, said: str, findings: list[str], why: str) -> None:
    judgement = judged_host(found, sessions)
    record = judgement.dane.record
    assert record is not None
    words = (record.value, record.requirement, record.ground, *judgement.dane.reasons)
    assert " ".join(words) == said
    assert told(judgement.dane.findings) == [f"{one} {MX}" for one in findings]
    assert judgement.record.dane == record
    assert all(one in judgement.findings for one in judgement.dane.findings)


@pytest.mark.parametrize(
    ("records", "sessions", "matched", "unmatched", "uncompared"),
    [
        ((EE, EE_OTHER), HERE, [EE], [EE_OTHER], []),
        ((EE, UNUSABLE), HERE, [EE], [], [UNUSABLE]),
        ((EE, EE_OTHER), {}, [], [], [EE, EE_OTHER]),
        ((tlsa("3 1 2", LEAF), EE), HERE, [tlsa("3 1 2", LEAF)], [], [EE]),
        ((EE, EE, EE_OTHER), {ADDRESS: served(SELF_SIGNED)}, [], [EE, EE_OTHER], []),
    ],
    ids=["a rollover", "an unusable one", "nothing to compare with", "a weaker digest", "none matches"],
)
def test_every_record_is_in_one_of_three(
    records: tuple[TlsaRecord, ...],
    sessions: Sessions,
    matched: list[TlsaRecord],
    unmatched: list[TlsaRecord],
    uncompared: list[TlsaRecord],
) -> None:
    dane = judged_host(secure_host(*records), sessions).dane.record
    assert dane is not None
    assert dane.matched == tuple(map(str, matched))
    assert dane.unmatched == tuple(map(str, unmatched))
    assert dane.uncompared == tuple(map(str, uncompared))


def test_records_that_match_at_one_address_each_are_no_rollover() -> None:
    sessions = {ADDRESS: served(LEAF), SECOND: served(OTHER_NAME)}
    dane = judged_host(secure_host(EE, EE_OTHER, addresses=TWO), sessions).dane
    assert dane.record is not None
    assert (dane.value, dane.record.unmatched, dane.findings) == ("valid", (), ())


def test_the_evidence_names_records_and_addresses_and_the_session_proves_it() -> None:
    sessions = {ADDRESS: served(LEAF), SECOND: served(OTHER_NAME)}
    (finding,) = judged_host(secure_host(EE, addresses=TWO), sessions).dane.findings
    assert finding.evidence.startswith(f"DANE: no record matches the certificate served at {SECOND}; TLSA 3 1 1 ")
    assert finding.session == sessions[SECOND].session


def test_a_handshake_that_fails_is_told_apart_from_a_record_that_does_not_match() -> None:
    sessions = {ADDRESS: HANDSHAKE, SECOND: served(OTHER_NAME)}
    findings = judged_host(secure_host(EE, addresses=TWO), sessions).dane.findings
    assert told(findings) == 2 * [f"validation-failure error {MX}"]
    assert [one.evidence.partition(";")[0] for one in findings] == [
        f"DANE: the TLS handshake fails at {ADDRESS}",
        f"DANE: no record matches the certificate served at {SECOND}",
    ]


def test_the_name_of_the_domain_does_for_a_certificate_where_it_may() -> None:
    sessions = {ADDRESS: served(FOR_DOMAIN, ANCHOR)}
    assert judged_host(secure_host(TA), sessions).dane.needs_names
    with_names = judged_host(secure_host(TA), sessions, references=("example.org",))
    assert (with_names.dane.value, with_names.dane.needs_names) == ("valid", False)


@pytest.mark.parametrize(
    ("record", "severity", "why"),
    [(tlsa("3 1 1", SELF_SIGNED), "notice", "it is authenticated"), (EE, "error", "nothing vouches for it")],
)
def test_a_self_signed_certificate_that_tlsa_records_match_is_nothing_to_worry_about(
    record: TlsaRecord, severity: str, why: str
) -> None:
    judgement = judged_host(secure_host(record), {ADDRESS: served(SELF_SIGNED)})
    assert f"certificate-not-trusted {severity} {MX} [{ADDRESS}]" in told(judgement.findings)


def test_what_to_do_is_what_helps_senders_that_obey_dane() -> None:
    (lost,) = judged_host(secure_host(TA), HERE).dane.findings
    assert lost.kind == "certificate-not-trusted"
    assert "TLSA record" in lost.fix, "a certificate of a public authority would not help"
    matched = judged_host(secure_host(tlsa("3 1 1", SELF_SIGNED)), {ADDRESS: served(SELF_SIGNED)}).findings
    assert "publish its TLSA record before" in next(one for one in matched if one.kind == "certificate-not-trusted").fix


# Hosts of which nothing can be said -----------------------------------------------------------------


def test_without_a_validating_resolver_no_host_is_judged() -> None:
    for validates in (False, None):
        judgement = judged_host(secure_host(EE), HERE, validates=validates)
        assert (judgement.dane.value, judgement.dane.reasons) == ("unknown", ("no_validating_resolver",))
        assert judgement.record.dane is None


@pytest.mark.parametrize(
    ("one", "opt_out", "reason"),
    [
        (None, "", "not_yet_probed"),
        (None, MX, "opted_out"),
        (host(looked_up(status=DnsStatus.not_asked), looked_up(status=DnsStatus.not_asked)), "", "opted_out"),
    ],
)
def test_a_host_that_nobody_looked_up_is_unknown_for_that(one: Host | None, opt_out: str, reason: str) -> None:
    assert judged(one, opt_out=opt_out).dane.reasons == (reason,)


def test_the_text_of_an_address_is_no_host_that_could_have_dane() -> None:
    literal = mx("192.0.2.1", 10, HostFlag.mx_is_address_literal)
    dane = judged(None, of=literal).dane
    assert (dane.value, dane.record) == ("none", None)


def test_an_address_that_is_not_public_leaves_a_host_with_records_unknown() -> None:
    private = replace(secure_host(EE), a=replace(looked_up(flagged("10.0.0.1", AddressFlag.not_public)), ad=True))
    dane = judged_host(private).dane
    assert (dane.value, dane.reasons) == ("unknown", ("not_public",))


def test_a_session_is_held_under_the_base_domain_and_its_certificate_is_for_the_mail_host() -> None:
    base = "real.example.net"
    alias = replace(looked_up(ADDRESS, alias=base), ad=True)
    lookup = TlsaLookup(base_domain=base, dns_status=DnsStatus.ok, ad=True, records=(str(tlsa("3 1 1", LEAF)),))
    aliased = replace(secure_host(EE), a=alias, tlsa=(lookup,), tlsa_base_domain=base)
    sessions = {ADDRESS: served(LEAF)}
    judgement = judged_host(aliased, sessions, server_name=base)
    (address,) = judgement.record.addresses
    assert address.certificate is not None
    assert (address.certificate.name, judgement.dane.value) == ("matches", "valid")
    assert "certificate-host-mismatch" not in " ".join(told(judgement.findings))
    assert judgement.units[0].claims.certificate_name.value == "yes"


def test_a_session_without_a_chain_has_nothing_to_compare() -> None:
    dane = judged_host(secure_host(EE), {ADDRESS: session()}).dane
    assert dane.value == "unknown"
