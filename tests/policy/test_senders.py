"""What becomes of a message: three kinds of senders at one place, and over all places of a domain."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.policy.dane import Authentication, DaneResult
from scanner.policy.mta_sts import StsMode, StsPolicy
from scanner.policy.result_types import ResultType
from scanner.policy.senders import (
    Certificate,
    Delivery,
    DomainDelivery,
    PlaceDelivery,
    PlaceFacts,
    Starttls,
    StsFacts,
    dane,
    deliver,
    mta_sts,
    opportunistic,
)
from scanner.policy.tls_discovery import DaneDecision, Ground, MxSecurity, Requirement
from scanner.policy.tlsa import TlsaRecord
from tests.properties import SAME_EVERYWHERE

EXCHANGE = "mx1.example.org"
RECORD = TlsaRecord(3, 1, 1, b"\x01" * 32)

PLAIN = DaneDecision(Requirement.opportunistic, Ground.tlsa_absent)
ENCRYPT = DaneDecision(Requirement.encryption, Ground.unusable_records, EXCHANGE, failure=ResultType.tlsa_invalid)
AUTHENTICATE = DaneDecision(Requirement.authentication, Ground.usable_records, EXCHANGE, (RECORD,))
LOOKUP_FAILED = DaneDecision(
    Requirement.undeliverable, Ground.tlsa_lookup_failed, EXCHANGE, failure=ResultType.dnssec_invalid
)
NO_ADDRESS = DaneDecision(Requirement.undeliverable, Ground.no_address)
NOT_VALIDATED = DaneDecision(Requirement.unknown, Ground.not_validated)

MATCHED = DaneResult(Authentication.authenticated, (RECORD,))
NOT_MATCHED = DaneResult(Authentication.not_matched, (), (RECORD,), ResultType.validation_failure)

ENFORCE = StsFacts(policy=StsPolicy(mode=StsMode.enforce, max_age_s=1, mx_patterns=("*.example.org",)))
TESTING = StsFacts(policy=StsPolicy(mode=StsMode.testing, max_age_s=1, mx_patterns=("*.example.org",)))
MODE_NONE = StsFacts(policy=StsPolicy(mode=StsMode.none, max_age_s=1, mx_patterns=()))
OTHER_HOSTS = StsFacts(policy=StsPolicy(mode=StsMode.enforce, max_age_s=1, mx_patterns=("*.example.net",)))
OTHER_HOSTS_TESTING = StsFacts(policy=StsPolicy(mode=StsMode.testing, max_age_s=1, mx_patterns=("*.example.net",)))
NO_STS = StsFacts()
NOT_FETCHED = StsFacts(failure=ResultType.sts_policy_fetch_error)
STS_UNKNOWN = StsFacts(is_known=False)

DELIVERS, ENCRYPTED, AUTHENTICATED, FAILS, UNKNOWN = (
    Delivery.delivers,
    Delivery.delivers_encrypted,
    Delivery.delivers_authenticated,
    Delivery.fails,
    Delivery.unknown,
)


def place(
    starttls: str = "done",
    certificate: str = "trusted",
    decision: DaneDecision = PLAIN,
    result: DaneResult | None = None,
    *,
    takes_mail: bool | None = True,
) -> PlaceFacts:
    return PlaceFacts(
        exchange=EXCHANGE,
        takes_mail=takes_mail,
        starttls=Starttls(starttls),
        certificate=Certificate(certificate),
        dane_decision=decision,
        dane_result=result,
    )


DOWN, NOT_SEEN = place("unknown", "unknown", takes_mail=False), place("unknown", "unknown", takes_mail=None)


@pytest.mark.parametrize(
    ("facts", "delivery", "why"),
    [
        (place("done", "not_trusted"), ENCRYPTED, "any certificate will do"),
        (place("not_offered"), DELIVERS, "in the clear"),
        (place("failed"), DELIVERS, "once more, in the clear"),
        (place("unknown"), UNKNOWN, "whether it would be encrypted is not known"),
        (place("done", decision=LOOKUP_FAILED), ENCRYPTED, "it asks for no TLSA records"),
        (DOWN, FAILS, "nobody takes the mail"),
        (NOT_SEEN, UNKNOWN, "nobody knows"),
    ],
)
def test_an_opportunistic_sender(facts: PlaceFacts, delivery: Delivery, why: str) -> None:
    assert opportunistic(facts) == PlaceDelivery(delivery), why


SECURE, INSECURE = MxSecurity.secure, MxSecurity.insecure


@pytest.mark.parametrize(
    ("facts", "mx", "delivery", "failure", "why"),
    [
        (place(decision=AUTHENTICATE, result=MATCHED), SECURE, AUTHENTICATED, None, "all is as it should be"),
        (place(decision=AUTHENTICATE, result=NOT_MATCHED), SECURE, FAILS, "validation-failure", "another certificate"),
        (place(decision=AUTHENTICATE), SECURE, UNKNOWN, None, "the chain was not compared"),
        (place("not_offered", decision=AUTHENTICATE), SECURE, FAILS, "starttls-not-supported", "no TLS"),
        (place("failed", decision=AUTHENTICATE), SECURE, FAILS, "validation-failure", "no handshake"),
        (place("unknown", decision=AUTHENTICATE), SECURE, UNKNOWN, None, "we could not see it"),
        (place("done", "expired", AUTHENTICATE, MATCHED), SECURE, AUTHENTICATED, None, "the Web's opinion is none"),
        (place(decision=ENCRYPT), SECURE, ENCRYPTED, "tlsa-invalid", "unusable records: encrypted all the same"),
        (place("not_offered", decision=ENCRYPT), SECURE, FAILS, "starttls-not-supported", "and not in the clear"),
        (place("failed", decision=ENCRYPT), SECURE, FAILS, "validation-failure", "neither after a failed handshake"),
        (place("unknown", decision=ENCRYPT), SECURE, UNKNOWN, None, "we could not see it"),
        (place(decision=LOOKUP_FAILED), SECURE, FAILS, "dnssec-invalid", "a failed lookup is not no DANE"),
        (place(takes_mail=None, decision=LOOKUP_FAILED), SECURE, FAILS, "dnssec-invalid", "it does not even connect"),
        (place(decision=NO_ADDRESS), SECURE, FAILS, None, "nowhere to connect to"),
        (place(decision=NOT_VALIDATED), SECURE, UNKNOWN, None, "no validating resolver"),
        (place("done"), SECURE, ENCRYPTED, None, "no records: as an opportunistic sender"),
        (place("not_offered"), SECURE, DELIVERS, None, "the same in the clear"),
        (place(decision=AUTHENTICATE, result=MATCHED), INSECURE, ENCRYPTED, None, "the name could be a forger's"),
        (place(decision=AUTHENTICATE, result=NOT_MATCHED), INSECURE, FAILS, "validation-failure", "as Postfix does"),
        (place("not_offered"), INSECURE, DELIVERS, None, "no records, no demands"),
        (place(decision=AUTHENTICATE, result=MATCHED), MxSecurity.unknown, UNKNOWN, None, "how well, nobody knows"),
        (place(decision=AUTHENTICATE, result=MATCHED), MxSecurity.bogus, FAILS, "dnssec-invalid", "no list of hosts"),
        (place("not_offered"), MxSecurity.bogus, FAILS, "dnssec-invalid", "for whoever validates"),
        (place(decision=AUTHENTICATE, takes_mail=False), SECURE, FAILS, None, "nobody takes the mail"),
        (place("unknown", decision=AUTHENTICATE, takes_mail=None), SECURE, UNKNOWN, None, "nobody knows"),
    ],
)  # fmt: skip
def test_a_dane_sender(facts: PlaceFacts, mx: MxSecurity, delivery: Delivery, failure: str | None, why: str) -> None:
    assert dane(facts, mx) == PlaceDelivery(delivery, ResultType(failure) if failure else None), why


@pytest.mark.parametrize(
    ("facts", "sts", "delivery", "failure", "why"),
    [
        (place(), ENFORCE, AUTHENTICATED, None, "named, encrypted, trusted, of that name"),
        (place(), OTHER_HOSTS, FAILS, "validation-failure", "the policy does not name the host"),
        (place("not_offered"), ENFORCE, FAILS, "starttls-not-supported", "no TLS"),
        (place("failed"), ENFORCE, FAILS, "validation-failure", "no handshake"),
        (place("unknown"), ENFORCE, UNKNOWN, None, "we could not see it"),
        (place("done", "expired"), ENFORCE, FAILS, "certificate-expired", "expired"),
        (place("done", "not_trusted"), ENFORCE, FAILS, "certificate-not-trusted", "self-signed, say"),
        (place("done", "host_mismatch"), ENFORCE, FAILS, "certificate-host-mismatch", "another name"),
        (place("done", "unknown"), ENFORCE, UNKNOWN, None, "a chain that we cannot judge"),
        (place(takes_mail=None), OTHER_HOSTS, FAILS, "validation-failure", "it does not even connect"),
        (place(), TESTING, AUTHENTICATED, None, "validated as well"),
        (place("done", "expired"), TESTING, ENCRYPTED, "certificate-expired", "reported, and delivered"),
        (place("not_offered"), TESTING, DELIVERS, "starttls-not-supported", "reported, and delivered in the clear"),
        (place(), OTHER_HOSTS_TESTING, ENCRYPTED, "validation-failure", "the same of the name"),
        (place("done", "unknown"), TESTING, ENCRYPTED, None, "delivered for sure, and encrypted"),
        (place("unknown"), TESTING, UNKNOWN, None, "encrypted or not"),
        (place("not_offered"), MODE_NONE, DELIVERS, None, "the policy is withdrawn"),
        (place("not_offered"), NO_STS, DELIVERS, None, "no policy"),
        (place("done", "expired"), NO_STS, ENCRYPTED, None, "no policy"),
        (place("not_offered"), NOT_FETCHED, DELIVERS, "sts-policy-fetch-error", "reported, and delivered"),
        (place(), NOT_FETCHED, ENCRYPTED, "sts-policy-fetch-error", "nothing to authenticate it by"),
        (place(), STS_UNKNOWN, UNKNOWN, None, "our lookup failed"),
        (DOWN, ENFORCE, FAILS, None, "nobody takes the mail"),
        (DOWN, STS_UNKNOWN, FAILS, None, "whatever the policy is"),
        (NOT_SEEN, ENFORCE, UNKNOWN, None, "nobody knows"),
        (NOT_SEEN, NO_STS, UNKNOWN, None, "nobody knows"),
    ],
)  # fmt: skip
def test_an_mta_sts_sender(facts: PlaceFacts, sts: StsFacts, delivery: Delivery, failure: str | None, why: str) -> None:
    assert mta_sts(facts, sts) == PlaceDelivery(delivery, ResultType(failure) if failure else None), why


@pytest.mark.parametrize(
    ("places", "delivery", "complete", "why"),
    [
        ([["delivers_encrypted"]], ENCRYPTED, True, "the only place"),
        ([["delivers"], ["delivers_authenticated"]], DELIVERS, True, "the first that delivers, not the best"),
        ([["fails"], ["delivers_authenticated"]], AUTHENTICATED, True, "what fails is passed over"),
        ([["fails", "fails"], ["fails"]], FAILS, True, "all fail"),
        ([["delivers_authenticated", "delivers"]], DELIVERS, True, "among equals chance decides: the weakest"),
        ([["fails", "delivers_encrypted"]], ENCRYPTED, True, "an equal that fails is passed over too"),
        ([["unknown"], ["delivers"]], DELIVERS, False, "delivered: here, or there better or worse"),
        ([["unknown", "delivers"]], DELIVERS, False, "the same among equals"),
        ([["delivers"], ["unknown"]], DELIVERS, True, "the sender never comes to what is not known"),
        ([["unknown"]], UNKNOWN, False, "nothing is known"),
        ([["unknown"], ["fails"]], UNKNOWN, False, "it may be delivered"),
        ([["fails"], ["unknown"]], UNKNOWN, False, "the same in the other order"),
        ([[], ["delivers"]], DELIVERS, True, "a preference without a place is nothing"),
        ([], FAILS, True, "no place at all"),
    ],
)
def test_a_message_to_a_domain(places: list[list[str]], delivery: Delivery, complete: bool, why: str) -> None:
    by_preference = [[PlaceDelivery(Delivery(word)) for word in group] for group in places]
    assert deliver(by_preference) == DomainDelivery(delivery, complete), why


def test_failures_are_told_of_the_places_that_a_sender_comes_to() -> None:
    expired = PlaceDelivery(Delivery.fails, ResultType.certificate_expired)
    no_tls = PlaceDelivery(Delivery.fails, ResultType.starttls_not_supported)
    reported = PlaceDelivery(Delivery.delivers, ResultType.sts_policy_fetch_error)
    places = [[expired], [no_tls, expired, reported], [PlaceDelivery(Delivery.fails, ResultType.tlsa_invalid)]]
    assert deliver(places) == DomainDelivery(
        Delivery.delivers,
        complete=True,
        failures=(
            ResultType.certificate_expired,
            ResultType.starttls_not_supported,
            ResultType.sts_policy_fetch_error,
        ),
    )


def test_nobody_delivers_what_no_server_takes_and_insisting_never_delivers_more() -> None:
    decisions = [PLAIN, ENCRYPT, AUTHENTICATE, LOOKUP_FAILED, NO_ADDRESS, NOT_VALIDATED]
    for takes_mail, starttls, certificate, decision, result, mx in product(
        [True, False, None], Starttls, Certificate, decisions, [None, MATCHED, NOT_MATCHED], MxSecurity
    ):
        facts = place(starttls, certificate, decision, result, takes_mail=takes_mail)
        for sts in (ENFORCE, TESTING, MODE_NONE, OTHER_HOSTS, OTHER_HOSTS_TESTING, NO_STS, NOT_FETCHED, STS_UNKNOWN):
            insisting = [dane(facts, mx).delivery, mta_sts(facts, sts).delivery]
            if takes_mail is False:
                assert insisting == [FAILS, FAILS]
            for delivery in insisting:
                if delivery not in (FAILS, UNKNOWN):
                    assert opportunistic(facts).delivery in (DELIVERS, ENCRYPTED)
                if delivery == AUTHENTICATED:
                    assert starttls == Starttls.done


PLACES = st.lists(st.lists(st.sampled_from(Delivery).map(PlaceDelivery), max_size=3), max_size=4)


@given(PLACES, st.data())
@SAME_EVERYWHERE
def test_what_is_found_out_later_contradicts_nothing_that_was_complete(
    places: list[list[PlaceDelivery]], data: st.DataObject
) -> None:
    known = st.sampled_from([delivery for delivery in Delivery if delivery != UNKNOWN]).map(PlaceDelivery)
    later = [[data.draw(known) if one.delivery == UNKNOWN else one for one in group] for group in places]
    before, after = deliver(places), deliver(later)
    assert after.complete
    if before.complete:
        assert before.delivery == after.delivery
    elif before.delivery != UNKNOWN:
        assert after.delivery not in (FAILS, UNKNOWN)
