"""The server's side of TLS: versions, certificates, and everything that goes wrong on purpose."""

import datetime as dt
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtensionOID
from OpenSSL import SSL
from OpenSSL.crypto import (
    FILETYPE_PEM,
    X509Store,
    X509StoreContext,
    X509StoreContextError,
    load_certificate,
)

from scanner.lab.authority import Authority
from scanner.lab.der import content_of, encode_element, split_elements
from scanner.lab.world import Behaviour, CertificateKind, Server

from .conftest import OpenLab
from .running import ADDRESS, HOST, RunningLab, TlsClient, start_tls, world_of

TODAY = dt.date(2026, 11, 22)


def test_starttls_gives_a_second_ehlo_without_starttls(open_lab: OpenLab) -> None:
    lab = open_lab(world_of())
    client = start_tls(lab)
    keywords = client.ask(b"EHLO client.lab").splitlines()
    assert keywords[0] == f"250-{HOST}".encode()
    assert not any(b"STARTTLS" in line for line in keywords)
    assert client.ask(b"STARTTLS")[:3] == b"503"
    assert client.ask(b"QUIT")[:3] == b"221"
    assert client.ends_in_order()
    (session,) = lab.sessions()
    assert session.commands == ["EHLO", "STARTTLS", "EHLO", "STARTTLS", "QUIT"]
    assert (session.sni, session.tls, session.error) == (HOST, "TLSv1.3", None)


def test_pythons_ssl_trusts_the_labs_root(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(certificate=CertificateKind(issuer="intermediate")))
    client = lab.connect()
    client.hear_reply()
    client.ask(b"STARTTLS")
    context = ssl.create_default_context(cafile=lab.directory / "roots.pem")
    with context.wrap_socket(client.socket, server_hostname=HOST) as tls:
        tls.sendall(b"QUIT\r\n")
        assert tls.recv(100)[:3] == b"221"


VERSIONS = [
    ("1.0", SSL.TLS1_VERSION, "TLSv1"),
    ("1.1", SSL.TLS1_1_VERSION, "TLSv1.1"),
    ("1.2", SSL.TLS1_2_VERSION, "TLSv1.2"),
    ("1.3", SSL.TLS1_3_VERSION, "TLSv1.3"),
]


@pytest.mark.parametrize(("version", "number", "name"), VERSIONS, ids=[row[0] for row in VERSIONS])
def test_a_server_speaks_the_tls_versions_it_is_given_and_no_other(
    open_lab: OpenLab, version: Any, number: int, name: str
) -> None:
    lab = open_lab(world_of(Behaviour(tls_min=version, tls_max=version)))
    assert start_tls(lab).connection.get_protocol_version_name() == name
    for _, other, _ in VERSIONS:
        if other != number:
            with pytest.raises(SSL.Error, match=r"alert|unsupported"):
                start_tls(lab, version=other)


def test_no_cipher_in_common_is_an_alert(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(Behaviour(tls_max="1.2", ciphers="aNULL")))
    with pytest.raises(SSL.Error, match="alert handshake failure"):
        start_tls(lab)
    (session,) = lab.sessions()
    assert session.error == "no shared cipher"


def test_without_close_notify_the_connection_just_ends(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(Behaviour(close_notify=False)))
    client = start_tls(lab)
    client.ask(b"QUIT")
    assert not client.ends_in_order()


def test_implicit_tls_is_a_step_before_the_greeting(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(Behaviour(greeting=("tls", "send 220 {host} over TLS\\r\\n"))))
    with lab.connect() as client:
        tls = TlsClient(client).shake_hands()
        assert tls.hear_reply() == f"220 {HOST} over TLS\r\n".encode()
        assert b"STARTTLS" not in tls.ask(b"EHLO client.lab")
        assert tls.ask(b"QUIT")[:3] == b"221"
    (session,) = lab.sessions()
    assert not session.spoke_early


INSTEAD_OF_A_HANDSHAKE = [
    (("close",), EOFError, "closes"),
    (("reset",), ConnectionResetError, "resets"),
    (("swallow",), TimeoutError, "swallows"),
    (("silence",), TimeoutError, "is silent"),
    (("wait 3", "close"), TimeoutError, "is slow"),
    (("send \\x15\\x03\\x03\\x00\\x02\\x02\\x28", "close"), SSL.Error, "sends an alert"),
    (("send 250 injected\\r\\n",), SSL.Error, "speaks plaintext"),
]


@pytest.mark.parametrize(
    ("steps", "error", "why"), INSTEAD_OF_A_HANDSHAKE, ids=[row[-1] for row in INSTEAD_OF_A_HANDSHAKE]
)
def test_the_tls_stage_comes_instead_of_the_handshake(
    open_lab: OpenLab, steps: tuple[str, ...], error: type[Exception], why: str
) -> None:
    lab = open_lab(world_of(Behaviour(tls=steps)))
    with lab.connect(timeout_s=0.25) as client:
        client.hear_reply()
        assert client.ask(b"STARTTLS")[:3] == b"220"
        with pytest.raises(error):
            TlsClient(client).shake_hands()
    (session,) = lab.sessions()
    assert session.commands == ["STARTTLS"]


def test_what_comes_after_a_tls_stage_without_a_handshake_is_never_read(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(Behaviour(tls=("send 250 injected\\r\\n",))))
    with lab.connect() as client:
        client.hear_reply()
        client.ask(b"STARTTLS")
        assert client.ask(b"\x16 a ClientHello") == b"250 injected\r\n"
        client.say(b"NOOP\r\n")
        assert client.hears_nothing_for(0.1)


LATE_HANDSHAKES = [
    ({"tls": ("wait 0.5", "tls")}, "in the tls stage"),
    ({"starttls": ("send 220 go\\r\\n", "wait 0.5", "tls")}, "before it"),
]


@pytest.mark.parametrize(("stages", "why"), LATE_HANDSHAKES, ids=[row[-1] for row in LATE_HANDSHAKES])
def test_a_late_handshake_loses_nothing(open_lab: OpenLab, stages: dict[str, Any], why: str) -> None:
    lab = open_lab(world_of(Behaviour(**stages)))
    assert start_tls(lab).ask(b"NOOP")[:3] == b"250"


def test_injected_plaintext_leaves_in_the_segment_of_the_220(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(Behaviour(starttls=("send 220 go\\r\\n", "send 250 injected\\r\\n", "tls"))))
    with lab.connect() as client:
        client.hear_reply()
        client.say(b"STARTTLS\r\n")
        assert client.socket.recv(1000) == b"220 go\r\n250 injected\r\n"


def test_injected_plaintext_may_come_later(open_lab: OpenLab) -> None:
    steps = ("send 220 go\\r\\n", "wait 0.2", "send 250 injected\\r\\n", "tls")
    lab = open_lab(world_of(Behaviour(starttls=steps)))
    with lab.connect() as client:
        client.hear_reply()
        client.say(b"STARTTLS\r\n")
        assert client.socket.recv(1000) == b"220 go\r\n"
        assert client.socket.recv(1000) == b"250 injected\r\n"


def test_a_handshake_in_single_octets_succeeds(open_lab: OpenLab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = open_lab(world_of())
    with lab.connect() as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.hear_reply()
        client.ask(b"STARTTLS")
        say = client.say

        def say_octet_by_octet(octets: bytes) -> None:
            for octet in octets:
                say(bytes((octet,)))

        monkeypatch.setattr(client, "say", say_octet_by_octet)
        assert TlsClient(client).shake_hands().ask(b"NOOP")[:3] == b"250"


# Certificates ---------------------------------------------------------------------------------------------


def leaf(lab: RunningLab, server_name: str | None = HOST) -> x509.Certificate:
    return x509.load_der_x509_certificate(start_tls(lab, server_name).chain()[0])


def dns_names(certificate: x509.Certificate) -> list[str]:
    names = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    assert isinstance(names, x509.SubjectAlternativeName)
    return names.get_values_for_type(x509.DNSName)


def test_the_server_name_chooses_the_certificate(open_lab: OpenLab) -> None:
    kinds = {
        "this": CertificateKind(),
        "one": CertificateKind(),
        "two": CertificateKind(names=("fixed.lab",)),
    }
    by_name = {"one.lab": "one", "two.lab": "two"}
    server = Server(address=ADDRESS, host=HOST, behaviour="this", certificate="this", by_server_name=by_name)
    lab = open_lab(world_of(certificates=kinds, servers=(server,)))
    asked = {name: dns_names(leaf(lab, name)) for name in ("one.lab", "ONE.lab", "two.lab", "other.lab", None)}
    assert asked == {
        "one.lab": ["one.lab"],
        "ONE.lab": ["one.lab"],
        "two.lab": ["fixed.lab"],
        "other.lab": [HOST],
        None: [HOST],
    }
    assert {session.sni for session in lab.sessions()} == asked.keys()


def authority(directory: Path) -> Authority:
    return Authority(directory, TODAY)


def chain_of(made: Authority, kind: CertificateKind) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(made.certificate(kind, HOST).chain_pem)


PATHS = [
    (CertificateKind(), None, 1, "from the root"),
    (CertificateKind(issuer="intermediate"), None, 2, "over the intermediate"),
    (CertificateKind(issuer="intermediate", send_intermediate=False), 20, 1, "the intermediate not sent"),
    (CertificateKind(issuer="self"), 18, 1, "self-signed"),
    (CertificateKind(issuer="self", key="rsa2048"), 18, 1, "self-signed, RSA"),
    (CertificateKind(issuer="stranger"), 20, 1, "from a stranger"),
    (CertificateKind(ends_days=-1), 10, 1, "expired"),
    (CertificateKind(starts_days=2), 9, 1, "not yet valid"),
    (CertificateKind(digest="sha1"), None, 1, "SHA-1"),
    (CertificateKind(issuer="self", key="rsa1024", digest="sha1"), 18, 1, "self-signed, RSA, SHA-1"),
    (CertificateKind(key="rsa1024"), None, 1, "RSA 1024"),
    (CertificateKind(damage="version_6"), None, 1, "an unknown version, well signed"),
    (CertificateKind(damage="impossible_date"), 14, 1, "an impossible date, well signed"),
]


@pytest.mark.parametrize(("kind", "error", "length", "why"), PATHS, ids=[row[-1] for row in PATHS])
def test_openssl_finds_each_path_as_it_is_meant(
    tmp_path: Path, kind: CertificateKind, error: int | None, length: int, why: str
) -> None:
    made = authority(tmp_path)
    blocks = made.certificate(kind, HOST).chain_pem.split(b"-----BEGIN")[1:]
    chain = [load_certificate(FILETYPE_PEM, b"-----BEGIN" + block) for block in blocks]
    assert len(chain) == length
    store = X509Store()
    store.add_cert(load_certificate(FILETYPE_PEM, made.roots_pem))
    store.set_time(dt.datetime.combine(TODAY, dt.time(12), dt.UTC))
    context = X509StoreContext(store, chain[0], chain[1:])
    if error is None:
        context.verify_certificate()
    else:
        with pytest.raises(X509StoreContextError) as failed:
            context.verify_certificate()
        assert failed.value.errors[0] == error


NAMES = [
    (CertificateKind(), [HOST], HOST, "its own"),
    (CertificateKind(names=("*.here.lab", "here.lab")), ["*.here.lab", "here.lab"], HOST, "a wildcard"),
    (CertificateKind(names=("other.lab",), common_name="other.lab"), ["other.lab"], "other.lab", "another"),
    (CertificateKind(names=()), None, HOST, "in the CN alone"),
    (CertificateKind(common_name=""), [HOST], None, "no CN"),
]


@pytest.mark.parametrize(("kind", "names", "cn", "why"), NAMES, ids=[row[-1] for row in NAMES])
def test_a_certificate_has_these_names(
    tmp_path: Path, kind: CertificateKind, names: list[str] | None, cn: str | None, why: str
) -> None:
    (certificate,) = chain_of(authority(tmp_path), kind)
    if names is None:
        with pytest.raises(x509.ExtensionNotFound):
            dns_names(certificate)
    else:
        assert dns_names(certificate) == names
    assert [each.value for each in certificate.subject] == ([] if cn is None else [cn])


def test_dates_count_from_midnight(tmp_path: Path) -> None:
    (certificate,) = chain_of(authority(tmp_path), CertificateKind(starts_days=-1, ends_days=2))
    assert certificate.not_valid_before_utc == dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
    assert certificate.not_valid_after_utc == dt.datetime(2026, 11, 24, tzinfo=dt.UTC)


def test_keys_and_digests_are_as_asked_for(tmp_path: Path) -> None:
    made = authority(tmp_path)
    (rsa_leaf,) = chain_of(made, CertificateKind(key="rsa1024"))
    (ec_leaf,) = chain_of(made, CertificateKind(digest="sha1"))
    rsa_key, ec_key = rsa_leaf.public_key(), ec_leaf.public_key()
    assert isinstance(rsa_key, rsa.RSAPublicKey)
    assert rsa_key.key_size == 1024
    assert isinstance(ec_key, ec.EllipticCurvePublicKey)
    assert ec_leaf.signature_algorithm_oid == x509.SignatureAlgorithmOID.ECDSA_WITH_SHA1


@pytest.mark.parametrize("damage", ["version_6", "impossible_date"])
def test_a_damaged_certificate_is_served_and_no_library_reads_it(open_lab: OpenLab, damage: Any) -> None:
    lab = open_lab(world_of(certificate=CertificateKind(damage=damage)))
    served = start_tls(lab).chain()[0]
    with pytest.raises((ValueError, x509.InvalidVersion)):
        _ = x509.load_der_x509_certificate(served).not_valid_after_utc


def test_a_certificate_message_over_100_kb_is_more_than_openssl_takes(open_lab: OpenLab) -> None:
    large = open_lab(world_of(certificate=CertificateKind(extra_names=1000)))
    assert 30_000 < len(start_tls(large).chain()[0]) < 85_000
    large.stop()
    too_large = open_lab(world_of(certificate=CertificateKind(extra_names=3000)))
    with pytest.raises(SSL.Error, match="excessive message size"):
        start_tls(too_large)


def test_the_same_directory_and_day_give_the_same_certificates(tmp_path: Path) -> None:
    kinds = [
        CertificateKind(),
        CertificateKind(issuer="intermediate", key="rsa2048"),
        CertificateKind(digest="sha1"),
    ]
    first, again = authority(tmp_path), authority(tmp_path)
    assert first.roots_pem == again.roots_pem
    for kind in kinds:
        assert first.certificate(kind, HOST).chain_pem == again.certificate(kind, HOST).chain_pem
    elsewhere = authority(tmp_path / "elsewhere")
    assert elsewhere.roots_pem != first.roots_pem


def test_private_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    authority(tmp_path).certificate(CertificateKind(), HOST)
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {0o600}


DER_LENGTHS = [0, 1, 127, 128, 255, 256, 65535, 65536]


@pytest.mark.parametrize("length", DER_LENGTHS)
def test_der_elements_are_split_as_they_were_put_together(length: int) -> None:
    element = encode_element(0x04, b"x" * length)
    assert split_elements(element + b"\x05\x00" + element) == [element, b"\x05\x00", element]
    assert content_of(element) == b"x" * length


def test_der_is_what_cryptography_reads(tmp_path: Path) -> None:
    (certificate,) = chain_of(authority(tmp_path), CertificateKind())
    to_be_signed = certificate.tbs_certificate_bytes
    assert encode_element(0x30, b"".join(split_elements(content_of(to_be_signed)))) == to_be_signed
