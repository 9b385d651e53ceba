"""What a run says: one Struct a line of its files, in the order of its keys. The words are in outcomes.py.

`mxscan schema` is made from these; reading refuses unknown fields and words that are not on the lists.
Times are text in UTC with milliseconds and `Z`; what came over the wire is escaped as wire_text.py says.
"""

from typing import Annotated, Any

from msgspec import Meta, Struct

from scanner.outcomes import (
    AddressFlag,
    Cause,
    ChangeKind,
    DnsStatus,
    Effect,
    FindingKind,
    HostFlag,
    HostPurpose,
    Outcome,
    PolicyStage,
    PolicyValue,
    RouteFlag,
    RouteKind,
    SessionFlag,
    Severity,
    Stage,
    StarttlsResult,
    Stop,
    TlsMode,
    Variant,
    VerdictValue,
)
from scanner.policy.mta_sts import StsMode
from scanner.policy.result_types import ResultType
from scanner.policy.senders import Delivery
from scanner.policy.tls_discovery import Ground, Requirement
from scanner.tls.identity import NameMatch

#: The number in run.json that says which of these layouts a run directory has.
FORMAT = 1

#: `lines` of a domain lists this many of its input lines, and `input` this many octets of one.
MAX_LINES_LISTED = 100
MAX_INPUT_OCTETS = 1024

Time = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
EscapedText = Annotated[str, Meta(pattern=r"^(?:[ -\[\]-~]|\\x[0-9A-F]{2})*$")]
#: Words of ours, with what came over the wire escaped within them: no control, so inert wherever it is shown.
Words = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
#: A line of a transcript. A lone backslash at its end says that no end of line followed.
TranscriptText = Annotated[str, Meta(pattern=r"^(?:[ -\[\]-~]|\\x[0-9A-F]{2})*\\?$")]
TargetId = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$")]
SessionId = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\.[1-9][0-9]*\.[a-z_]+$")]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
#: A TLSA record as a zone file has it (RFC 6698 §2.2).
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
TlsaText = Annotated[str, Meta(pattern=rf"^{_OCTET} {_OCTET} {_OCTET}(?: (?:[0-9a-f]{{2}})+)?$")]
Count = Annotated[int, Meta(ge=0)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Milliseconds = Annotated[float, Meta(ge=0)]
Metadata = dict[str, str]


class Record(Struct, frozen=True, forbid_unknown_fields=True):
    """A line of a run's file, or a part of one."""


# input.jsonl ------------------------------------------------------------------------------------------


class InputLine(Record, frozen=True, kw_only=True):
    """One line of the input: the domain it names, or the reason why it names none."""

    line: Annotated[int, Meta(ge=1)]
    input: EscapedText
    domain: str | None
    reason: str | None = None
    meant: str | None = None
    metadata: Metadata = {}


# routes-*.jsonl ---------------------------------------------------------------------------------------


class Mx(Record, frozen=True, kw_only=True):
    """One MX record; `preference` is null for the implicit MX."""

    preference: Annotated[int, Meta(ge=0, le=65535)] | None
    exchange: EscapedText
    flags: tuple[HostFlag, ...] = ()


class TxtLookup(Record, frozen=True, kw_only=True):
    """The TXT records of a name: each a list of its character-strings."""

    dns_status: DnsStatus
    records: tuple[tuple[EscapedText, ...], ...] = ()


class Route(Record, frozen=True, kw_only=True):
    """Where a domain receives mail, as one attempt found it, and what it publishes about TLS (null: not asked)."""

    domain: str
    attempt: Annotated[int, Meta(ge=1)]
    kind: RouteKind
    flags: tuple[RouteFlag, ...]
    dns_status: DnsStatus
    ttl_s: Count | None
    asked_at: Time | None
    ms: Milliseconds
    cname_chain: tuple[EscapedText, ...]
    ad: bool | None
    mx_total: Count
    mx: tuple[Mx, ...]
    mta_sts: TxtLookup | None = None
    tls_rpt: TxtLookup | None = None


# hosts-*.jsonl ----------------------------------------------------------------------------------------


class HostAddress(Record, frozen=True, kw_only=True):
    address: str
    flags: tuple[AddressFlag, ...] = ()


class AddressLookup(Record, frozen=True, kw_only=True):
    """The answer for one address family of a mail host."""

    dns_status: DnsStatus
    ttl_s: Count | None
    addresses: tuple[HostAddress, ...]
    cname_chain: tuple[EscapedText, ...]
    ad: bool | None
    asked_at: Time | None
    ms: Milliseconds


class TlsaLookup(Record, frozen=True, kw_only=True):
    """The TLSA records of a candidate for the base domain (RFC 7672 §2.2.2), as zone file text."""

    base_domain: EscapedText
    dns_status: DnsStatus
    ad: bool | None
    records: tuple[TlsaText, ...] = ()


class Host(Record, frozen=True, kw_only=True):
    """A mail host, or the host of an MTA-STS policy, and its addresses, as one attempt found them.

    `tlsa` has the lookups that were made, in their order (null: none was to be made), `tlsa_base_domain` where
    usable records were found, which is the name to ask for in the handshake; `alias_ad` is the AD bit of the
    host's own CNAME record, where that matters.
    """

    exchange: EscapedText
    attempt: Annotated[int, Meta(ge=1)]
    a: AddressLookup
    aaaa: AddressLookup
    purpose: HostPurpose = HostPurpose.mail
    tlsa: tuple[TlsaLookup, ...] | None = None
    tlsa_base_domain: EscapedText | None = None
    alias_ad: bool | None = None


# targets-*.jsonl --------------------------------------------------------------------------------------


class Target(Record, frozen=True, kw_only=True):
    """A distinct (address, port, server name) of the plan; `queue` is the address's network."""

    target: TargetId
    address: str
    port: Port
    server_name: str
    pace_group: str
    queue: str


# sessions-*.jsonl -------------------------------------------------------------------------------------


class ReplyRecord(Record, frozen=True, kw_only=True):
    """One complete reply: its code, its enhanced status code (RFC 3463) and the text of its lines."""

    code: Annotated[int, Meta(ge=200, le=599)]
    enhanced_code: Annotated[str, Meta(pattern=r"^[245]\.\d{1,3}\.\d{1,3}$")] | None
    lines: tuple[EscapedText, ...]


class Replies(Record, frozen=True, kw_only=True):
    """Replies by the stage that asked for them; null where none came."""

    greeting: ReplyRecord | None = None
    ehlo: ReplyRecord | None = None
    helo: ReplyRecord | None = None
    starttls: ReplyRecord | None = None
    ehlo_after_tls: ReplyRecord | None = None
    mail: ReplyRecord | None = None
    rcpt: tuple[ReplyRecord, ...] = ()
    quit: ReplyRecord | None = None


class Starttls(Record, frozen=True, kw_only=True):
    offered: bool
    masked: bool
    result: StarttlsResult


class TlsRecord(Record, frozen=True, kw_only=True):
    """What the handshake gave; `chain` is the served certificates by SHA-256, the leaf first."""

    version: str | None = None
    cipher: str | None = None
    group: str | None = None
    chain: tuple[Sha256, ...] = ()
    alert: str | None = None


class Timings(Record, frozen=True, kw_only=True):
    """How long each stage took; null where it was not reached."""

    connect: Milliseconds | None = None
    greeting: Milliseconds | None = None
    ehlo: Milliseconds | None = None
    helo: Milliseconds | None = None
    starttls: Milliseconds | None = None
    tls: Milliseconds | None = None
    ehlo_after_tls: Milliseconds | None = None
    mail: Milliseconds | None = None
    rcpt: Milliseconds | None = None
    quit: Milliseconds | None = None


class ByteCounts(Record, frozen=True, kw_only=True):
    read: Count
    written: Count


class SessionRecord(Record, frozen=True, kw_only=True):
    """One SMTP session: what was said to a target, how far it went and how it ended."""

    session: SessionId
    target: TargetId
    run: str
    address: str
    port: Port
    server_name: str
    variant: Variant
    attempt: Annotated[int, Meta(ge=1)]
    start: Annotated[int, Meta(ge=1)]
    source_address: str | None
    ehlo_name: str
    host_asked_at: Time | None
    started_at: Time
    ended_at: Time
    stage: Stage
    outcome: Outcome
    limit: str | None
    limit_s: float | None
    limit_bytes: Count | None
    error: str | None
    error_code: str | None
    cause: Cause | None
    about_us: bool | None
    replies: Replies
    extensions: dict[EscapedText, EscapedText] | None
    extensions_after_tls: dict[EscapedText, EscapedText] | None
    starttls: Starttls
    tls: TlsRecord | None
    timings_ms: Timings
    bytes: ByteCounts
    flags: tuple[SessionFlag, ...]


# transcripts-*.jsonl ----------------------------------------------------------------------------------


class Speaker:
    """Who said a line of a transcript."""

    server = "S"
    client = "C"
    remark = "*"


#: Seconds since the session began, who (`S`, `C`, `*`), and the line.
TranscriptLine = tuple[Annotated[float, Meta(ge=0)], Annotated[str, Meta(pattern=r"^[SC*]$")], TranscriptText]


class Transcript(Record, frozen=True, kw_only=True):
    """Every line of a session, by whom and when; there is one for every session, also if nothing connected."""

    session: SessionId
    lines: tuple[TranscriptLine, ...]


class Transaction(Record, frozen=True, kw_only=True):
    """What became of MAIL and RCPT in a session of `check`, which itself ended well before; in no file of a run.

    `stage` is `mail`, `rcpt`, or `done` once the recipient was accepted; the replies stand in the session's record.
    """

    session: SessionId
    stage: Stage
    outcome: Outcome
    limit: str | None = None
    limit_s: float | None = None
    limit_bytes: Count | None = None
    error: str | None = None
    error_code: str | None = None
    cause: Cause | None = None
    about_us: bool | None = None


# A sending ---------------------------------------------------------------------------------------------


class SendReplies(Replies, frozen=True, kw_only=True):
    """Those of a session, and of what only `send` says; `rcpt` has one for each recipient that was asked for."""

    auth: ReplyRecord | None = None
    data: ReplyRecord | None = None
    message: ReplyRecord | None = None


class SendTimings(Timings, frozen=True, kw_only=True):
    """Those of a session, and of what only `send` says; a stage of several replies has their sum."""

    auth: Milliseconds | None = None
    data: Milliseconds | None = None
    message: Milliseconds | None = None


class Recipient(Record, frozen=True, kw_only=True):
    """A recipient of a message: the reply to its RCPT (null: it was not said), and why it was refused."""

    mailbox: Words
    accepted: bool
    reply: ReplyRecord | None = None
    cause: Cause | None = None
    about_us: bool | None = None


class SendRecord(SessionRecord, frozen=True, kw_only=True):
    """A session of `send`, in no file of a run: what any session has, and what became of the message.

    `stop` says why we went no further of our own accord, `tls_problem` what is wrong with the handshake for this
    purpose, `auth_failure` what the server said of a failed AUTH before its reply. `message_octets` and
    `message_sha256` are of the message that was said after DATA, null if none was. `delivered` is null if the
    session ended after the message was said and before a reply to it: then nobody here knows.
    """

    replies: SendReplies
    timings_ms: SendTimings
    tls_mode: TlsMode
    stop: Stop | None
    tls_problem: Words | None
    mechanism: str | None
    auth_failure: EscapedText | None
    recipients: tuple[Recipient, ...]
    dsn_left_out: bool
    message_octets: Count | None
    message_sha256: Sha256 | None
    delivered: bool | None


# policies-*.jsonl -------------------------------------------------------------------------------------


class Policy(Record, frozen=True, kw_only=True):
    """The fetch of a domain's MTA-STS policy (RFC 8461 §3.3), as one attempt went.

    `outcome` is `ok` if a whole HTTP response was read, whatever its status; `body` is what came of it, escaped
    as all that comes over the wire, cut at the limit. A redirect is not followed: `location` says where to.
    """

    policy_domain: str
    attempt: Annotated[int, Meta(ge=1)]
    policy_host: str
    address: str
    port: Port
    run: str
    start: Annotated[int, Meta(ge=1)]
    source_address: str | None
    started_at: Time
    ended_at: Time
    stage: PolicyStage
    outcome: Outcome
    limit: str | None
    limit_s: float | None
    limit_bytes: Count | None
    error: str | None
    error_code: str | None
    tls: TlsRecord | None
    http_status: Annotated[int, Meta(ge=100, le=999)] | None
    content_type: EscapedText | None
    location: EscapedText | None
    body: EscapedText | None
    bytes: ByteCounts


# certificates-*.jsonl ---------------------------------------------------------------------------------


class Certificate(Record, frozen=True, kw_only=True):
    """A certificate described field by field; what could not be read is null and named in `parse_errors`."""

    sha256: Sha256
    der: bytes
    spki_sha256: Sha256 | None
    subject: EscapedText | None
    issuer: EscapedText | None
    common_names: tuple[EscapedText, ...] | None
    serial: Annotated[str, Meta(pattern=r"^-?[0-9a-f]+$")] | None
    dns_names: tuple[EscapedText, ...] | None
    ip_addresses: tuple[EscapedText, ...] | None
    not_before: Time | None
    not_after: Time | None
    key_type: str | None
    key_bits: Count | None
    signature_algorithm: str | None
    is_ca: bool | None
    is_self_issued: bool | None
    extended_key_usage: tuple[str, ...] | None
    parse_errors: dict[str, EscapedText]


# events.jsonl -----------------------------------------------------------------------------------------


class Event(Record, frozen=True, kw_only=True):
    """What happened to the run; `detail` has the words of the event."""

    at: Time
    start: Annotated[int, Meta(ge=1)]
    event: str
    detail: dict[str, str | float | bool | None] = {}


# run.json, judge.json ---------------------------------------------------------------------------------


class InputSource(Record, frozen=True, kw_only=True):
    """Where the list came from and what its lines were taken for."""

    source: str
    sha256: Sha256
    lines: Count
    distinct_domains: Count
    invalid_lines: Count
    column: str | None
    remarks: tuple[str, ...] = ()


class Start(Record, frozen=True, kw_only=True):
    """One start of the run: the first, or a resumption."""

    start: Annotated[int, Meta(ge=1)]
    at: Time
    version: str
    host: str
    command_line: tuple[str, ...]
    changed_settings: tuple[str, ...] = ()
    loop: str
    no_ipv6: bool
    resolver_validates: bool | None = None
    end: Time | None = None
    exit: int | None = None
    reason: str | None = None


class Run(Record, frozen=True, kw_only=True):
    """run.json: what was asked for, and each start of it."""

    format: int
    run: str
    version: str
    settings: dict[str, Any]
    input: InputSource
    resolver: tuple[str, ...]
    ehlo_name: str
    seed: int
    partitions: Annotated[int, Meta(ge=1)]
    roots_sha256: Sha256
    roots_source: str
    public_suffix_version: str
    lab: bool
    starts: tuple[Start, ...]
    counters: dict[str, int]


class JudgeInfo(Record, frozen=True, kw_only=True):
    """judge.json: which rules judged the run, and when."""

    rules: int
    version: str
    judged_at: Time


# domains.jsonl ----------------------------------------------------------------------------------------


class MailRoute(Record, frozen=True, kw_only=True):
    kind: RouteKind
    flags: tuple[RouteFlag, ...]
    dns_status: DnsStatus
    mx_total: Count


class JudgedCertificate(Record, frozen=True, kw_only=True):
    """The certificate of an address: whether OpenSSL trusts its path, and if not, why (its numeric code).

    `name` is how it fits the MX host; `days_left` are whole days from the session on, negative once expired.
    """

    sha256: Sha256
    trusted: bool | None
    code: int | None
    reason: Words
    name: NameMatch | None
    not_after: Time | None
    days_left: int | None


class JudgedDane(Record, frozen=True, kw_only=True):
    """What a mail host's DNS requires of a DANE sender (RFC 7672 §2.2), why, and what came of it at its addresses.

    Every TLSA record at the base domain is in one of three: it matched at an address, or at none of those that
    were compared, or was not compared (unusable, a weaker digest, or there was no certificate to compare with).
    """

    value: PolicyValue
    requirement: Requirement
    ground: Ground
    base_domain: EscapedText | None
    matched: tuple[TlsaText, ...] = ()
    unmatched: tuple[TlsaText, ...] = ()
    uncompared: tuple[TlsaText, ...] = ()


class JudgedPolicy(Record, frozen=True, kw_only=True):
    """A domain's MTA-STS policy, as its senders read it."""

    id: str
    mode: StsMode
    max_age_s: Count
    mx: tuple[str, ...]


class JudgedAddress(Record, frozen=True, kw_only=True):
    """An address of a mail host and how its last counted session ended; `reason` says why there is none."""

    address: str
    sessions: tuple[SessionId, ...]
    stage: Stage | None
    outcome: Outcome | None
    limit: str | None
    reason: str | None
    flags: tuple[AddressFlag, ...]
    certificate: JudgedCertificate | None = None


class JudgedHost(Record, frozen=True, kw_only=True):
    preference: Annotated[int, Meta(ge=0, le=65535)] | None
    exchange: EscapedText
    flags: tuple[HostFlag, ...]
    a_status: DnsStatus
    aaaa_status: DnsStatus
    addresses: tuple[JudgedAddress, ...]
    dane: JudgedDane | None = None


class Verdict(Record, frozen=True, kw_only=True):
    """A claim about a domain: how many of its units say yes, no and unknown, and why unknown."""

    value: VerdictValue
    yes: Count
    no: Count
    unknown: Count
    complete: bool
    preferred: VerdictValue
    reasons: tuple[str, ...]


class PolicyVerdict(Record, frozen=True, kw_only=True):
    """Whether something is published, and whether it holds; `reasons` say why it does not, or is not known."""

    value: PolicyValue
    reasons: tuple[str, ...] = ()


class SenderVerdict(Record, frozen=True, kw_only=True):
    """What becomes of a message from one kind of sender; `failures` are what its reports would name.

    `complete` is false if a server that may be tried before could not be judged.
    """

    value: Delivery
    complete: bool
    failures: tuple[ResultType, ...] = ()


class DeliveryVerdicts(Record, frozen=True, kw_only=True):
    """What becomes of a message from each kind of sender."""

    opportunistic: SenderVerdict
    dane: SenderVerdict
    mta_sts: SenderVerdict


class Verdicts(Record, frozen=True, kw_only=True):
    """`expected_mx` is null unless an expectation was given, `delivery` for who accepts no mail by intention.

    `certificate_domain_name` is whether certificates are for the mail domain itself: no sender asks for that.
    The verdicts on policies are null where they were not looked for.
    """

    reachable: Verdict
    smtp: Verdict
    starttls: Verdict
    certificate_trusted: Verdict
    certificate_name: Verdict
    certificate_domain_name: Verdict | None = None
    dane: PolicyVerdict | None = None
    mta_sts: PolicyVerdict | None = None
    tls_rpt: PolicyVerdict | None = None
    delivery: DeliveryVerdicts | None = None
    expected_mx: Verdict | None = None


class Finding(Record, frozen=True, kw_only=True):
    """Something to know about: what, where, the proof, and what to do about it."""

    kind: FindingKind
    severity: Severity
    subject: Words
    evidence: Words
    session: SessionId | None
    fix: str


class Domain(Record, frozen=True, kw_only=True):
    """The product: everything known about one domain, or about a line that is none."""

    domain: str | None
    line: Annotated[int, Meta(ge=1)] | None
    lines: tuple[int, ...]
    lines_total: Annotated[int, Meta(ge=1)]
    input: EscapedText
    metadata: Metadata
    metadata_more: tuple[Metadata, ...]
    mail_route: MailRoute
    mail_hosts: tuple[JudgedHost, ...]
    verdicts: Verdicts
    findings: tuple[Finding, ...]
    policy: JudgedPolicy | None = None


# Between two runs -------------------------------------------------------------------------------------


class Change(Record, frozen=True, kw_only=True):
    """One thing that differs between two records of a domain; no line of a run's files.

    `hosts` are the mail hosts that it belongs to, by preference: one, where it is about that host, else all of
    the domain's. `subject` is a mail host, or one at an address (`mx1.example.org [192.0.2.1]`), null for the
    domain itself. `name` is the verdict or the kind of finding, null where `kind` says it all. `before` and
    `after` are words, null where there was or is nothing. `evidence` and `session` show it at this domain; the
    session is one of the later run, or, of a finding that is gone, of the earlier one.
    """

    domain: str
    kind: ChangeKind
    effect: Effect
    severity: Severity
    hosts: tuple[EscapedText, ...]
    subject: Words | None = None
    name: str | None = None
    before: Words | None = None
    after: Words | None = None
    evidence: Words = ""
    session: SessionId | None = None


class SharedChange(Record, frozen=True, kw_only=True):
    """What changes of many domains have in common, if they have one cause; `provider` is whose the hosts are."""

    effect: Effect
    severity: Severity
    kind: ChangeKind
    name: str | None
    provider: str | None
    hosts: tuple[EscapedText, ...]
    subject: Words | None
    before: Words | None
    after: Words | None


#: The file (without its ending) and the record of each of its lines; * marks sets of parts.
RECORDS: dict[str, type[Record]] = {
    "run": Run,
    "input": InputLine,
    "routes": Route,
    "hosts": Host,
    "targets": Target,
    "sessions": SessionRecord,
    "transcripts": Transcript,
    "certificates": Certificate,
    "policies": Policy,
    "events": Event,
    "domains": Domain,
    "judge": JudgeInfo,
}
