"""Mail hosts with certificates, TLSA records and policies, as the files of a run would have them."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from msgspec.structs import replace

from scanner.judgement.certificates import ChainJudge
from scanner.judgement.domains import judge_domain
from scanner.judgement.hosts import HostJudgement, judge_host
from scanner.judgement.mta_sts import NO_POLICIES, FoundPolicies
from scanner.judgement.policy_fetches import PolicyFetch, reduce_fetch
from scanner.judgement.vantage_windows import VantageWindows
from scanner.outcomes import DnsStatus, HostPurpose, Outcome, PolicyStage, RouteKind
from scanner.policy.tlsa import TlsaRecord
from scanner.records import (
    ByteCounts,
    Domain,
    Host,
    Mx,
    Policy,
    Route,
    SessionRecord,
    TlsaLookup,
    TlsRecord,
    TxtLookup,
)
from scanner.wire_text import escape_octets
from tests.policy.test_dane import tlsa
from tests.tls.issuing import DAY, NOW, Issued, authority, dns_names, issue

from .found import DOMAIN, ROOT, ROOTS, facts_of, found, host, lines, looked_up, mx, options, route
from .sessions import ADDRESS, MX, session

POLICY_HOST = f"mta-sts.{DOMAIN}"

ANCHOR = authority("Anchor", by=ROOT)
LEAF = issue(by=ROOT, extensions=[dns_names(MX)])
OTHER_NAME = issue(by=ROOT, extensions=[dns_names("other.example.net")])
EXPIRED = issue(by=ROOT, extensions=[dns_names(MX)], ends=NOW - DAY)
SELF_SIGNED = issue(extensions=[dns_names(MX)])
BELOW_ANCHOR = issue(by=ANCHOR, extensions=[dns_names(MX)])
FOR_DOMAIN = issue(by=ANCHOR, extensions=[dns_names(DOMAIN)])
FOR_POLICY_HOST = issue(POLICY_HOST, by=ROOT, extensions=[dns_names(POLICY_HOST)])
EXPIRED_POLICY_HOST = issue(POLICY_HOST, by=ROOT, extensions=[dns_names(POLICY_HOST)], ends=NOW - DAY)
_KNOWN = (
    ROOT,
    ANCHOR,
    LEAF,
    OTHER_NAME,
    EXPIRED,
    SELF_SIGNED,
    BELOW_ANCHOR,
    FOR_DOMAIN,
    FOR_POLICY_HOST,
    EXPIRED_POLICY_HOST,
)
UNREADABLE = b"no certificate"
CERTIFICATES = [*(issued.der for issued in _KNOWN), UNREADABLE]

EE = tlsa("3 1 1", LEAF)
EE_OTHER = tlsa("3 1 1", OTHER_NAME)
TA = tlsa("2 0 1", ANCHOR)
UNUSABLE = tlsa("1 1 1", LEAF)

#: The sessions with the addresses of MX.
Sessions = Mapping[str, SessionRecord]


def chain(*issued: Issued | bytes) -> TlsRecord:
    """A handshake in which these were served."""
    ders = [one if isinstance(one, bytes) else one.der for one in issued]
    return TlsRecord(version="TLSv1.3", chain=tuple(sha256(der).hexdigest() for der in ders))


def served(*issued: Issued, **changes: Any) -> SessionRecord:
    """A good session in which these were served."""
    return session(tls=chain(*issued), **changes)


def secure_host(
    *records: TlsaRecord,
    addresses: tuple[str, ...] = (ADDRESS,),
    status: DnsStatus = DnsStatus.ok,
    ad: bool | None = True,
    secure: bool | None = True,
) -> Host:
    """A mail host whose addresses are so secure, with the answer to TLSA at its own name (none if insecure)."""
    answered = DnsStatus.no_data if status is DnsStatus.ok and not records else status
    lookup = TlsaLookup(base_domain=MX, dns_status=answered, ad=ad, records=tuple(map(str, records)))
    is_found = answered is DnsStatus.ok and ad is True
    return replace(
        host(replace(looked_up(*addresses), ad=secure)),
        tlsa=(lookup,) if secure else None,
        tlsa_base_domain=MX if is_found and any(record != UNUSABLE for record in records) else None,
    )


def judged_host(
    one: Host,
    sessions: Sessions | None = None,
    *,
    validates: bool | None = True,
    references: tuple[str, ...] = (),
    server_name: str = MX,
) -> HostJudgement:
    """The host judged after these sessions with its addresses, under a server name."""
    held = {(server_name, address): record for address, record in (sessions or {}).items()}
    return judge_host(mx(), one, facts_of(held, certificates=CERTIFICATES), options(validates=validates), references)


def judged_domain(
    *hosts: Host,
    sessions: Mapping[tuple[str, str], SessionRecord] | None = None,
    of: Route | None = None,
    validates: bool | None = True,
    policies: FoundPolicies = NO_POLICIES,
) -> Domain:
    """The domain behind these mail hosts, by default of one preference and over MX records that are signed."""
    way = of or replace(to(*(mx(one.exchange) for one in hosts)), ad=True)
    run = found(*hosts, sessions=sessions, validates=validates, certificates=CERTIFICATES, policies=policies)
    return judge_domain(lines(), way, run)


def to(*hosts: Mx, **changes: Any) -> Route:
    """A route of MX records."""
    return replace(route(RouteKind.mx, *hosts), **changes)


# MTA-STS --------------------------------------------------------------------------------------------

STS_RECORD = "v=STSv1; id=20261122;"


def txt(*records: str, status: DnsStatus = DnsStatus.ok) -> TxtLookup:
    """The TXT records of a name, each of one character-string."""
    return TxtLookup(dns_status=status, records=tuple((escape_octets(record.encode()),) for record in records))


def policy_text(mode: str = "enforce", *patterns: str) -> str:
    mx_lines = "".join(f"mx: {pattern}\r\n" for pattern in patterns or (MX,))
    return f"version: STSv1\r\nmode: {mode}\r\n{mx_lines}max_age: 604800\r\n"


def fetch(text: str | None = None, **changes: Any) -> Policy:
    """The fetch of a policy that went well, with these fields changed."""
    good = Policy(
        policy_domain=DOMAIN,
        attempt=1,
        policy_host=POLICY_HOST,
        address="192.0.2.80",
        port=443,
        run="run",
        start=1,
        source_address="198.51.100.1",
        started_at="2026-11-22T12:00:00.000Z",
        ended_at="2026-11-22T12:00:01.000Z",
        stage=PolicyStage.done,
        outcome=Outcome.ok,
        limit=None,
        limit_s=None,
        limit_bytes=None,
        error=None,
        error_code=None,
        tls=chain(FOR_POLICY_HOST),
        http_status=200,
        content_type="text/plain",
        location=None,
        body=escape_octets((policy_text() if text is None else text).encode()),
        bytes=ByteCounts(read=1000, written=100),
    )
    return replace(good, **changes)


def broken_fetch(stage: PolicyStage, outcome: Outcome, **changes: Any) -> Policy:
    """A fetch that ended before there was a response."""
    tls = chain(FOR_POLICY_HOST) if stage is PolicyStage.response else None
    nothing: dict[str, Any] = {"http_status": None, "content_type": None, "body": None, "tls": tls}
    return fetch(**({"stage": stage, "outcome": outcome} | nothing | changes))


def reduced(policy: Policy, lost: VantageWindows | None = None) -> PolicyFetch:
    """What a fetch says."""
    known = {sha256(der).hexdigest(): der for der in CERTIFICATES}
    return reduce_fetch(policy, ChainJudge(ROOTS, known), lost or VantageWindows())


def policy_host(**changes: Any) -> Host:
    """The host that a policy is fetched from."""
    good = replace(host(looked_up("192.0.2.80"), exchange=POLICY_HOST), purpose=HostPurpose.policy)
    return replace(good, **changes)


def published(policy: Policy | None = None, at: Host | None = None) -> FoundPolicies:
    """What was found of a policy host, and what came of asking there (None: nobody did)."""
    hosts = {} if at is None else {at.exchange: at}
    return FoundPolicies(hosts, {} if policy is None else {DOMAIN: reduced(policy)})
