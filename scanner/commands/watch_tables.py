"""`mxscan watch --status` and `--history`: what is known, as tables."""

from collections.abc import Iterator
from datetime import tzinfo
from itertools import chain

from scanner.commands.output import show
from scanner.names import InvalidName, parse_domain
from scanner.outages.known import Known
from scanner.report.moments import Moments
from scanner.report.watch_text import HistoryRow, StatusRow, render_history, render_status
from scanner.watch.database import Database
from scanner.watch.state_directory import StateDirectory, StateError
from scanner.watch.store import Store

#: So many alerts of a domain are shown, the newest.
MAX_ALERTS = 100

#: Subjects as the store has them → as people call them.
_CALLED = {"host": "mail host", "domain": "domain"}


def show_status(state: StateDirectory, zone: tzinfo | None) -> None:
    """Everything that is not up. Raises StateError, DiskFault."""
    with Database.open(state.database) as database:
        store = Store(database)
        if store.last_run() is None:
            raise StateError(f"no run was judged yet with --state {state.path}")
        known = [("host", host) for host in store.hosts()], [("domain", domain) for domain in store.domains()]
        rows = [_status_row(store, subject, each) for subject, each in chain[tuple[str, Known]](*known)]
    show(render_status(rows, len(rows), Moments(zone)), soft_wrap=True)


def _status_row(store: Store, subject: str, known: Known) -> StatusRow:
    alert = store.last_alert(subject, known.name)
    if alert is None:
        return StatusRow(_CALLED[subject], known)
    return StatusRow(_CALLED[subject], known, alert.at, alert.kind.replace("_", " "))


def show_history(state: StateDirectory, name: str, zone: tzinfo | None) -> None:
    """What happened to a domain and its mail hosts. Raises StateError, DiskFault."""
    try:
        domain = parse_domain(name)
    except InvalidName as error:
        raise StateError(f"{name!r} is no domain: {error}") from error
    with Database.open(state.database) as database:
        store = Store(database)
        known = store.domain(domain)
        if known is None:
            raise StateError(f"{domain} is not watched with --state {state.path}")
        subjects = [("domain", domain), *(("host", host.exchange) for host in known.record.mail_hosts)]
        rows = list(_history(store, subjects))
    show(render_history(domain, rows, Moments(zone)), soft_wrap=True)


def _history(store: Store, subjects: list[tuple[str, str]]) -> Iterator[HistoryRow]:
    for subject, name in subjects:
        for step in store.steps_of(subject, name):
            yield HistoryRow(step.at, name, f"{step.before} → {step.state}".replace("_", " "), step.why)
    for alert in store.alerts_of(subjects, newest=MAX_ALERTS):
        yield HistoryRow(alert.at, alert.cause, f"alert: {alert.kind.replace('_', ' ')}", f"{alert.alert}")
