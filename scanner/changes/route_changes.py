"""Where a domain receives mail, in two runs: another kind of route, other mail hosts."""

from collections.abc import Iterator

from scanner.changes.compared import NOT_KNOWN, WITH_HOSTS, Compared, names_of
from scanner.outcomes import ChangeKind, Effect, RouteKind, Severity
from scanner.records import Change, Domain


def compare_routes(compared: Compared) -> Iterator[Change]:
    """A route of another kind; other mail hosts, where both are known."""
    before, after = compared.before.mail_route.kind, compared.after.mail_route.kind
    if before is not after:
        effect, severity = _meaning(before, after)
        is_gone = after is RouteKind.nxdomain and before not in NOT_KNOWN
        kind = ChangeKind.nxdomain if is_gone else ChangeKind.route_kind_changed
        yield compared.change(kind, effect, severity, before=before.value, after=after.value)
    if before in WITH_HOSTS and after in WITH_HOSTS:
        yield from _compare_hosts(compared)


#: From a route that takes mail to this one.
_FROM_MAIL = {
    RouteKind.nxdomain: (Effect.worse, Severity.error),
    RouteKind.no_mail_host: (Effect.worse, Severity.error),
    RouteKind.null_mx: (Effect.other, Severity.warning),  # said on purpose: it wants no mail any more
    RouteKind.implicit_mx: (Effect.worse, Severity.warning),
    RouteKind.mx: (Effect.better, Severity.notice),
}


def _meaning(before: RouteKind, after: RouteKind) -> tuple[Effect, Severity]:
    if after in NOT_KNOWN:
        return Effect.not_known, Severity.warning
    if before in NOT_KNOWN:
        return Effect.known_now, Severity.notice
    if before in WITH_HOSTS:
        return _FROM_MAIL[after]
    if after in WITH_HOSTS:
        return Effect.better, Severity.notice
    return Effect.other, Severity.notice


def _compare_hosts(compared: Compared) -> Iterator[Change]:
    earlier, later = _mx_words(compared.before), _mx_words(compared.after)
    if set(earlier) == set(later):
        return
    before, after = names_of(compared.before), names_of(compared.after)
    severity = Severity.notice if set(before) == set(after) else Severity.warning
    # It belongs to those that had it: who left them is what a provider wants to see.
    yield compared.change(
        ChangeKind.mx_changed,
        Effect.other,
        severity,
        hosts=before,
        before=", ".join(earlier),
        after=", ".join(later),
    )


def _mx_words(record: Domain) -> tuple[str, ...]:
    """`10 mx1.example.org` for each mail host; the implicit MX has no preference."""
    return tuple(
        host.exchange if host.preference is None else f"{host.preference} {host.exchange}" for host in record.mail_hosts
    )
