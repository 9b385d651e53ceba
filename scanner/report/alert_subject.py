"""An alert in a line: what it is about, how it is, and how many domains it touches.

The name stands first, so that a mailbox sorted by subject has all that was said about a host together.
"""

from collections.abc import Callable

from scanner.outages.alerts import Alert, AlertKind
from scanner.report.alert_changes import what_changed
from scanner.report.moments import Moments, duration_text, seconds_between
from scanner.report.plain_text import counted
from scanner.report.shown_text import shown

PREFIX = "[mxscan]"


def subject_of(alert: Alert) -> str:
    """The subject of an alert's mail: one line, inert."""
    # Of a first look the cause is that it is the first one.
    cause = "first look" if alert.kind is AlertKind.first_look else alert.cause
    return shown(f"{PREFIX} {cause}: {_SAID[alert.kind](alert)}{_domains(alert)}")


def _domains(alert: Alert) -> str:
    # Of a single domain that is the cause itself, the number says nothing.
    if not alert.domains or [domain.domain for domain in alert.domains] == [alert.cause]:
        return ""
    return f" ({counted(len(alert.domains), 'domain')})"


def _first_look(alert: Alert) -> str:
    return f"{counted(len(alert.hosts), 'mail host')} {'is' if len(alert.hosts) == 1 else 'are'} not up"


def _reminder(alert: Alert) -> str:
    return f"still down after {_age(alert)}" if alert.since else "still down"


def _back_online(alert: Alert) -> str:
    what = "back online in part" if alert.still_down else "back online"
    return f"{what} after {outage_text(alert)}"


def outage_text(alert: Alert) -> str:
    """How long those that are back were down: of several hosts the longest."""
    return duration_text(max((host.duration_s or 0.0 for host in alert.hosts), default=0.0))


def _certificate_expires(alert: Alert) -> str:
    days_left = alert.certificate.days_left if alert.certificate else 0
    if days_left < 0:
        return "certificate has expired"
    return f"certificate expires in {counted(days_left, 'day')}" if days_left else "certificate expires today"


def _could_not_tell(alert: Alert) -> str:
    return f"could not tell since {Moments().date(alert.since)}" if alert.since else "could not tell"


def _age(alert: Alert) -> str:
    return duration_text(seconds_between(alert.since or alert.at, alert.at))


_SAID: dict[AlertKind, Callable[[Alert], str]] = {
    AlertKind.first_look: _first_look,
    AlertKind.down: lambda _: "DOWN",
    AlertKind.reminder: _reminder,
    AlertKind.back_online: _back_online,
    AlertKind.degraded: lambda _: "degraded",
    AlertKind.dns_changed: lambda alert: what_changed(alert) or "DNS changed",
    AlertKind.starttls_lost: lambda _: "STARTTLS disappeared",
    AlertKind.certificate_expires: _certificate_expires,
    AlertKind.dane_broken: lambda _: "DANE is broken",
    AlertKind.mta_sts_broken: lambda _: "MTA-STS is broken",
    AlertKind.could_not_tell: _could_not_tell,
    AlertKind.unstable: lambda _: "unstable",
    AlertKind.digest: lambda _: "what changed while unstable",
    AlertKind.stable: lambda _: "stable again",
    AlertKind.monitor_trouble: lambda _: "the monitor or a large network has a problem",
}
