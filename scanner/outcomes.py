"""The closed lists: every word that a record may use for what was found. Their values are the JSON words."""

from enum import StrEnum


class RouteKind(StrEnum):
    """Where a domain receives mail (RFC 5321 §5.1, RFC 7505)."""

    mx = "mx"
    implicit_mx = "implicit_mx"
    null_mx = "null_mx"
    no_mail_host = "no_mail_host"
    nxdomain = "nxdomain"
    dns_failure = "dns_failure"
    invalid_name = "invalid_name"
    skipped = "skipped"


class DnsStatus(StrEnum):
    """How one DNS lookup ended."""

    ok = "ok"
    no_data = "no_data"
    nxdomain = "nxdomain"
    servfail = "servfail"
    refused = "refused"
    bogus = "bogus"
    timed_out = "timed_out"
    malformed = "malformed"
    cname_loop = "cname_loop"
    local_fault = "local_fault"
    not_asked = "not_asked"


class RouteFlag(StrEnum):
    domain_is_cname = "domain_is_cname"
    null_mx_with_others = "null_mx_with_others"
    null_mx_preference = "null_mx_preference"
    duplicate_mx = "duplicate_mx"
    mx_over_limit = "mx_over_limit"


class HostFlag(StrEnum):
    mx_is_cname = "mx_is_cname"
    mx_is_address_literal = "mx_is_address_literal"
    mx_is_localhost = "mx_is_localhost"
    mx_has_no_address = "mx_has_no_address"
    mx_nxdomain = "mx_nxdomain"
    addresses_over_limit = "addresses_over_limit"


class AddressFlag(StrEnum):
    not_public = "not_public"
    own_address = "own_address"
    opted_out = "opted_out"
    server_name_inferred = "server_name_inferred"
    shared_across_names = "shared_across_names"
    address_withdrawn = "address_withdrawn"
    attempts_differ = "attempts_differ"


class HostPurpose(StrEnum):
    """What a host was looked up for."""

    mail = "mail"
    policy = "policy"


class Stage(StrEnum):
    """Where a session ended; `done` once QUIT was sent, whatever came of it."""

    connect = "connect"
    greeting = "greeting"
    ehlo = "ehlo"
    helo = "helo"
    starttls = "starttls"
    tls = "tls"
    ehlo_after_tls = "ehlo_after_tls"
    auth = "auth"
    mail = "mail"
    rcpt = "rcpt"
    data = "data"
    message = "message"
    done = "done"


class Outcome(StrEnum):
    """How a session ended."""

    ok = "ok"
    refused = "refused"
    unreachable = "unreachable"
    timed_out = "timed_out"
    reset = "reset"
    closed = "closed"
    transient_negative = "transient_negative"
    permanent_negative = "permanent_negative"
    not_smtp = "not_smtp"
    malformed = "malformed"
    too_long = "too_long"
    tls_failed = "tls_failed"
    plaintext_after_starttls = "plaintext_after_starttls"
    deadline = "deadline"
    local_fault = "local_fault"
    cancelled = "cancelled"
    scanner_bug = "scanner_bug"


#: Sessions that ended so say nothing about the server: they are made again on resume and are no attempts.
OUTCOMES_OF_OURS = frozenset({Outcome.local_fault, Outcome.cancelled, Outcome.scanner_bug})


#: The `error_code` of a `tls_failed` that is not OpenSSL's: on a port of implicit TLS the server spoke in the clear.
PLAINTEXT_INSTEAD_OF_TLS = "plaintext instead of TLS"


class RetryOn(StrEnum):
    """Ends of a session that are worth a second attempt; `scanner_bug` is not: it would come again."""

    timed_out = "timed_out"
    deadline = "deadline"
    reset = "reset"
    closed = "closed"
    refused = "refused"
    unreachable = "unreachable"
    transient_negative = "transient_negative"
    tls_failed = "tls_failed"
    permanent_negative_greeting = "permanent_negative_greeting"
    local_fault = "local_fault"


class Cause(StrEnum):
    """Why a server refused, read from its reply."""

    rate_limited = "rate_limited"
    too_many_connections = "too_many_connections"
    blocklisted = "blocklisted"
    reverse_dns_required = "reverse_dns_required"
    ehlo_name_refused = "ehlo_name_refused"
    greylisted = "greylisted"
    tls_required = "tls_required"
    auth_required = "auth_required"
    relay_denied = "relay_denied"
    user_unknown = "user_unknown"
    mailbox_full = "mailbox_full"
    overloaded = "overloaded"
    policy = "policy"
    no_service = "no_service"
    other = "other"


class NotKnown(StrEnum):
    """Reasons of an unknown that are no outcome, no cause and no DNS status."""

    not_asked = "not_asked"
    not_public = "not_public"
    opted_out = "opted_out"
    own_address = "own_address"
    over_limit = "over_limit"
    no_ipv6 = "no_ipv6"
    vantage = "vantage"
    not_yet_probed = "not_yet_probed"
    certificate_differs_by_name = "certificate_differs_by_name"
    masked = "masked"


class Variant(StrEnum):
    survey = "survey"
    without_tls = "without_tls"
    small_hello = "small_hello"
    policy = "policy"
    check = "check"
    send = "send"


class StarttlsResult(StrEnum):
    done = "done"
    not_offered = "not_offered"
    masked = "masked"
    refused = "refused"
    failed = "failed"
    not_reached = "not_reached"


class TlsMode(StrEnum):
    """How `send` asks for TLS: by STARTTLS and not without, from the first octet, never, or if it is offered."""

    starttls = "starttls"
    implicit = "implicit"
    none = "none"
    opportunistic = "opportunistic"


class Stop(StrEnum):
    """Why `send` went no further of its own accord."""

    as_asked = "as_asked"
    starttls_not_offered = "starttls_not_offered"
    tls_not_trusted = "tls_not_trusted"
    auth_in_the_clear = "auth_in_the_clear"
    auth_not_offered = "auth_not_offered"
    no_mechanism = "no_mechanism"
    message_too_large = "message_too_large"
    smtputf8_not_offered = "smtputf8_not_offered"
    eight_bit_mime_not_offered = "eight_bit_mime_not_offered"
    no_recipient = "no_recipient"


class PolicyStage(StrEnum):
    """Where the fetch of an MTA-STS policy ended; `done` once a whole response was read."""

    connect = "connect"
    tls = "tls"
    response = "response"
    done = "done"


class SessionFlag(StrEnum):
    """Departures from the letter of RFC 5321 that did not stop the session."""

    bare_lf = "bare_lf"
    reply_line_over_512 = "reply_line_over_512"
    reply_code_outside_grammar = "reply_code_outside_grammar"
    ehlo_line_outside_grammar = "ehlo_line_outside_grammar"
    greeting_masked = "greeting_masked"
    extra_data_after_reply = "extra_data_after_reply"
    transcript_cut = "transcript_cut"


class VerdictValue(StrEnum):
    yes = "yes"
    no = "no"
    mixed = "mixed"
    unknown = "unknown"
    not_applicable = "not_applicable"


class PolicyValue(StrEnum):
    """What is published of a policy (DANE, MTA-STS, TLS-RPT): nothing, or something, and whether it holds."""

    none = "none"
    valid = "valid"
    invalid = "invalid"
    unusable = "unusable"
    unknown = "unknown"


class PolicyReason(StrEnum):
    """Reasons of the verdicts on policies that are no result type of RFC 8460, no ground and no other reason."""

    no_validating_resolver = "no_validating_resolver"
    mx_insecure = "mx_insecure"
    mx_not_validated = "mx_not_validated"
    mode_none = "mode_none"
    tls_rpt_invalid = "tls-rpt-invalid"


class Severity(StrEnum):
    """error: mail is lost or exposed; warning: it may be, or could not be told; notice: worth knowing."""

    error = "error"
    warning = "warning"
    notice = "notice"


class FindingKind(StrEnum):
    """What a finding is about; RFC 8460 §4.3 words where it has one."""

    # The domain
    invalid_name = "invalid-name"
    domain_does_not_exist = "domain-does-not-exist"
    no_mail_host = "no-mail-host"
    dns_failure = "dns-failure"
    null_mx_with_others = "null-mx-with-others"
    null_mx_preference = "null-mx-preference"
    implicit_mx = "implicit-mx"
    duplicate_mx = "duplicate-mx"
    mx_over_limit = "mx-over-limit"
    moved_away = "moved-away"
    sts_policy_fetch_error = "sts-policy-fetch-error"
    sts_policy_invalid = "sts-policy-invalid"
    sts_webpki_invalid = "sts-webpki-invalid"
    tls_rpt_invalid = "tls-rpt-invalid"
    dane_mx_insecure = "dane-mx-insecure"
    # A mail host
    mx_is_cname = "mx-is-cname"
    mx_is_address_literal = "mx-is-address-literal"
    mx_is_localhost = "mx-is-localhost"
    mx_does_not_exist = "mx-does-not-exist"
    mx_has_no_address = "mx-has-no-address"
    mx_lookup_failed = "mx-lookup-failed"
    addresses_over_limit = "addresses-over-limit"
    tlsa_invalid = "tlsa-invalid"
    dnssec_invalid = "dnssec-invalid"
    dane_rollover = "dane-rollover"
    pool_members_differ = "pool-members-differ"
    certificate_differs_by_name = "certificate-differs-by-name"
    # An address of a mail host
    address_not_public = "address-not-public"
    connection_refused = "connection-refused"
    host_unreachable = "host-unreachable"
    timed_out = "timed-out"
    session_deadline = "session-deadline"
    connection_reset = "connection-reset"
    connection_closed = "connection-closed"
    temporary_refusal = "temporary-refusal"
    service_refused = "service-refused"
    refused_us = "refused-us"
    not_smtp = "not-smtp"
    malformed_reply = "malformed-reply"
    reply_too_long = "reply-too-long"
    ehlo_refused = "ehlo-refused"
    bare_lf = "bare-lf"
    reply_line_over_512 = "reply-line-over-512"
    reply_code_outside_grammar = "reply-code-outside-grammar"
    starttls_not_supported = "starttls-not-supported"
    starttls_masked = "starttls-masked"
    tls_handshake_failed = "tls-handshake-failed"
    large_client_hello = "large-client-hello"
    plaintext_after_starttls = "plaintext-after-starttls"
    plaintext_instead_of_tls = "plaintext-instead-of-tls"
    tls_version_old = "tls-version-old"
    certificate_expired = "certificate-expired"
    certificate_not_yet_valid = "certificate-not-yet-valid"
    certificate_not_trusted = "certificate-not-trusted"
    certificate_host_mismatch = "certificate-host-mismatch"
    certificate_name_in_cn_only = "certificate-name-in-cn-only"
    certificate_weak_key = "certificate-weak-key"
    certificate_weak_signature = "certificate-weak-signature"
    certificate_unreadable = "certificate-unreadable"
    certificate_expires_soon = "certificate-expires-soon"
    validation_failure = "validation-failure"
    attempts_differ = "attempts-differ"
    scanner_fault = "scanner-fault"


class ChangeKind(StrEnum):
    """What changed of a domain from one run to another; what tells most of a cause stands first."""

    nxdomain = "nxdomain"
    moved_away = "moved_away"
    route_kind_changed = "route_kind_changed"
    mx_changed = "mx_changed"
    starttls_lost = "starttls_lost"
    dane_broken = "dane_broken"
    mta_sts_broken = "mta_sts_broken"
    certificate_expires = "certificate_expires"
    finding_new = "finding_new"
    finding_changed = "finding_changed"
    finding_fixed = "finding_fixed"
    verdict_changed = "verdict_changed"
    certificate_changed = "certificate_changed"
    added = "added"
    gone = "gone"


class Effect(StrEnum):
    """What a change means; not_known: it could be told before, known_now: it could not. Neither is a worse."""

    worse = "worse"
    not_known = "not_known"
    other = "other"
    known_now = "known_now"
    better = "better"
