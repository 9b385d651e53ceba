"""The first words of an alert: what happened, and what it means for whose mail."""

from collections import Counter
from collections.abc import Callable, Iterable

from scanner.outages.alerts import Alert, AlertKind, GateReport, State
from scanner.report.alert_subject import outage_text
from scanner.report.moments import Moments
from scanner.report.plain_text import counted, named


def opening_of(alert: Alert, moments: Moments) -> list[str]:
    """Paragraphs, the most important first."""
    return [text for text in _OPENINGS[alert.kind](alert, moments) if text]


def _hosts(alert: Alert) -> str:
    names = named([host.exchange for host in alert.hosts])
    return f"The mail host {names}" if len(alert.hosts) == 1 else f"{counted(len(alert.hosts), 'mail host')} ({names})"


def _are(alert: Alert) -> str:
    return "is" if len(alert.hosts) == 1 else "are"


def _impact(alert: Alert) -> str:
    """What it means for the mail of the domains."""
    counts = Counter(domain.state for domain in alert.domains)
    told = []
    if count := counts[State.down]:
        told.append(
            f"{counted(count, 'domain')} {_verb(count, 'receive')} no mail: all of {_their(count)} mail hosts are down."
        )
    if count := counts[State.degraded]:
        told.append(f"{counted(count, 'domain')} {_still(alert, count)}.")
    return " ".join(told)


def _still(alert: Alert, count: int) -> str:
    """How degraded domains get their mail: by their other mail hosts, or by one that does not work as it should."""
    if all(host.state is State.down for host in alert.hosts):
        return f"{_verb(count, 'have', 'has')} other mail hosts that still work"
    return f"still {_verb(count, 'receive')} mail, but not all is as it should be"


def _verb(count: int, plural: str, singular: str = "") -> str:
    return plural if count != 1 else singular or f"{plural}s"


def _their(count: int) -> str:
    return "its" if count == 1 else "their"


def _first_look(alert: Alert, _: Moments) -> Iterable[str]:
    counts = Counter(host.state for host in alert.hosts)
    states = named([f"{count} {state}" for state, count in sorted(counts.items())])
    yield f"This is the first look at your mail hosts, and {len(alert.hosts)} {_are(alert)} not up: {states}."
    yield "How it was before is not known; what is up now is not told. From now on an alert tells what changes."
    yield _impact(alert)


def _down(alert: Alert, _: Moments) -> Iterable[str]:
    yield f"{_hosts(alert)} {_are(alert)} DOWN: no attempt to talk to it came through, while other servers answered."
    yield _impact(alert)


def _reminder(alert: Alert, _: Moments) -> Iterable[str]:
    yield f"{_hosts(alert)} {_are(alert)} still down. This is a reminder; the outage was told before."
    yield _impact(alert)


def _back_online(alert: Alert, _: Moments) -> Iterable[str]:
    yield f"{_hosts(alert)} {_are(alert)} back online after {outage_text(alert)}."
    if alert.still_down:
        yield f"Still down: {named(alert.still_down)}."
    counts = Counter(domain.state for domain in alert.domains)
    if count := counts[State.up]:
        yield f"{counted(count, 'domain')} {_verb(count, 'receive')} mail again by all of {_their(count)} mail hosts."
    yield _impact(alert)


def _degraded(alert: Alert, _: Moments) -> Iterable[str]:
    if alert.hosts:
        yield f"{_hosts(alert)} {_verb(len(alert.hosts), 'work')}, but not as {_it(alert)} did."
    else:
        yield f"{named([domain.domain for domain in alert.domains])}: mail arrives, but not by all mail hosts."
    yield _impact(alert)


def _it(alert: Alert) -> str:
    return "it" if len(alert.hosts) == 1 else "they"


def _dns_changed(alert: Alert, _: Moments) -> Iterable[str]:
    count = len(alert.domains)
    names = named([domain.domain for domain in alert.domains])
    yield f"What DNS says about the mail of {counted(count, 'domain')} has changed: {names}."


def _starttls_lost(alert: Alert, _: Moments) -> Iterable[str]:
    yield f"{_hosts(alert)} offered STARTTLS and no longer {_verb(len(alert.hosts), 'do', 'does')}."
    yield (
        "Mail to it goes over the network in the clear now; senders that insist on TLS (DANE, MTA-STS) do not deliver."
    )


def _certificate_expires(alert: Alert, moments: Moments) -> Iterable[str]:
    if (certificate := alert.certificate) is None:
        return
    ends = moments.text(certificate.not_after)
    if certificate.days_left < 0:
        yield f"The certificate of {named([host.exchange for host in alert.hosts])} has expired: {ends}."
    else:
        left = counted(certificate.days_left, "day")
        yield f"The certificate of {named([host.exchange for host in alert.hosts])} expires in {left}: {ends}."
    yield "Mail arrives until then and mostly after it, but senders that verify (DANE, MTA-STS) will not deliver."


def _dane_broken(alert: Alert, _: Moments) -> Iterable[str]:
    yield f"DANE of {named([domain.domain for domain in alert.domains])} was in order and no longer is."
    yield "Senders that obey DANE (RFC 7672) keep their mail in the queue and return it after some days."


def _mta_sts_broken(alert: Alert, _: Moments) -> Iterable[str]:
    yield f"MTA-STS of {named([domain.domain for domain in alert.domains])} was in order and no longer is."


def _could_not_tell(alert: Alert, moments: Moments) -> Iterable[str]:
    who = named([host.exchange for host in alert.hosts] or [domain.domain for domain in alert.domains])
    since = f" since {moments.text(alert.since)}" if alert.since else ""
    yield f"Whether {who} works could not be told{since}, in {counted(alert.runs, 'run')} running."
    yield "Nothing is known to be broken: what was known before is still taken for true."


def _unstable(alert: Alert, _: Moments) -> Iterable[str]:
    who = named([host.exchange for host in alert.hosts] or [domain.domain for domain in alert.domains])
    steps = [host.steps for host in alert.hosts] + [domain.steps for domain in alert.domains]
    changes = max(map(len, steps), default=0)
    yield f"{who}: {counted(changes, 'change')} in a short time. From now on a digest tells of it, no single change."


def _digest(_alert: Alert, _: Moments) -> Iterable[str]:
    yield "What happened to the mail hosts and domains that change too often to be told of each time:"


def _stable(alert: Alert, _: Moments) -> Iterable[str]:
    who = named([host.exchange for host in alert.hosts] or [domain.domain for domain in alert.domains])
    yield f"{who}: quiet again. From now on every change is told."


def _monitor_trouble(alert: Alert, _: Moments) -> Iterable[str]:
    yield "This monitor or a large network has a problem, so nothing that this run saw is believed."
    yield "All states are kept as they were, and no alert about any host or domain was made."
    yield from _gate(alert.gate)


def _gate(gate: GateReport | None) -> Iterable[str]:
    if gate is None:
        return
    if gate.fault:
        yield f"The scan itself said: {gate.fault}"
    if gate.networks_failed:
        yield (
            f"{gate.networks_failed} of {gate.networks_up_before} networks that were up failed at once, "
            f"in {counted(gate.pace_groups_failed, 'pace group')}."
        )


_OPENINGS: dict[AlertKind, Callable[[Alert, Moments], Iterable[str]]] = {
    AlertKind.first_look: _first_look,
    AlertKind.down: _down,
    AlertKind.reminder: _reminder,
    AlertKind.back_online: _back_online,
    AlertKind.degraded: _degraded,
    AlertKind.dns_changed: _dns_changed,
    AlertKind.starttls_lost: _starttls_lost,
    AlertKind.certificate_expires: _certificate_expires,
    AlertKind.dane_broken: _dane_broken,
    AlertKind.mta_sts_broken: _mta_sts_broken,
    AlertKind.could_not_tell: _could_not_tell,
    AlertKind.unstable: _unstable,
    AlertKind.digest: _digest,
    AlertKind.stable: _stable,
    AlertKind.monitor_trouble: _monitor_trouble,
}
