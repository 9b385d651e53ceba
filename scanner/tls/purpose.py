"""Whether a certificate of a path may serve a TLS server: OpenSSL's purpose `sslserver`."""

from scanner.tls.certificate_fields import parse_certificate
from scanner.tls.extensions import parse_extended_key_usage, parse_extensions, parse_key_usage

#: RFC 5280 §4.2.1.12, id-kp-serverAuth: digitalSignature, keyEncipherment or keyAgreement.
_TLS_KEY_USAGES = frozenset({"digitalSignature", "keyEncipherment", "keyAgreement"})

#: Server Gated Cryptography, Microsoft's and Netscape's, from before 2000: OpenSSL still takes them.
_SERVER_PURPOSES = frozenset({"serverAuth", "1.3.6.1.4.1.311.10.3.3", "2.16.840.1.113730.4.1"})


def allows_tls_server(der: bytes, *, is_leaf: bool) -> bool:
    """Whether its extended key usage, and a leaf's key usage, let the certificate stand in a server's path.

    RFC 5280 §4.2.1.12: used only for one of the purposes indicated. That this binds an authority's issued
    certificates too is what OpenSSL, NSS and the CA/Browser Forum made of it, and that
    anyExtendedKeyUsage alone does not do is what the RFC leaves to the application and OpenSSL decided.
    Extensions that cannot be read allow nothing.
    """
    try:
        extensions = parse_extensions(parse_certificate(der))
        purposes = parse_extended_key_usage(extensions)
        key_usage = parse_key_usage(extensions)
    except ValueError:
        return False
    if purposes and _SERVER_PURPOSES.isdisjoint(purposes):
        return False
    return not is_leaf or key_usage is None or not _TLS_KEY_USAGES.isdisjoint(key_usage)
