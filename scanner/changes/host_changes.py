"""The mail hosts that a domain had and still has: other certificates, certificates near their end, no TLS any more."""

from collections.abc import Collection, Iterator

from scanner.changes.compared import Compared
from scanner.changes.open_places import has_open_lookup, is_open
from scanner.outcomes import ChangeKind, Effect, FindingKind, Severity
from scanner.records import Change, Finding, JudgedCertificate, JudgedHost

#: Days before its end at which it is told that a certificate comes nearer to it; at -1 it has ended.
EXPIRY_DAYS = (30, 14, 7, 1, -1)

#: What shows that a server that was asked for TLS has none.
_WITHOUT_TLS = frozenset(
    {
        FindingKind.starttls_not_supported,
        FindingKind.tls_handshake_failed,
        FindingKind.plaintext_after_starttls,
        FindingKind.plaintext_instead_of_tls,
    }
)

_ON_DATES = frozenset({FindingKind.certificate_expired, FindingKind.certificate_expires_soon})

_SEVERITIES = list(Severity)


def compare_hosts(compared: Compared) -> Iterator[Change]:
    """What changed at each mail host, at all of its addresses together."""
    for before, after in compared.hosts_in_both():
        if before.addresses == after.addresses:
            continue
        yield from _changed_certificates(compared, before, after)
        yield from _expiring(compared, before, after)
        yield from _lost_tls(compared, before, after)


# Certificates ---------------------------------------------------------------------------------------


def _certificates(host: JudgedHost) -> dict[str, JudgedCertificate]:
    """The certificate of each address that showed one."""
    return {one.address: one.certificate for one in host.addresses if one.certificate is not None}


def _changed_certificates(compared: Compared, before: JudgedHost, after: JudgedHost) -> Iterator[Change]:
    for earlier, later in _replaced(_certificates(before), _certificates(after)).values():
        yield compared.change(
            ChangeKind.certificate_changed,
            Effect.other,
            Severity.notice,
            hosts=(after.exchange,),
            subject=after.exchange,
            before=_certificate_words(earlier),
            after=_certificate_words(later),
            session=_session_with(after, later),
        )


def _replaced(
    before: dict[str, JudgedCertificate], after: dict[str, JudgedCertificate]
) -> dict[tuple[str, str], tuple[JudgedCertificate, JudgedCertificate]]:
    """What was replaced by what, by both fingerprints.

    One that the host showed before, be it elsewhere, is no new one: the servers behind an address may take turns.
    """
    known = {certificate.sha256 for certificate in before.values()}
    if both := [address for address in after if address in before]:
        pairs = [(before[address], after[address]) for address in both]
    else:  # it has moved to other addresses
        pairs = list(zip(before.values(), after.values(), strict=False))
    return {(one.sha256, other.sha256): (one, other) for one, other in pairs if other.sha256 not in known}


def _certificate_words(certificate: JudgedCertificate) -> str:
    until = f" until {certificate.not_after[:10]}" if certificate.not_after is not None else ""
    return f"{certificate.sha256}{until}"


def _session_with(host: JudgedHost, certificate: JudgedCertificate) -> str | None:
    """A session in which the host showed it."""
    sessions = [one.sessions[-1] for one in host.addresses if one.certificate == certificate and one.sessions]
    return sessions[0] if sessions else None


# Dates ----------------------------------------------------------------------------------------------


def _expiring(compared: Compared, before: JudgedHost, after: JudgedHost) -> Iterator[Change]:
    """Each certificate that both runs saw and that came past a step in between; a new one begins anew."""
    earlier = {one.sha256: one.days_left for one in _certificates(before).values()}
    later = {one.sha256: one for one in _certificates(after).values()}
    for sha256, certificate in later.items():
        days, left = earlier.get(sha256), certificate.days_left
        if days is None or left is None or steps_passed(left) <= steps_passed(days):
            continue
        found = _worst(_at(compared.after.findings, after.exchange, _ON_DATES))
        # Where it is no trouble (it is not due yet, or DANE authenticates), it is only worth knowing.
        is_trouble = found is not None and found.severity is not Severity.notice
        yield compared.change(
            ChangeKind.certificate_expires,
            Effect.worse if is_trouble else Effect.other,
            found.severity if found is not None else Severity.notice,
            hosts=(after.exchange,),
            subject=after.exchange,
            before=_days(days),
            after=_days(left),
            evidence=f"{_certificate_words(certificate)}",
            session=_session_with(after, certificate),
        )


def steps_passed(days_left: int) -> int:
    """How many of the steps before the end of a certificate are over."""
    return sum(days_left <= step for step in EXPIRY_DAYS)


def _days(days: int) -> str:
    return f"{days} day" if abs(days) == 1 else f"{days} days"


# TLS ------------------------------------------------------------------------------------------------


def _lost_tls(compared: Compared, before: JudgedHost, after: JudgedHost) -> Iterator[Change]:
    """A host that did TLS at an address, and now is shown to do it at none."""
    had = _certificates(before)
    if not had or _certificates(after):
        return
    shown = [
        found
        for found in _at(compared.after.findings, after.exchange, _WITHOUT_TLS)
        if found.severity is Severity.error  # a limit of our own library is told as a warning
    ]
    of_these = [found for found in shown if _address_of(found, after.exchange) in had]
    if of_these or (shown and not _may_still(had, after)):
        told = (of_these or shown)[0]
        yield compared.change(
            ChangeKind.starttls_lost,
            Effect.worse,
            Severity.error,
            hosts=(after.exchange,),
            subject=after.exchange,
            before="done",
            after=told.kind.value,
            evidence=told.evidence,
            session=told.session,
        )


def _may_still(had: Collection[str], host: JudgedHost) -> bool:
    """True if an address that did TLS before may still do it: nobody came so far this time."""
    return has_open_lookup(host) or any(one.address in had and is_open(one) for one in host.addresses)


def _address_of(found: Finding, exchange: str) -> str:
    return found.subject.removeprefix(f"{exchange} [").removesuffix("]")


def _at(findings: tuple[Finding, ...], exchange: str, kinds: frozenset[FindingKind]) -> list[Finding]:
    """The findings of these kinds at the addresses of a host."""
    return [found for found in findings if found.kind in kinds and found.subject.startswith(f"{exchange} [")]


def _worst(findings: list[Finding]) -> Finding | None:
    return min(findings, key=lambda found: _SEVERITIES.index(found.severity), default=None)
