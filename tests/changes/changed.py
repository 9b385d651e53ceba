"""Two records of a domain, as two runs would have made them, and what changed, in words."""

from scanner.changes.changes import compare_domains
from scanner.judgement.mta_sts import NO_POLICIES, FoundPolicies
from scanner.outcomes import DnsStatus, RouteKind
from scanner.records import Change, Domain, Host, Route, SessionRecord
from tests.judgement.found import host, looked_up, route
from tests.judgement.sessions import ADDRESS, MX
from tests.judgement.transport import LEAF, judged_domain, served

SECOND = "192.0.2.2"
THIRD = "192.0.2.3"
OTHER_MX = "mx2.example.org"

GOOD = served(LEAF)


def record(
    *sessions: SessionRecord | None,
    exchange: str = MX,
    at: Host | None = None,
    elsewhere: SessionRecord | None = None,
    of: Route | None = None,
    validates: bool | None = None,
    policies: FoundPolicies = NO_POLICIES,
) -> Domain:
    """A domain with one mail host, which has an address for each of these sessions (None: it was not asked).

    Or it is `at` other addresses; `elsewhere` is the session with the second of all.
    """
    addresses = (ADDRESS, SECOND, THIRD)[: len(sessions)]
    held = {(exchange, address): one for address, one in zip(addresses, sessions, strict=True) if one is not None}
    if elsewhere is not None:
        held[exchange, SECOND] = elsewhere
    one = at or host(looked_up(*addresses), exchange=exchange)
    return judged_domain(one, sessions=held, of=of, validates=validates, policies=policies)


def without_hosts(kind: RouteKind, dns_status: DnsStatus = DnsStatus.ok) -> Domain:
    """A domain whose route is of this kind and names no host."""
    return judged_domain(of=route(kind, dns_status=dns_status), validates=None)


def said(changes: tuple[Change, ...]) -> list[str]:
    """`EFFECT SEVERITY KIND NAME at SUBJECT: BEFORE → AFTER` of each change, without what it does not have."""
    return [_words(change) for change in changes]


def _words(change: Change) -> str:
    words = " ".join(filter(None, [change.effect, change.severity, change.kind, change.name]))
    place = f" at {change.subject}" if change.subject else ""
    values = f": {change.before} → {change.after}" if change.before or change.after else ""
    return words + place + values


def changed(before: Domain, after: Domain) -> list[str]:
    """What changed, in words."""
    return said(compare_domains(before, after))


def of_kind(before: Domain, after: Domain, *kinds: str) -> list[str]:
    """What changed, in words: the changes of these kinds."""
    return said(tuple(change for change in compare_domains(before, after) if change.kind in kinds))
