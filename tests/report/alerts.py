"""Alerts as the watch makes them: one of each kind, of a provider with two mail hosts and three domains."""

from typing import Any

from msgspec.structs import replace

from scanner.outages.alerts import (
    Alert,
    AlertedDomain,
    AlertedHost,
    AlertKind,
    AttemptEvidence,
    CanaryResult,
    ExpiringCertificate,
    GateReport,
    State,
    StateStep,
)
from scanner.outcomes import ChangeKind, DnsStatus, Effect, Outcome, RouteKind, Severity, Stage
from scanner.records import (
    AddressLookup,
    Change,
    Host,
    HostAddress,
    Mx,
    SessionRecord,
    TranscriptLine,
)
from tests.judgement.sessions import ended

MX = "mx1.example.org"
BEGAN = "2026-11-22T02:11:05.204Z"
MADE = "2026-11-22T02:17:52.310Z"
LAST_GOOD = "2026-11-21T02:10:44.871Z"

FIRST = ended(
    Stage.greeting,
    Outcome.timed_out,
    started_at=BEGAN,
    ended_at="2026-11-22T02:11:35.225Z",
    limit="limits.greeting_s",
    limit_s=30.0,
)
SECOND = replace(
    FIRST,
    session=FIRST.session.replace(".1.", ".2."),
    attempt=2,
    started_at="2026-11-22T02:16:41.118Z",
    ended_at="2026-11-22T02:17:41.139Z",
    limit_s=60.0,
)


def silent(limit_s: float) -> tuple[TranscriptLine, ...]:
    """What is said with a server that takes the connection and says nothing."""
    return (
        (0.0, "*", f"connect 192.0.2.1:25 limit {limit_s / 2:g} s"),
        (0.021, "*", "connected from 198.51.100.1"),
        (round(limit_s + 0.021, 3), "*", f"limit fired: limits.greeting_s = {limit_s:g} s"),
        (round(limit_s + 0.021, 3), "*", "close"),
    )


def evidence(session: SessionRecord, *said: TranscriptLine) -> AttemptEvidence:
    return AttemptEvidence(session=session, transcript=said or silent(session.limit_s or 30.0))


def answer(*addresses: str, asked_at: str = "2026-11-22T02:10:58.012Z") -> AddressLookup:
    return AddressLookup(
        dns_status=DnsStatus.ok if addresses else DnsStatus.no_data,
        ttl_s=3600 if addresses else None,
        addresses=tuple(HostAddress(address=address) for address in addresses),
        cname_chain=(),
        ad=None,
        asked_at=asked_at,
        ms=11.2,
    )


LOOKUPS = (
    Host(exchange=MX, attempt=1, a=answer("192.0.2.1"), aaaa=answer()),
    Host(exchange=MX, attempt=2, a=answer("192.0.2.1", asked_at="2026-11-22T02:16:40.700Z"), aaaa=answer()),
)


def a_host(**changes: Any) -> AlertedHost:
    """A mail host that took the connection twice and never spoke."""
    host = AlertedHost(
        exchange=MX,
        port=25,
        state=State.down,
        before=State.up,
        since=BEGAN,
        last_good_at=LAST_GOOD,
        attempts=(evidence(FIRST), evidence(SECOND)),
        lookups=LOOKUPS,
    )
    return replace(host, **changes)


def a_domain(name: str = "example.org", state: State = State.down, **changes: Any) -> AlertedDomain:
    domain = AlertedDomain(
        domain=name,
        state=state,
        before=State.up,
        metadata={},
        kind=RouteKind.mx,
        dns_status=DnsStatus.ok,
        asked_at="2026-11-22T02:10:57.500Z",
        ms=9.0,
        mx=(Mx(preference=10, exchange=MX),),
    )
    return replace(domain, **changes)


OTHER_MX = (Mx(preference=10, exchange=MX), Mx(preference=20, exchange="mx.backup.example"))
DOMAINS = (
    a_domain(metadata={"customer": "4711"}, owners=("hostmaster@example.org",)),
    a_domain("example.net"),
    a_domain("example.com", State.degraded, mx=OTHER_MX, owners=("it@example.com",)),
)


def an_alert(kind: AlertKind = AlertKind.down, **changes: Any) -> Alert:
    """One mail host down, three domains touched."""
    alert = Alert(
        alert="3f9a2c41-1",
        sequence=1,
        kind=kind,
        at=MADE,
        run="2026-11-22T02:10:55.000Z-1f2e3d4c",
        run_directory="/var/lib/mxscan/runs/2026-11-22T021055Z",
        ehlo_name="scanner.example.net",
        cause=MX,
        since=BEGAN,
        hosts=(a_host(),),
        domains=DOMAINS,
        domains_total=3,
    )
    return replace(alert, **changes)


def changed(kind: ChangeKind, before: str | None, after: str | None, **changes: Any) -> Change:
    change = Change(
        domain="example.org",
        kind=kind,
        effect=Effect.other,
        severity=Severity.warning,
        hosts=(MX,),
        before=before,
        after=after,
    )
    return replace(change, **changes)


def _back_online() -> Alert:
    host = a_host(
        state=State.up,
        before=State.down,
        until="2026-11-23T02:11:02.480Z",
        duration_s=86397.3,
        last_good_at="2026-11-23T02:11:02.480Z",
        attempts=(),
        lookups=LOOKUPS[:1],
    )
    domains = tuple(replace(domain, state=State.up, before=domain.state) for domain in DOMAINS)
    return an_alert(AlertKind.back_online, sequence=2, at="2026-11-23T02:12:10.000Z", hosts=(host,), domains=domains)


def _dns_changed() -> Alert:
    mx = changed(ChangeKind.mx_changed, f"10 {MX}", "10 mail.elsewhere.example, 20 mail2.elsewhere.example")
    gone = changed(ChangeKind.nxdomain, "mx", "nxdomain", domain="example.net", effect=Effect.worse)
    domains = (
        a_domain(state=State.up, changes=(mx,), mx=(Mx(preference=10, exchange="mail.elsewhere.example"),)),
        a_domain("example.net", State.no_mail, changes=(gone,), mx=(), dns_status=DnsStatus.nxdomain),
    )
    return an_alert(AlertKind.dns_changed, cause="example.org and 1 more domain", hosts=(), domains=domains, since=None)


def _certificate_expires(days: int) -> Alert:
    ends = "2026-11-29T23:59:59.000Z" if days >= 0 else "2026-11-20T23:59:59.000Z"
    certificate = ExpiringCertificate(sha256="ab" * 32, not_after=ends, days_left=days, threshold_days=7)
    host = a_host(state=State.up if days >= 0 else State.degraded, attempts=(), since=None)
    return an_alert(AlertKind.certificate_expires, certificate=certificate, hosts=(host,), since=None)


_CANARIES = (
    CanaryResult(at="2026-11-22T02:12:00.000Z", address="203.0.113.5", came_up=False, said="connect timed_out"),
    CanaryResult(at="2026-11-22T02:12:15.000Z", address="203.0.113.9", came_up=True, said="220 mx.big.example"),
)
_GATE = GateReport(
    networks_failed=31,
    networks_up_before=40,
    pace_groups_failed=7,
    examples=("192.0.2.0/24: connect timed_out",),
    canaries=_CANARIES,
)
_STEPS = tuple(
    StateStep(at=f"2026-11-{day}T02:11:00.000Z", state=state, why=why)
    for day, state, why in [(19, State.down, "connect timed_out"), (20, State.up, "ok"), (21, State.down, "refused")]
)
_BLOCKED = a_host(state=State.blocked_us, reasons=("554 5.7.1 Service unavailable; client [198.51.100.1] blocked",))

#: One of each kind.
EACH = {
    alert.kind: alert
    for alert in (
        an_alert(AlertKind.first_look, cause="first look"),
        an_alert(),
        an_alert(AlertKind.reminder, sequence=2, at="2026-11-23T02:17:52.310Z"),
        _back_online(),
        an_alert(AlertKind.degraded, hosts=(a_host(state=State.degraded, reasons=("192.0.2.1 does not answer",)),)),
        _dns_changed(),
        an_alert(AlertKind.starttls_lost, hosts=(a_host(state=State.degraded, attempts=()),)),
        _certificate_expires(7),
        an_alert(AlertKind.dane_broken, cause="example.org", hosts=(), domains=DOMAINS[:1]),
        an_alert(AlertKind.mta_sts_broken, cause="example.org", hosts=(), domains=DOMAINS[:1]),
        an_alert(AlertKind.could_not_tell, hosts=(_BLOCKED,), runs=3),
        an_alert(AlertKind.unstable, hosts=(a_host(steps=_STEPS, attempts=()),)),
        an_alert(AlertKind.digest, cause="digest", hosts=(a_host(steps=_STEPS, attempts=()),)),
        an_alert(AlertKind.stable, hosts=(a_host(state=State.up, attempts=()),)),
        an_alert(AlertKind.monitor_trouble, cause="watch", hosts=(), domains=(), gate=_GATE, since=None),
    )
}
EXPIRED = _certificate_expires(-2)
