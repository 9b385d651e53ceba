"""A domain in two runs: what both say of it, and the change that a difference between them is."""

from dataclasses import dataclass

from scanner.outcomes import ChangeKind, Effect, RouteKind, Severity
from scanner.records import Change, Domain, JudgedHost

#: Routes that say where mail goes.
WITH_HOSTS = frozenset({RouteKind.mx, RouteKind.implicit_mx})

#: Routes that say nothing: nobody could find out, or nobody was to.
NOT_KNOWN = frozenset({RouteKind.dns_failure, RouteKind.skipped})


@dataclass(frozen=True, slots=True)
class Compared:
    """The records of one domain in the earlier and in the later run."""

    before: Domain
    after: Domain

    def change(
        self,
        kind: ChangeKind,
        effect: Effect,
        severity: Severity,
        *,
        hosts: tuple[str, ...] | None = None,
        subject: str | None = None,
        name: str | None = None,
        before: str | None = None,
        after: str | None = None,
        evidence: str = "",
        session: str | None = None,
    ) -> Change:
        """A change of the domain; without `hosts` it belongs to all of its mail hosts."""
        return Change(
            domain=self.after.domain or "",
            kind=kind,
            effect=effect,
            severity=severity,
            hosts=hosts if hosts is not None else self.hosts,
            subject=subject,
            name=name,
            before=before,
            after=after,
            evidence=evidence,
            session=session,
        )

    @property
    def hosts(self) -> tuple[str, ...]:
        """The mail hosts that the domain has now, or that it had, if it has none any more."""
        return names_of(self.after) or names_of(self.before)

    def hosts_in_both(self) -> list[tuple[JudgedHost, JudgedHost]]:
        """Each mail host that the domain had and still has, as it was and as it is."""
        earlier = {host.exchange: host for host in self.before.mail_hosts}
        return [(earlier[host.exchange], host) for host in self.after.mail_hosts if host.exchange in earlier]


def names_of(record: Domain) -> tuple[str, ...]:
    """The mail hosts of a record, by preference."""
    return tuple(host.exchange for host in record.mail_hosts)
