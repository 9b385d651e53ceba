"""The words in which senders report what went wrong: the result types of RFC 8460 §4.3."""

from enum import StrEnum


class ResultType(StrEnum):
    """Of negotiation (§4.3.1), of DANE (§4.3.2.1), of MTA-STS (§4.3.2.2), of all the rest (§4.3.3)."""

    starttls_not_supported = "starttls-not-supported"
    certificate_host_mismatch = "certificate-host-mismatch"
    certificate_expired = "certificate-expired"
    certificate_not_trusted = "certificate-not-trusted"
    validation_failure = "validation-failure"
    tlsa_invalid = "tlsa-invalid"
    dnssec_invalid = "dnssec-invalid"
    dane_required = "dane-required"
    sts_policy_fetch_error = "sts-policy-fetch-error"
    sts_policy_invalid = "sts-policy-invalid"
    sts_webpki_invalid = "sts-webpki-invalid"
