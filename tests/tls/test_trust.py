"""Trust: OpenSSL's numbers for every way to be wrong, and a memory that never changes an answer."""

from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL, crypto

from scanner.tls import trust
from scanner.tls.trust import TRUSTED, UNREADABLE, TrustResult, TrustStore
from scanner.tls.trust_roots import parse_roots

from .issuing import (
    DAY,
    NOW,
    Extension,
    Issued,
    authority,
    basic_constraints,
    issue,
    key_usage,
    purposes,
    raw_extension,
    sign_again,
    sign_damaged,
    with_month_13,
    with_negative_serial,
    with_version,
)

SERVER, CLIENT, EMAIL, ANY = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.4", "2.5.29.37.0"
EKU = "2.5.29.37"
SECOND = timedelta(seconds=1)
ROOT = authority()
EXPIRED_ROOT = authority("Expired root", ends=NOW - DAY)
INTERMEDIATE = authority("Intermediate", by=ROOT, ends=NOW + 500 * DAY)
NO_AUTHORITY = issue("No authority", by=ROOT, extensions=[basic_constraints(ca=False)])
SHORT_PATH = issue("Short path", by=ROOT, extensions=[basic_constraints(ca=True, path_length=0)])
BELOW_SHORT_PATH = authority("Below short path", by=SHORT_PATH)
EXPIRED_INTERMEDIATE = authority("Expired intermediate", by=ROOT, ends=NOW - DAY)
STRANGER = authority("Stranger")
IMPOSTOR = authority("Root")
ROOTS_PEM = EXPIRED_ROOT.pem + ROOT.pem
GOOD = issue(by=ROOT)
SERVED_WELL = issue(by=INTERMEDIATE)
SELF_SIGNED = issue()
EXPIRED = issue(by=ROOT, ends=NOW - SECOND)
NOT_YET_VALID = issue(by=ROOT, starts=NOW + SECOND)


def to_pem(der: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n" + b64encode(der) + b"\n-----END CERTIFICATE-----\n"


def ders(*chain: Issued) -> list[bytes]:
    return [issued.der for issued in chain]


@pytest.fixture
def store() -> TrustStore:
    return TrustStore(ROOTS_PEM)


@pytest.mark.parametrize(
    ("chain", "code", "depth", "why"),
    [
        (ders(GOOD), 0, 0, "issued by a root"),
        (ders(GOOD, ROOT), 0, 0, "the root may be served too"),
        (ders(SERVED_WELL, INTERMEDIATE), 0, 0, "issued by an intermediate that is served"),
        (ders(SERVED_WELL, STRANGER, INTERMEDIATE), 0, 0, "order and company do not matter"),
        (ders(ROOT), 0, 0, "a root served as its own leaf"),
        (ders(SERVED_WELL), 20, 0, "incomplete: the intermediate is missing"),
        (ders(issue(by=STRANGER)), 20, 0, "unknown issuer"),
        (ders(issue(by=STRANGER), STRANGER), 19, 1, "a self-signed certificate in the chain"),
        (ders(SELF_SIGNED), 18, 0, "a self-signed leaf"),
        (ders(EXPIRED), 10, 0, "expired a second ago"),
        (ders(NOT_YET_VALID), 9, 0, "valid in a second"),
        (ders(issue(by=EXPIRED_ROOT)), 10, 1, "the root expired"),
        (ders(issue(by=EXPIRED_INTERMEDIATE), EXPIRED_INTERMEDIATE), 10, 1, "the intermediate expired"),
        (ders(issue(by=IMPOSTOR)), 7, 0, "signed by someone of the root's name"),
        (ders(issue(by=NO_AUTHORITY), NO_AUTHORITY), 79, 1, "issued by what is no authority"),
        (ders(issue(by=BELOW_SHORT_PATH), BELOW_SHORT_PATH, SHORT_PATH), 25, 2, "a path longer than allowed"),
        ([with_month_13(GOOD)], 7, 0, "changed after it was signed"),
        ([sign_damaged(with_month_13(GOOD), ROOT)], 14, 0, "an impossible date"),
        ([sign_damaged(with_version(GOOD.der, 5), ROOT)], 0, 0, "version 6"),
        ([sign_damaged(with_negative_serial(GOOD.der), ROOT)], 0, 0, "a negative serial is no hindrance"),
        (ders(issue(by=ROOT, extensions=[purposes(EMAIL)])), 26, 0, "a mail user's certificate"),
    ],
)  # fmt: skip
def test_a_chain_has_the_number_that_openssl_gives_it(
    store: TrustStore, chain: list[bytes], code: int, depth: int, why: str
) -> None:
    result = store.verify(chain, NOW)
    assert (result.code, result.depth) == (code, depth), (why, result)
    assert result.trusted is (code == 0), why
    assert result.text, why


def test_the_text_is_openssls(store: TrustStore) -> None:
    assert store.verify(ders(EXPIRED), NOW) == TrustResult(
        trusted=False, code=10, text="certificate has expired", depth=0
    )


def test_weak_keys_and_digests_are_not_a_matter_of_trust() -> None:
    root = issue("RSA root", key=rsa.generate_private_key(65537, 1024), extensions=[basic_constraints(ca=True)])
    store = TrustStore(root.pem)
    assert store.verify([sign_again(issue(by=root), root, "sha1")], NOW) == TRUSTED


@pytest.mark.parametrize("octets", [b"", b"garbage", GOOD.der[:-1]])
def test_a_leaf_that_cannot_be_loaded_is_neither_trusted_nor_not(store: TrustStore, octets: bytes) -> None:
    assert store.verify([octets, ROOT.der], NOW) == UNREADABLE
    assert UNREADABLE.trusted is None


def test_no_chain_at_all_is_neither(store: TrustStore) -> None:
    assert store.verify([], NOW) == UNREADABLE


def test_garbage_behind_the_leaf_is_left_out(store: TrustStore) -> None:
    assert store.verify([SERVED_WELL.der, b"garbage", INTERMEDIATE.der], NOW) == TRUSTED


@given(st.lists(st.binary(max_size=60) | st.sampled_from([GOOD.der, INTERMEDIATE.der]), max_size=4))
@settings(deadline=None)
def test_any_octets_have_a_result(chain: list[bytes]) -> None:
    result = TrustStore(ROOTS_PEM).verify(chain, NOW)
    assert result.trusted is (None if result.code is None else result.code == 0)


def test_the_time_is_a_moment_whatever_its_zone(store: TrustStore) -> None:
    east = timezone(timedelta(hours=11))
    assert store.verify(ders(NOT_YET_VALID), NOW.astimezone(east)).code == 9
    assert store.verify(ders(NOT_YET_VALID), (NOW + SECOND).astimezone(east)).code == 0
    with pytest.raises(ValueError, match="zone"):
        store.verify(ders(GOOD), NOW.replace(tzinfo=None))


def test_a_validation_leaves_no_errors_for_others(store: TrustStore) -> None:
    def reason() -> object:
        with pytest.raises(crypto.Error) as caught:
            crypto.load_certificate(crypto.FILETYPE_ASN1, b"garbage")
        return caught.value.args

    before = reason()
    assert store.verify(ders(issue(by=IMPOSTOR)), NOW).code == 7
    assert reason() == before


# The purpose -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of_leaf", "of_intermediate", "of_root", "is_fit", "why"),
    [
        ([], [], [], True, "nothing said, everything allowed"),
        ([purposes(SERVER)], [], [], True, "for servers"),
        ([purposes(CLIENT, SERVER)], [purposes(SERVER, CLIENT)], [], True, "for servers too"),
        ([purposes(EMAIL)], [], [], False, "for mail users"),
        ([purposes(CLIENT)], [], [], False, "for clients"),
        ([purposes(ANY)], [], [], False, "any purpose does not name this one"),
        ([purposes(ANY, SERVER)], [], [], True, "any purpose, and this one"),
        ([purposes("2.16.840.1.113730.4.1")], [], [], True, "Netscape's server-gated cryptography"),
        ([purposes("1.3.6.1.4.1.311.10.3.3")], [], [], True, "Microsoft's"),
        ([purposes(SERVER)], [purposes(EMAIL)], [], False, "an authority for mail users"),
        ([purposes(SERVER)], [purposes(SERVER)], [], True, "an authority for servers"),
        ([purposes(SERVER)], [], [purposes(EMAIL)], False, "a root for mail users"),
        ([raw_extension(EKU, b"\x30\x00")], [], [], False, "a list of purposes without any"),
        ([raw_extension(EKU, b"\x30\x02\x05\x00")], [], [], False, "a list that cannot be read"),
        ([key_usage("digital_signature")], [], [], True, "signs the handshake"),
        ([key_usage("key_encipherment")], [], [], True, "takes the secret of an old handshake"),
        ([key_usage("key_agreement")], [], [], True, "agrees on a secret"),
        ([key_usage("content_commitment")], [], [], False, "signs documents only"),
        ([key_usage("content_commitment", "digital_signature")], [], [], True, "signs both"),
        ([], [key_usage("key_cert_sign", "crl_sign")], [], True, "an authority signs certificates"),
    ],
)  # fmt: skip
def test_a_path_is_fit_for_a_server_where_a_handshake_of_openssl_finds_it_fit(
    of_leaf: list[Extension],
    of_intermediate: list[Extension],
    of_root: list[Extension],
    is_fit: bool,
    why: str,
) -> None:
    root = authority(extensions=of_root)
    intermediate = authority("Intermediate", by=root, extensions=of_intermediate)
    leaf = issue(by=intermediate, extensions=of_leaf)
    result = TrustStore(root.pem).verify(ders(leaf, intermediate), NOW)
    assert result.trusted is is_fit, why
    assert (result.code, result.depth) == verify_by_handshake([leaf, intermediate], root), why


def verify_by_handshake(chain: Sequence[Issued], root: Issued) -> tuple[int, int]:
    """Number and depth of the first error that OpenSSL tells a client in a handshake in memory, or zeros."""
    server_context = SSL.Context(SSL.TLS_METHOD)
    server_context.use_certificate(chain[0].certificate)
    server_context.use_privatekey(chain[0].key)
    for issued in chain[1:]:
        server_context.add_extra_chain_cert(issued.certificate)
    errors: list[tuple[int, int]] = []

    def note(_connection: SSL.Connection, _certificate: crypto.X509, code: int, depth: int, _ok: int) -> bool:
        errors.extend([(code, depth)] if code else [])
        return True

    client_context = SSL.Context(SSL.TLS_METHOD)
    client_context.set_verify(SSL.VERIFY_PEER, note)
    roots = client_context.get_cert_store()
    assert roots is not None
    roots.add_cert(crypto.X509.from_cryptography(root.certificate))
    roots.set_time(NOW)
    shake_hands(SSL.Connection(client_context, None), SSL.Connection(server_context, None))
    return errors[0] if errors else (0, 0)


def shake_hands(client: SSL.Connection, server: SSL.Connection) -> None:
    client.set_connect_state()
    server.set_accept_state()
    for _ in range(4):
        for one, other in ((client, server), (server, client)):
            with suppress(SSL.WantReadError):
                one.do_handshake()
            with suppress(SSL.WantReadError):
                other.bio_write(one.bio_read(1 << 16))
    assert client.get_cipher_name() is not None


# The memory --------------------------------------------------------------------------------------------


class Counter:
    """How often OpenSSL was asked to validate."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.validations = 0
        context = crypto.X509StoreContext

        def counted(*arguments: object) -> crypto.X509StoreContext:
            self.validations += 1
            return context(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(crypto, "X509StoreContext", counted)


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Counter:
    return Counter(monkeypatch)


def test_one_chain_for_ten_thousand_names_is_validated_once(store: TrustStore, counter: Counter) -> None:
    chain = ders(SERVED_WELL, INTERMEDIATE)
    for name in range(10_000):
        assert store.verify(chain, NOW + name * SECOND) == TRUSTED
    assert counter.validations == 1


def test_other_chains_and_other_orders_are_other_chains(store: TrustStore, counter: Counter) -> None:
    chains = [ders(GOOD), ders(GOOD, ROOT), ders(SERVED_WELL, INTERMEDIATE), ders(INTERMEDIATE, SERVED_WELL)]
    for chain in [*chains, *chains]:
        assert store.verify(chain, NOW) == TRUSTED
    assert counter.validations == len(chains)


def test_a_result_changes_at_the_second_in_which_a_certificate_begins_or_ends(store: TrustStore) -> None:
    leaf = issue(by=ROOT, starts=NOW, ends=NOW + DAY)
    expected = [
        (NOW - SECOND, 9),
        (NOW - timedelta(milliseconds=1), 9),
        (NOW, 0),
        (NOW + DAY, 0),
        (NOW + DAY + timedelta(milliseconds=999), 0),
        (NOW + DAY + SECOND, 10),
    ]
    for _ in range(2):
        assert [(at, store.verify(ders(leaf), at).code) for at, _ in expected] == expected
        expected.reverse()


LATE_INTERMEDIATE = authority("Intermediate", by=ROOT, key=INTERMEDIATE.key, starts=NOW - 20 * DAY)
CHAINS = [
    ders(SERVED_WELL, INTERMEDIATE),
    ders(SERVED_WELL, LATE_INTERMEDIATE, INTERMEDIATE),
    ders(issue(by=EXPIRED_ROOT)),
    ders(EXPIRED),
    ders(SELF_SIGNED),
    ders(GOOD, STRANGER),
    [with_month_13(GOOD)],
    [SERVED_WELL.der, b"garbage", INTERMEDIATE.der],
]
INVOLVED = [ROOT, EXPIRED_ROOT, INTERMEDIATE, LATE_INTERMEDIATE, SERVED_WELL, GOOD, EXPIRED, STRANGER]
BOUNDARIES = sorted(
    {issued.certificate.not_valid_before_utc for issued in INVOLVED}
    | {issued.certificate.not_valid_after_utc for issued in INVOLVED}
)
TIMES = [boundary + step * SECOND / 2 for boundary in BOUNDARIES for step in (-2, -1, 0, 1, 2, 3)]


def test_the_memory_gives_the_answers_of_a_store_without_one(counter: Counter) -> None:
    questions = [(chain, at) for chain in range(len(CHAINS)) for at in TIMES] * 2
    Random(7).shuffle(questions)
    store = TrustStore(ROOTS_PEM)
    told: dict[tuple[int, datetime], TrustResult] = {}
    for chain, at in questions:
        result = store.verify(CHAINS[chain], at)
        assert told.setdefault((chain, at), result) == result
    asked_with_memory = counter.validations
    for (chain, at), result in told.items():
        assert TrustStore(ROOTS_PEM).verify(CHAINS[chain], at) == result, (chain, at)
    assert {result.code for result in told.values()} >= {0, 9, 10, 18}
    assert asked_with_memory < len(told), "it does remember"


@given(st.lists(st.tuples(st.integers(0, len(CHAINS) - 1), st.sampled_from(TIMES)), max_size=12))
@settings(deadline=None, max_examples=30)
def test_no_order_of_questions_changes_an_answer(questions: list[tuple[int, datetime]]) -> None:
    store = TrustStore(ROOTS_PEM)
    for chain, at in questions:
        assert store.verify(CHAINS[chain], at) == TrustStore(ROOTS_PEM).verify(CHAINS[chain], at)


def test_the_memory_holds_so_many_chains_and_forgets_the_one_not_asked_for_longest(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "MAX_CHAINS", 2)
    store = TrustStore(ROOTS_PEM)
    first, second, third = ders(GOOD), ders(EXPIRED), ders(SELF_SIGNED)
    for chain, validations in [
        (first, 1),
        (second, 2),
        (first, 2),  # remembered, and now the younger one
        (third, 3),  # second is forgotten
        (first, 3),
        (second, 4),
        (third, 5),  # was forgotten for second
    ]:
        store.verify(chain, NOW)
        assert counter.validations == validations
    assert len(store._remembered) == 2


def test_dates_that_cannot_be_read_cost_time_but_no_memory(store: TrustStore, counter: Counter) -> None:
    chain = [with_month_13(GOOD)]
    for second in range(3 * trust.MAX_SPANS):
        assert store.verify(chain, NOW + second * SECOND).code == 7
    assert counter.validations == 3 * trust.MAX_SPANS
    assert [len(results) for results in store._remembered.values()] == [trust.MAX_SPANS]


# The roots ---------------------------------------------------------------------------------------------


def test_a_bundle_of_roots_is_read_with_all_that_stands_between_them() -> None:
    bundle = b"# Root\n" + ROOT.pem.replace(b"\n", b"\r\n") + b"\n\nStranger: \xff\n" + STRANGER.pem.rstrip()
    assert parse_roots(bundle) == (ROOT.der, STRANGER.der)


def test_a_root_given_twice_counts_once() -> None:
    assert parse_roots(ROOT.pem + STRANGER.pem + ROOT.pem) == (ROOT.der, STRANGER.der)


@pytest.mark.parametrize(
    ("bundle", "reason", "why"),
    [
        (b"", "no certificate", "an empty file"),
        (b"hello\n", "no certificate", "a text"),
        (ROOT.der, "no certificate", "DER where PEM belongs"),
        (ROOT.pem.partition(b"-----END")[0], "no certificate", "a file cut off"),
        (ROOT.pem.replace(b"CERTIFICATE", b"PRIVATE KEY"), "no certificate", "a key"),
        (ROOT.pem + ROOT.pem.replace(ROOT.pem[60:64], b"????"), "certificate 2 .* no Base64", "no letters"),
        (ROOT.pem.replace(b"MII", b"MIII"), "certificate 1 ", "a letter too many"),
        (ROOT.pem + to_pem(b"garbage"), "certificate 2 .* cannot be read: ", "no certificate within"),
        (ROOT.pem + to_pem(with_month_13(ROOT)), "certificate 2 .* month must be", "a root without an end"),
    ],
)
def test_a_bundle_that_is_none_is_refused_with_its_reason(bundle: bytes, reason: str, why: str) -> None:
    with pytest.raises(ValueError, match=reason):
        assert TrustStore(bundle), why
