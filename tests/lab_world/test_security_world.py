"""What the embedded world expects of transport security agrees with itself: certificates, policies, delivery."""

from collections import Counter

from scanner.lab.world import Entry
from scanner.outcomes import PolicyValue, VerdictValue
from scanner.policy.senders import Delivery
from scanner.policy.tls_discovery import Ground, Requirement
from scanner.records import Domain, JudgedCertificate, PolicyVerdict
from scanner.tls.identity import NameMatch

from .entries import each_entry, record_of


def certificates_of(record: Domain) -> list[JudgedCertificate]:
    addresses = [address for host in record.mail_hosts for address in host.addresses]
    return [address.certificate for address in addresses if address.certificate is not None]


@each_entry
def test_the_verdicts_on_certificates_count_what_stands_at_the_addresses(entry: Entry) -> None:
    record = record_of(entry)
    certificates = certificates_of(record)
    trusted, name = record.verdicts.certificate_trusted, record.verdicts.certificate_name
    counted = Counter(certificate.trusted for certificate in certificates)
    assert (counted[True], counted[False]) == (trusted.yes, trusted.no)
    matches = sum(certificate.name is NameMatch.matches for certificate in certificates)
    assert (matches, len(certificates) - matches) == (name.yes, name.no)


@each_entry
def test_a_certificate_has_a_code_of_openssl_where_it_is_not_trusted_and_nowhere_else(entry: Entry) -> None:
    for certificate in certificates_of(record_of(entry)):
        assert (certificate.code == 0) == certificate.trusted == certificate.reason.startswith("trusted")


@each_entry
def test_an_invalid_policy_has_its_findings_and_whatever_is_not_simple_its_reason(entry: Entry) -> None:
    record = record_of(entry)
    told = {finding.kind.value for finding in record.findings}
    for verdict in policies_of(record):
        if verdict.value is PolicyValue.invalid:
            assert set(verdict.reasons) <= told
        is_simple = verdict.value in (PolicyValue.none, PolicyValue.valid)
        assert bool(verdict.reasons) != is_simple


def policies_of(record: Domain) -> list[PolicyVerdict]:
    verdicts = (record.verdicts.dane, record.verdicts.mta_sts, record.verdicts.tls_rpt)
    return [verdict for verdict in verdicts if verdict is not None]


@each_entry
def test_dane_of_a_domain_follows_from_its_hosts(entry: Entry) -> None:
    record = record_of(entry)
    values = {host.dane.value for host in record.mail_hosts if host.dane is not None}
    verdict = record.verdicts.dane
    if verdict is not None and values:
        assert (PolicyValue.invalid in values) == (verdict.value is PolicyValue.invalid)
        assert verdict.value is not PolicyValue.valid or PolicyValue.valid in values


@each_entry
def test_records_are_shown_where_they_were_found_and_compared_where_they_can_be_used(entry: Entry) -> None:
    for host in record_of(entry).mail_hosts:
        if host.dane is None:
            continue
        compared = (*host.dane.matched, *host.dane.unmatched)
        was_found = host.dane.ground in (Ground.usable_records, Ground.unusable_records)
        assert bool(compared or host.dane.uncompared) == was_found
        assert not compared or host.dane.ground is Ground.usable_records
        assert host.dane.value is not PolicyValue.valid or host.dane.matched
        assert host.dane.base_domain is not None or host.dane.requirement is not Requirement.authentication


@each_entry
def test_a_policy_stands_in_the_record_where_one_was_read(entry: Entry) -> None:
    record = record_of(entry)
    verdict = record.verdicts.mta_sts
    if record.policy is None:
        assert verdict is None or verdict.value not in (PolicyValue.valid, PolicyValue.unusable)
    else:
        assert verdict is not None
        assert not any(reason.startswith("sts-") for reason in verdict.reasons)


@each_entry
def test_no_sender_delivers_better_than_there_is_tls_nor_where_nobody_listens(entry: Entry) -> None:
    verdicts = record_of(entry).verdicts
    if verdicts.delivery is None:
        assert verdicts.reachable.value is VerdictValue.not_applicable
        return
    senders = (verdicts.delivery.opportunistic, verdicts.delivery.dane, verdicts.delivery.mta_sts)
    values = {sender.value for sender in senders}
    if verdicts.smtp.yes == 0:
        assert values <= {Delivery.fails, Delivery.unknown}
    if verdicts.starttls.yes == 0:
        assert not values & {Delivery.delivers_encrypted, Delivery.delivers_authenticated}
    assert verdicts.delivery.opportunistic.failures == ()
    assert all(sender.complete for sender in senders if sender.value is Delivery.fails)


@each_entry
def test_senders_come_to_different_ends_only_where_a_policy_tells_them_to(entry: Entry) -> None:
    verdicts = record_of(entry).verdicts
    if verdicts.delivery is None:
        return
    quiet = (None, PolicyValue.none)
    if (verdicts.dane and verdicts.dane.value) in quiet:
        assert verdicts.delivery.dane == verdicts.delivery.opportunistic
    if (verdicts.mta_sts and verdicts.mta_sts.value) in quiet:
        assert verdicts.delivery.mta_sts == verdicts.delivery.opportunistic
