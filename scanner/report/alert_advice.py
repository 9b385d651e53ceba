"""What to do about an alert, for the person who reads it on Monday morning; and how to see it with one's own eyes."""

from collections.abc import Iterable, Iterator
from shlex import quote

from scanner.outages.alerts import Alert, AlertKind, AttemptEvidence, State
from scanner.outcomes import Outcome, Stage
from scanner.records import SessionRecord
from scanner.report.plain_text import COLUMNS, named
from scanner.report.shown_text import shown

#: How the last attempt ended → where to look first. `None` is any other stage.
_WHERE_TO_LOOK: dict[tuple[Stage | None, Outcome], str] = {
    (Stage.connect, Outcome.refused): "Nothing listens at that port: is the mail server running? A firewall that "
    "rejects looks the same.",
    (Stage.connect, Outcome.unreachable): "A router says that there is no way: look at the machine's network and at "
    "the routes to it.",
    (Stage.connect, Outcome.timed_out): "No packet came back: is the machine up and on the network? A firewall that "
    "drops packets looks the same.",
    (Stage.greeting, Outcome.timed_out): "The system took the connection, the mail server did not speak: is it "
    "overloaded, out of processes, or waiting for DNS or a block list? A sender may wait five minutes (RFC 5321, "
    "4.5.3.2.1), so some mail may still arrive.",
    (Stage.greeting, Outcome.closed): "The server ends connections before it speaks: look in its log at the time of "
    "the attempts. Access lists and fail2ban do that, and so does a server that cannot start a process.",
    (Stage.greeting, Outcome.reset): "The server ends connections before it speaks: look in its log at the time of "
    "the attempts. Access lists and fail2ban do that, and so does a server that cannot start a process.",
    (Stage.greeting, Outcome.permanent_negative): "The server itself says that it takes no mail: its reply says why.",
    (None, Outcome.tls_failed): "TLS does not come up: look at the server's certificate, key and protocol versions.",
}

#: What there is to do about each kind, if not by the way it ended.
_BY_KIND: dict[AlertKind, str] = {
    AlertKind.back_online: "Nothing. Senders that kept mail in their queues try again by themselves, mostly within "
    "some hours.",
    AlertKind.dns_changed: "If this was intended, nothing: from now on the new answers are the known ones. If not, "
    "look at once who changed the zone, at the registrar and at the DNS provider.",
    AlertKind.starttls_lost: "Look at the server's TLS settings and log: after a renewal, a certificate or key that "
    "the server cannot read is the usual reason. A middlebox that masks STARTTLS is another.",
    AlertKind.certificate_expires: "Renew the certificate, and reload the mail server: it serves the old one until "
    "then. If it was renewed already, that is what is missing.",
    AlertKind.dane_broken: "Publish TLSA records for the certificate that is served, or serve the one that they "
    "name. Before the next change of the key, publish the new record first and wait for the TTL.",
    AlertKind.mta_sts_broken: "Bring policy and servers together: the policy must be served over HTTPS, name every MX "
    "host, and each of them needs a certificate for its name. Then change the id in the TXT record.",
    AlertKind.could_not_tell: "If nothing else is wrong, look whether this host may talk to the server; in the "
    "meantime nothing is known of it.",
    AlertKind.unstable: "Look for what comes and goes: a host near its limits, a flapping route, one bad member of a "
    "pool behind one address.",
    AlertKind.monitor_trouble: "Look at the network of this machine first: `mxscan preflight` says what is wrong "
    "with it. If that is well, a large network has an outage; the next run will tell whom it touches.",
}

#: Kinds whose hosts failed to answer: where to look follows from how.
_FAILING = frozenset({AlertKind.down, AlertKind.reminder, AlertKind.first_look, AlertKind.degraded})

_MAX_COMMANDS = 2


def advice_of(alert: Alert) -> list[str]:
    """What to do, one item each."""
    told = [_BY_KIND[alert.kind]] if alert.kind in _BY_KIND else []
    if alert.kind in _FAILING:
        told += _where_to_look(_last_failures(alert))
    return [*told, *_firewall(alert)]


def _last_failures(alert: Alert) -> list[SessionRecord]:
    """The last attempt at each address that did not end well."""
    last = {attempt.session.address: attempt.session for attempt in attempts_of(alert)}
    return [session for session in last.values() if session.outcome is not Outcome.ok]


def _where_to_look(sessions: Iterable[SessionRecord]) -> list[str]:
    """One sentence a way to fail, with the addresses that failed so."""
    addresses: dict[str, list[str]] = {}
    for session in sessions:
        end = (session.stage, session.outcome)
        if text := _WHERE_TO_LOOK.get(end) or _WHERE_TO_LOOK.get((None, session.outcome)):
            addresses.setdefault(text, []).append(session.address)
    return [f"{named(found)}: {text}" for text, found in addresses.items()]


def _firewall(alert: Alert) -> Iterator[str]:
    """What to allow, if it is we who are blocked."""
    if not (failures := _last_failures(alert)):
        return
    places = named(list(dict.fromkeys(f"{session.address} port {session.port}" for session in failures)))
    ours = named(sources_of(alert)) or "this host"
    allow = f"allow TCP from {ours} (EHLO name {alert.ehlo_name}) to {places}, and take it off block lists there."
    if any(host.state is State.blocked_us for host in alert.hosts):
        yield f"It is we who are blocked. In the server's firewall, {allow}"
    elif alert.kind in _FAILING:
        yield f"If everybody else reaches the server, it is we who are blocked: in its firewall, {allow}"


def attempts_of(alert: Alert) -> list[AttemptEvidence]:
    """Every attempt that the alert has proof of."""
    return [attempt for host in alert.hosts for attempt in host.attempts]


def sources_of(alert: Alert) -> list[str]:
    """The addresses of ours from which the attempts were made, or, as far as they do not know, the run's sessions."""
    known = {address for attempt in attempts_of(alert) if (address := attempt.session.source_address)}
    return sorted(known or alert.source_addresses)


# By hand --------------------------------------------------------------------------------------------


def commands_of(alert: Alert) -> list[str]:
    """Commands for a shell that show the same again, in lines of at most COLUMNS; run on the monitor's host."""
    commands = [_probe(session) for session in _last_failures(alert)[:_MAX_COMMANDS]]
    names = [domain.domain for domain in alert.domains]
    if alert.kind is AlertKind.dns_changed:
        commands += [("dig", "+noall", "+answer", name, "MX") for name in names[:_MAX_COMMANDS]]
    if alert.kind is AlertKind.monitor_trouble:
        commands.append(("mxscan", "preflight", "--ehlo-name", alert.ehlo_name))
    elif names:
        commands.append(("mxscan", "check", f"postmaster@{names[0]}", "--ehlo-name", alert.ehlo_name))
        commands.append(("mxscan", "show", alert.run_directory, names[0]))
    return [line for command in commands for line in _shell_lines(command)]


def _probe(session: SessionRecord) -> tuple[str, ...]:
    """What a person without mxscan would type: OpenSSL where TLS was reached, else a plain connection."""
    if session.stage in {Stage.connect, Stage.greeting, Stage.ehlo, Stage.helo}:
        return ("nc", "-v", session.address, str(session.port))
    place = f"[{session.address}]" if ":" in session.address else session.address
    how = ("-starttls", "smtp", "-name", session.ehlo_name) if session.replies.starttls else ()
    name = ("-servername", session.server_name)
    return ("openssl", "s_client", "-crlf", "-connect", f"{place}:{session.port}", *name, *how)


def _shell_lines(words: Iterable[str]) -> Iterator[str]:
    """Words quoted for a shell (an MX record may name anything), in lines that a shell takes for one."""
    line = " "
    for word in (quote(shown(word)) for word in words):
        if len(line) + len(word) + 3 > COLUMNS and line.strip():
            yield f"{line} \\"
            line = "     "
        line += f" {word}"
    yield line
