"""Keys and signatures that are too weak to rely on, with the evidence in words."""

from scanner.tls.certificates import CertificateDescription

#: NIST SP 800-131A rev. 2 §3: less than 112 bits of strength is disallowed.
MIN_RSA_BITS = 2048
MIN_EC_BITS = 224

#: RFC 6149 (MD2), RFC 6150 (MD4), RFC 6151 (MD5), RFC 9155 and NIST SP 800-131A rev. 2 §9 (SHA-1).
_WEAK_SIGNATURES = {
    "md2WithRSAEncryption": "MD2",
    "md4WithRSAEncryption": "MD4",
    "md5WithRSAEncryption": "MD5",
    "sha1WithRSAEncryption": "SHA-1",
    "dsaWithSHA1": "SHA-1",
    "ecdsa-with-SHA1": "SHA-1",
}


def weak_key(description: CertificateDescription) -> str | None:
    """What is weak about the key; None if nothing is, or its type or size is not known."""
    bits = description.key_bits
    match description.key_type:
        case "dsa":
            return "a DSA key"  # FIPS 186-5: no longer approved, at any size
        case "rsa" | "rsa-pss" if bits is not None and bits < MIN_RSA_BITS:
            return f"an RSA key of {bits} bits, less than {MIN_RSA_BITS}"
        case "ec" if bits is not None and bits < MIN_EC_BITS:
            return f"an EC key of {bits} bits, less than {MIN_EC_BITS}"
        case _:
            return None


def weak_signature(description: CertificateDescription) -> str | None:
    """What is weak about the signature; None if nothing is, or if nobody relies on it.

    Nobody relies on the signature of a self-issued certificate: a root is trusted for being in the store, and
    a self-signed leaf is not trusted at all. The digest of `rsassaPss` stands in its parameters and is not
    looked at.
    """
    digest = _WEAK_SIGNATURES.get(description.signature_algorithm or "")
    if digest is None or description.is_self_issued:
        return None
    return f"signed with {digest} ({description.signature_algorithm})"
