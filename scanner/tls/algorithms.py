"""Which key and which signature a certificate has: object identifiers → the names that OpenSSL prints."""

from scanner.tls.certificate_fields import parse_public_key_info
from scanner.tls.der import (
    DerError,
    Element,
    Tag,
    parse_integer,
    parse_object_identifier,
    parse_only,
    parse_sequence,
)

#: RFC 3279 §2.3, RFC 8017 app. C, RFC 5480 §2.1, RFC 8410 §3, RFC 9881 §2.
_KEY_TYPES = {
    "1.2.840.113549.1.1.1": "rsa",
    "1.2.840.113549.1.1.10": "rsa-pss",
    "1.2.840.10040.4.1": "dsa",
    "1.2.840.10045.2.1": "ec",
    "1.3.101.112": "ed25519",
    "1.3.101.113": "ed448",
    "2.16.840.1.101.3.4.3.17": "ml-dsa-44",
    "2.16.840.1.101.3.4.3.18": "ml-dsa-65",
    "2.16.840.1.101.3.4.3.19": "ml-dsa-87",
}

#: Bits of the field of a named curve (RFC 5480 §2.1.1.1, RFC 5639 §4.1, SEC 2 §2.4.1).
_CURVE_BITS = {
    "1.2.840.10045.3.1.1": 192,
    "1.3.132.0.33": 224,
    "1.2.840.10045.3.1.7": 256,
    "1.3.132.0.10": 256,
    "1.3.132.0.34": 384,
    "1.3.132.0.35": 521,
    "1.3.36.3.3.2.8.1.1.7": 256,
    "1.3.36.3.3.2.8.1.1.11": 384,
    "1.3.36.3.3.2.8.1.1.13": 512,
}

_SIGNATURE_ALGORITHMS = {
    "1.2.840.113549.1.1.2": "md2WithRSAEncryption",
    "1.2.840.113549.1.1.3": "md4WithRSAEncryption",
    "1.2.840.113549.1.1.4": "md5WithRSAEncryption",
    "1.2.840.113549.1.1.5": "sha1WithRSAEncryption",
    "1.2.840.113549.1.1.10": "rsassaPss",
    "1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
    "1.2.840.113549.1.1.12": "sha384WithRSAEncryption",
    "1.2.840.113549.1.1.13": "sha512WithRSAEncryption",
    "1.2.840.113549.1.1.14": "sha224WithRSAEncryption",
    "1.2.840.10040.4.3": "dsaWithSHA1",
    "2.16.840.1.101.3.4.3.2": "dsa_with_SHA256",
    "1.2.840.10045.4.1": "ecdsa-with-SHA1",
    "1.2.840.10045.4.3.1": "ecdsa-with-SHA224",
    "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
    "1.2.840.10045.4.3.3": "ecdsa-with-SHA384",
    "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
    "1.3.101.112": "ED25519",
    "1.3.101.113": "ED448",
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
    "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
}


def signature_algorithm_name(identifier: str) -> str:
    """OpenSSL's name of a signature algorithm; the dotted identifier itself if it is not on the list."""
    return _SIGNATURE_ALGORITHMS.get(identifier, identifier)


def parse_key_type(subject_public_key_info: Element) -> str:
    """The type of the key; its algorithm's dotted identifier if it is not on the list."""
    algorithm, _, _ = parse_public_key_info(subject_public_key_info)
    return _KEY_TYPES.get(algorithm, algorithm)


def parse_key_bits(subject_public_key_info: Element) -> int | None:
    """The size by which keys of this type are compared; None for a type or curve that is not on the list."""
    algorithm, parameters, key = parse_public_key_info(subject_public_key_info)
    match _KEY_TYPES.get(algorithm):
        case "rsa" | "rsa-pss":
            return _first_integer(parse_only(key)).bit_length()  # RFC 3279 §2.3.1: modulus, publicExponent
        case "dsa" if parameters is not None:
            return _first_integer(parameters).bit_length()  # RFC 3279 §2.3.2: p, q, g
        case "ec":
            return _curve_bits(parameters)
        case "ed25519":
            return 256
        case "ed448":
            return 456
        case _:
            return None


def _first_integer(element: Element) -> int:
    numbers = parse_sequence(element)
    if not numbers:
        raise DerError("a key without numbers")
    return parse_integer(numbers[0])


def _curve_bits(parameters: Element | None) -> int | None:
    # RFC 5480 §2.1.1: implicitCurve and specifiedCurve MUST NOT be used in PKIX.
    if parameters is None or parameters.tag != Tag.object_identifier:
        raise DerError("an elliptic curve that is not named")
    return _CURVE_BITS.get(parse_object_identifier(parameters))
