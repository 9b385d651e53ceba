"""The extensions of a certificate (RFC 5280 §4.2) that matter to a mail host: names, purposes, authority."""

from ipaddress import ip_address

from scanner.tls.certificate_fields import CertificateFields
from scanner.tls.der import (
    DerError,
    Element,
    Tag,
    context_tag,
    expect,
    parse_bit_string,
    parse_boolean,
    parse_object_identifier,
    parse_only,
    parse_sequence,
)

#: id-ce is 2.5.29; identifiers are compared as they are encoded.
_ID_CE = b"\x55\x1d"
KEY_USAGE = _ID_CE + b"\x0f"
SUBJECT_ALTERNATIVE_NAME = _ID_CE + b"\x11"
BASIC_CONSTRAINTS = _ID_CE + b"\x13"
EXTENDED_KEY_USAGE = _ID_CE + b"\x25"

#: GeneralName (RFC 5280 §4.2.1.6).
_DNS_NAME = context_tag(2, constructed=False)
_IP_ADDRESS = context_tag(7, constructed=False)

#: The words of RFC 5280 §4.2.1.12 without their `id-kp-`.
_PURPOSES = {
    "2.5.29.37.0": "anyExtendedKeyUsage",
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
}

#: The bits of KeyUsage in their order (RFC 5280 §4.2.1.3).
_KEY_USAGES = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)


#: The extensions of a certificate in their order: the octets of each identifier, and those of its value.
Extensions = list[tuple[bytes, bytes]]


def parse_extensions(fields: CertificateFields) -> Extensions:
    """All extensions, unread; an empty list if the certificate has none."""
    if fields.extensions is None:
        return []
    return [_parse_extension(extension) for extension in parse_sequence(parse_only(fields.extensions.content))]


def parse_dns_names(extensions: Extensions) -> tuple[bytes, ...]:
    """The dNSNames of the subject alternative name, as octets: a server may have put anything there."""
    return tuple(name.content for name in _alternative_names(extensions) if name.tag == _DNS_NAME)


def parse_ip_addresses(extensions: Extensions) -> tuple[str, ...]:
    """The iPAddresses of the subject alternative name: 4 or 16 octets each (RFC 5280 §4.2.1.6)."""
    octets = [name.content for name in _alternative_names(extensions) if name.tag == _IP_ADDRESS]
    if any(len(address) not in {4, 16} for address in octets):
        raise DerError("an address of neither 4 nor 16 octets")
    return tuple(str(ip_address(address)) for address in octets)


def parse_is_ca(extensions: Extensions) -> bool:
    """Whether the basic constraints make it an authority (RFC 5280 §4.2.1.9); without them it is none."""
    value = _find(extensions, BASIC_CONSTRAINTS)
    if value is None:
        return False
    constraints = parse_sequence(value)
    return bool(constraints) and constraints[0].tag == Tag.boolean and parse_boolean(constraints[0])


def parse_extended_key_usage(extensions: Extensions) -> tuple[str, ...]:
    """The purposes (RFC 5280 §4.2.1.12) by name where they have one; none if the extension is not there."""
    value = _find(extensions, EXTENDED_KEY_USAGE)
    if value is None:
        return ()
    purposes = [parse_object_identifier(purpose) for purpose in parse_sequence(value)]
    if not purposes:
        raise DerError("an extended key usage without a purpose")
    return tuple(_PURPOSES.get(purpose, purpose) for purpose in purposes)


def parse_key_usage(extensions: Extensions) -> frozenset[str] | None:
    """What the key may be used for (RFC 5280 §4.2.1.3); None, everything, if the extension is not there."""
    value = _find(extensions, KEY_USAGE)
    if value is None:
        return None
    bits = parse_bit_string(value)
    return frozenset(
        usage
        for position, usage in enumerate(_KEY_USAGES)
        if position // 8 < len(bits) and bits[position // 8] & 0x80 >> position % 8
    )


def _alternative_names(extensions: Extensions) -> list[Element]:
    value = _find(extensions, SUBJECT_ALTERNATIVE_NAME)
    return [] if value is None else parse_sequence(value)


def _find(extensions: Extensions, wanted: bytes) -> Element | None:
    """The value of the extension `wanted`. Raises DerError if it is there twice (RFC 5280 §4.2)."""
    values = [value for identifier, value in extensions if identifier == wanted]
    if len(values) > 1:
        raise DerError(f"the same extension {len(values)} times")
    return parse_only(values[0]) if values else None


def _parse_extension(extension: Element) -> tuple[bytes, bytes]:
    """The octets of an extension's identifier and value; whether it is critical may stand between them."""
    parts = parse_sequence(extension)
    if not 2 <= len(parts) <= 3:
        raise DerError(f"an extension of {len(parts)} parts")
    return expect(parts[0], Tag.object_identifier), expect(parts[-1], Tag.octet_string)
