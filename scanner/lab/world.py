"""The shape of a world file: domains, what they publish, how their servers behave, what a scan must say."""

from typing import Literal

from msgspec import Struct

from scanner.outcomes import DnsStatus, HostFlag, RouteFlag, RouteKind

#: What is wrong with an answer: a response code, nothing at all, half a record, cut over UDP (and then well
#: or reset over TCP), well over UDP and reset over TCP, two CNAMEs that point at each other. "nxdomain" denies one
#: type of a name that exists. "bogus" is a signature that does not hold: SERVFAIL from a resolver that validates,
#: the records to who sets CD.
DnsFault = Literal[
    "servfail", "refused", "drop", "malformed", "truncate", "tcp_refused", "udp_only", "cname_loop", "nxdomain", "bogus"
]

#: What comes to a question: a fault; or in turn, one for each time it is asked, the last from then on: a fault,
#: "ok" (what the records say) or "is RDATA[; RDATA…]" (what they say by now). A question that comes by TCP after
#: a truncated answer, or alone after a malformed one, is asked once more.
DnsAnswers = DnsFault | tuple[str, ...]

GOOD_EXTENSIONS = ("PIPELINING", "SIZE 35882577", "ENHANCEDSTATUSCODES", "8BITMIME", "CHUNKING")
AuthMechanism = Literal["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"]


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a world file."""


class Manners(Part, frozen=True, kw_only=True):
    r"""What servers of every protocol do, as lists of steps. A step is a verb and its argument:

    - `send TEXT`: octets; `\r \n \t \xNN \\` as in Python, `{host}` is the server's name; no CRLF is added.
      What is sent without a wait between leaves in one segment
    - `wait SHARE`: that share of the stage's limit (1.0 is the limit itself)
    - `drip SHARE TEXT`: TEXT octet by octet, SHARE of the limit between two
    - `repeat N TEXT`: TEXT N times
    - `close`, `reset`, `silence`: end the connection by FIN or RST, or say nothing more and keep it open
    - `tls`: the server's side of the handshake; the steps after it are said over TLS
    - `swallow`: read what comes, answer nothing
    - `deafen`: read no more, so that a client can't send on once the kernel's buffers are full

    The stage `tls` is what happens instead of the handshake, once the client has begun it; a `tls` in it is
    the handshake itself, and a ClientHello of up to `small_hello_bytes` octets gets that in any case. A stage
    not given does what a good server does. `listener` false: nothing listens there; `blackhole`: every connect
    goes unanswered.

    `asks_client_certificate`: in the handshake; any will do, and none.

    A server may remember who came before. `visits` names the behaviours of its sessions in turn, the last one
    from then on. Of each `window_s` seconds it `allows` so many sessions (0: any number); to the others it is
    the behaviour `otherwise`.
    """

    about: str = ""
    listener: bool = True
    blackhole: bool = False
    tls: tuple[str, ...] | None = None
    tls_min: Literal["1.0", "1.1", "1.2", "1.3"] = "1.2"
    tls_max: Literal["1.0", "1.1", "1.2", "1.3"] = "1.3"
    ciphers: str = ""
    close_notify: bool = True
    asks_client_certificate: bool = False
    small_hello_bytes: int = 0
    visits: tuple[str, ...] = ()
    allows: int = 0
    window_s: float = 1.0
    otherwise: str = ""


class Behaviour(Manners, frozen=True, kw_only=True):
    """What a mail server does, stage by stage; `tls` stands in `starttls` after the 220, or first in `greeting`.

    `mail`, `rcpt`, `data` and `message` answer a command, or a message's end, that is in order; a 2yz (for `data`
    a 3yz) that begins them has it accepted. Mail from some `senders` and to some `recipients` is answered in its
    own way, by the first pattern that fits their address in lower case ("" is the null reverse path). `auth` stands
    in place of the verdict on what a client has said of himself; a 3yz there goes on asking.

    `extensions` are what EHLO offers, and the only ones whose commands and parameters are taken; the number of
    SIZE is the limit, or `max_message_bytes` is. AUTH is offered over TLS, and before it if `auth_before_tls`,
    where a client may still be sent away with it. Who has not done what is required is told so at MAIL; who is not
    authenticated may send to `local_domains` only, if there are any. A client's certificate, if it is asked for,
    authenticates.
    """

    greeting: tuple[str, ...] | None = None
    ehlo: tuple[str, ...] | None = None
    helo: tuple[str, ...] | None = None
    starttls: tuple[str, ...] | None = None
    ehlo_after_tls: tuple[str, ...] | None = None
    quit: tuple[str, ...] | None = None
    auth: tuple[str, ...] | None = None
    mail: tuple[str, ...] | None = None
    rcpt: tuple[str, ...] | None = None
    data: tuple[str, ...] | None = None
    message: tuple[str, ...] | None = None
    senders: dict[str, tuple[str, ...]] = {}
    recipients: dict[str, tuple[str, ...]] = {}
    offers_starttls: bool = True
    extensions: tuple[str, ...] = GOOD_EXTENSIONS
    max_message_bytes: int = 0
    auth_mechanisms: tuple[AuthMechanism, ...] = ()
    auth_before_tls: Literal["no", "offered", "taken"] = "no"
    requires_tls: bool = False
    requires_auth: bool = False
    local_domains: tuple[str, ...] = ()


class PolicyBehaviour(Manners, frozen=True, kw_only=True):
    """What the host of an MTA-STS policy does: when a client has connected, and when it has asked for the policy.

    In `response`, `{policy}` stands for the policy, `{length}` for the number of its octets, `{hex_length}` for the
    same in hexadecimal, `{gzipped}` and `{gzipped_length}` for what gzip makes of it. Whatever else is asked for is
    not found. All waits are shares of `limits.policy_s`.
    """

    opening: tuple[str, ...] = ("tls",)
    response: tuple[str, ...] | None = None


class CertificateKind(Part, frozen=True, kw_only=True):
    """How a certificate for a server's name is made.

    Trusted are the `authority`, and what has its `intermediate` or its `hidden` one; `private` sends its root too.
    A server has one key of each kind; `p256_next` is the one that follows `p256`.
    """

    about: str = ""
    names: tuple[str, ...] = ("{host}",)
    common_name: str = "{host}"
    starts_days: int = -30
    ends_days: int = 90
    issuer: Literal["authority", "intermediate", "hidden", "self", "stranger", "private"] = "authority"
    send_intermediate: bool = True
    key: Literal["p256", "p256_next", "rsa1024", "rsa2048"] = "p256"
    purpose: Literal["server", "client"] = "server"
    digest: Literal["sha256", "sha1"] = "sha256"
    damage: Literal["", "version_6", "impossible_date"] = ""
    extra_names: int = 0


class Server(Part, frozen=True, kw_only=True):
    """A server at one address; `host` is the name in its greeting, its replies and its certificate.

    `by_server_name`: for a client that asks for that name (SNI), a certificate of that kind, made for it. The
    name may be a pattern: `*` stands for every other name; the first that fits counts.
    """

    address: str
    host: str
    behaviour: str = "good"
    certificate: str = "good"
    by_server_name: dict[str, str] = {}


class PolicyHost(Part, frozen=True, kw_only=True):
    """The host of an MTA-STS policy, its name `host`, at one address.

    Several may share an address: each has its certificate, for who asks for its name, and its policy; their
    behaviour is one. `policy` is written as in `send`; with `padded_to`, one more field makes it that many octets.
    """

    address: str
    host: str
    behaviour: str = "good"
    certificate: str = "good"
    policy: str
    padded_to: int = 0


class NameServer(Part, frozen=True, kw_only=True):
    """A server with authority for some zones and what is below them; every other question it refuses.

    It says what is published, whatever the resolver makes of that (`Entry.dns`); its own `records` stand in place
    of those of the same name and type. Silent over TCP: no connect is answered.
    """

    address: str
    zones: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    udp: Literal["answers", "silent"] = "answers"
    tcp: Literal["answers", "refused", "silent"] = "answers"


class ExpectedHost(Part, frozen=True, kw_only=True):
    """One mail host of the record.

    An address line: `ADDRESS STAGE OUTCOME [LIMIT] [+FLAG…]`, or `ADDRESS - REASON [+FLAG…]` for one that was
    not contacted. `+FLAG?` is a flag that may be there or not: which of many names at one address are asked,
    and which are told by those, is up to chance. A line that comes to `done` or `ehlo_after_tls` means a trusted
    certificate for the host's name unless it goes on with what is wrong with it: `; none` at all, `; CODE REASON` as
    OpenSSL has it (0: trusted, and yet something), `; no_match` or `; only_common_name`.

    `dane`: `VALUE GROUND [BASE_DOMAIN]` (each ground has its requirement), and the TLSA records by their three
    numbers. Not given: the zone is not signed, `none addresses_insecure`; without an address `none no_address`;
    nothing for a name that is not looked up.
    """

    exchange: str
    preference: int | None = None
    a: DnsStatus = DnsStatus.ok
    aaaa: DnsStatus = DnsStatus.no_data
    flags: tuple[HostFlag, ...] = ()
    addresses: tuple[str, ...] = ()
    dane: str = ""
    matched: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    uncompared: tuple[str, ...] = ()


class Expectation(Part, frozen=True, kw_only=True):
    """What the record must say, completely.

    A verdict: `VALUE YES/NO/UNKNOWN [preferred=VALUE] [REASON…]`; `preferred` is VALUE unless given,
    `complete` is whether UNKNOWN is 0. A finding: `KIND SEVERITY SUBJECT`.

    `certificate_domain_name` not given: no certificate is for the mail domain itself, as is usual; its units are
    those of `certificate_name`, with no for yes.

    `dane`, `mta_sts`, `tls_rpt`: `VALUE [REASON…]`; without mail hosts the record has none of them. `policy` is the
    MTA-STS policy: `ID MODE MAX_AGE [MX…]`. `delivery` has lines `SENDER VALUE [incomplete] [FAILURE…]`; SENDER is
    `opportunistic`, `dane`, `mta_sts`, or `all`, which a later line may except one from. Not given: none of the
    three finds anything to insist on, and all units say the same: what does not accept mail fails; what does not
    do STARTTLS delivers; what does delivers_encrypted; of what nothing is known it is unknown, incomplete; and for
    who accepts no mail by intention there is no `delivery`.
    """

    kind: RouteKind
    flags: tuple[RouteFlag, ...] = ()
    dns_status: DnsStatus = DnsStatus.ok
    mx_total: int = 0
    hosts: tuple[ExpectedHost, ...] = ()
    reachable: str
    smtp: str
    starttls: str
    certificate_trusted: str
    certificate_name: str
    certificate_domain_name: str = ""
    dane: str = "none"
    mta_sts: str = "none"
    tls_rpt: str = "none"
    policy: str = ""
    delivery: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()


class Entry(Part, frozen=True, kw_only=True):
    """A domain of the world; `dns` maps `NAME TYPE` to what is wrong with its answer, or to its answers in turn.

    `records` are zone file lines `OWNER [TTL] [IN] TYPE RDATA`; every name is absolute, with or without its
    last dot. `$GENERATE FIRST-LAST LINE` stands for LINE with each of these numbers for `$` or `${OFFSET,WIDTH}`.
    A SOA record makes a zone; whatever is in none is in that of `lab`. The address of a server has a PTR record that
    leads to its host, unless there is another here, or `dns` denies it.
    `signed` are zones that a validating resolver finds secure, `insecure` such below them as it does not; what is
    in neither is insecure.
    The data of a TLSA record may be `{leaf:HOST}`, what its selector and matching type make of the certificate that
    the server of that name has, `{leaf:HOST/KIND}` of one of another kind for it, or `{ISSUER}` of an issuer's.
    `_25._tcp` stands for the port that mail servers have in a lab.
    `or_expect` are other records that are right as well, where the pace decides.
    """

    domain: str
    why: str
    records: tuple[str, ...] = ()
    dns: dict[str, DnsAnswers] = {}
    signed: tuple[str, ...] = ()
    insecure: tuple[str, ...] = ()
    servers: tuple[Server, ...] = ()
    name_servers: tuple[NameServer, ...] = ()
    policy_hosts: tuple[PolicyHost, ...] = ()
    expect: Expectation
    or_expect: tuple[Expectation, ...] = ()


class World(Part, frozen=True, kw_only=True):
    """A whole world: named behaviours and certificates, shared records, zones and servers, and its entries.

    `validates`: its resolver looks at signatures, and tells of them. `users` are the passwords of those who may
    authenticate at its mail servers; with XOAUTH2 the password is the token.
    """

    behaviours: dict[str, Behaviour]
    certificates: dict[str, CertificateKind]
    entries: tuple[Entry, ...]
    records: tuple[str, ...] = ()
    signed: tuple[str, ...] = ()
    insecure: tuple[str, ...] = ()
    validates: bool = True
    servers: tuple[Server, ...] = ()
    users: dict[str, str] = {}
    policy_behaviours: dict[str, PolicyBehaviour] = {}
    policy_hosts: tuple[PolicyHost, ...] = ()
