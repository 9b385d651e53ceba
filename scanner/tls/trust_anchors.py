"""Trust in one anchor instead of a bundle of roots, as DANE-TA(2) has it: any certificate, or a bare public key."""

from collections.abc import Sequence
from datetime import UTC, datetime

from OpenSSL import crypto

from scanner.tls.certificate_fields import CertificateFields, parse_certificate
from scanner.tls.der import Tag, context_tag, parse_only
from scanner.tls.trust import TrustResult, validate_path

UNREADABLE_ANCHOR = TrustResult(trusted=None, code=None, text="OpenSSL cannot read the anchor", depth=None)

#: A key has no dates: from the first year that UTCTime knows to RFC 5280 §4.1.2.5's "no well-defined expiration".
_ALWAYS = b"\x17\x0d500101000000Z" + b"\x18\x0f99991231235959Z"
#: RFC 5280 §4.2.1.9: basicConstraints, critical, with cA true.
_IS_CA = bytes.fromhex("300f 0603551d13 0101ff 0405 3003 0101ff")
_VERSION_3 = bytes.fromhex("a003 020102")


def verify_to_anchor(chain: Sequence[bytes], anchor: bytes, at: datetime) -> TrustResult:
    """Validate a path from the first of these certificates (DER) to an anchor, which need not be a root.

    What OpenSSL calls X509_V_FLAG_PARTIAL_CHAIN. Dates, signatures and purpose are checked, of the anchor
    too; no name is looked at. `at` is an aware datetime. Nothing is remembered: it takes half a millisecond.
    """
    if at.tzinfo is None:
        raise ValueError("the time of a validation needs its zone")
    if not is_readable_certificate(anchor):
        return UNREADABLE_ANCHOR
    store = crypto.X509Store()
    store.add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, anchor))
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    store.set_time(at.astimezone(UTC))
    return validate_path(store, chain)


def verify_to_key(chain: Sequence[bytes], public_key_info: bytes, at: datetime) -> TrustResult:
    """The same to a bare public key (the DER of a SubjectPublicKeyInfo) that signed one of the certificates.

    OpenSSL wants a certificate for an anchor: the key gets one, without a signature, in the name of each
    issuer in turn. An authority that is referred to by its serial number (RFC 5280 §4.2.1.1) is not found.
    """
    result = UNREADABLE_ANCHOR
    for issued in _with_distinct_issuers(chain):
        result = verify_to_anchor(chain, _anchor_for(public_key_info, issued), at)
        if result.trusted:
            break
    return result


def is_readable_certificate(der: bytes) -> bool:
    """Whether OpenSSL can read a certificate, nothing less and nothing more, and the key in it."""
    try:
        parse_certificate(der)
        crypto.load_certificate(crypto.FILETYPE_ASN1, der).get_pubkey()
    except (ValueError, crypto.Error):
        return False
    return True


def is_readable_key(public_key_info: bytes) -> bool:
    """Whether OpenSSL can read a SubjectPublicKeyInfo, nothing less and nothing more."""
    try:
        parse_only(public_key_info)
        crypto.load_publickey(crypto.FILETYPE_ASN1, public_key_info)
    except (ValueError, crypto.Error):
        return False
    return True


def _with_distinct_issuers(chain: Sequence[bytes]) -> list[CertificateFields]:
    found: dict[bytes, CertificateFields] = {}
    for der in chain:
        try:
            fields = parse_certificate(der)
        except ValueError:
            continue
        found.setdefault(fields.issuer.encoded, fields)
    return list(found.values())


def _anchor_for(public_key_info: bytes, issued: CertificateFields) -> bytes:
    """A certificate of the key, in the name of whoever issued another one (RFC 5280 §4.1)."""
    name, algorithm = issued.issuer.encoded, issued.signature_algorithm.encoded
    serial_number = b"\x02\x01\x01"
    validity = _encode(Tag.sequence, _ALWAYS)
    extensions = _encode(context_tag(3, constructed=True), _encode(Tag.sequence, _IS_CA))
    fields = (_VERSION_3, serial_number, algorithm, name, validity, name, public_key_info, extensions)
    to_be_signed = _encode(Tag.sequence, b"".join(fields))
    return _encode(Tag.sequence, to_be_signed + algorithm + _encode(Tag.bit_string, b"\x00"))


def _encode(tag: int, content: bytes) -> bytes:
    """An element, its length always in the long form of four octets (X.690 §8.1.3.5): OpenSSL takes it."""
    return bytes([tag, 0x84]) + len(content).to_bytes(4, "big") + content
