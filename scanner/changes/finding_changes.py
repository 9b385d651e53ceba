"""The findings on a domain in two runs: new, fixed, or of another severity, and what each of that shows.

Theory of operation. A finding is told by its kind and its subject. One that is in one run only shows a change
only if the other run *could* have told it (`sight.py`). Some findings themselves say that something could not be
told; with them nothing becomes worse and nothing better: it is known now, or not any more.
"""

from collections.abc import Iterator

from scanner.changes.compared import NOT_KNOWN, Compared, names_of
from scanner.changes.open_places import has_open_lookup
from scanner.changes.sight import Sight, Spot, address_of, host_of, look, spot_of
from scanner.outcomes import ChangeKind, Effect, FindingKind, NotKnown, Severity
from scanner.records import Change, Domain, Finding

_SEVERITIES = list(Severity)

#: Findings which say that something could not be told.
_OPEN = frozenset(
    {
        FindingKind.dns_failure,
        FindingKind.mx_lookup_failed,
        FindingKind.timed_out,
        FindingKind.session_deadline,
        FindingKind.connection_reset,
        FindingKind.connection_closed,
        FindingKind.temporary_refusal,
        FindingKind.refused_us,
        FindingKind.reply_too_long,
        FindingKind.starttls_masked,
        FindingKind.certificate_differs_by_name,
        FindingKind.scanner_fault,
    }
)

#: As a warning these say so too: the fetch was broken off, the handshake met a limit of our own library.
_OPEN_AS_WARNING = frozenset({FindingKind.sts_policy_fetch_error, FindingKind.tls_handshake_failed})

FindingKey = tuple[FindingKind, str]


def compare_findings(compared: Compared) -> Iterator[Change]:
    """A change for each finding that is new, gone or of another severity."""
    if compared.before.findings == compared.after.findings:
        return
    before, after = _by_subject(compared.before), _by_subject(compared.after)
    exchanges = {*names_of(compared.before), *names_of(compared.after)}
    for key, found in after.items():
        spot = spot_of(found.subject, exchanges)
        if key not in before:
            effect = _effect_of_new(compared, found, spot)
            yield _change(compared, ChangeKind.finding_new, effect, found, spot)
        elif before[key].severity is not found.severity:
            effect = _effect_of_severity(before[key], found)
            yield _change(compared, ChangeKind.finding_changed, effect, found, spot, before=before[key])
    for key, found in before.items():
        if key not in after:
            spot = spot_of(found.subject, exchanges)
            yield _change(compared, ChangeKind.finding_fixed, _effect_of_gone(compared, found, spot), found, spot)


def _by_subject(record: Domain) -> dict[FindingKey, Finding]:
    """The findings by what they are about; of several alike the first of the severest."""
    severest: dict[FindingKey, Finding] = {}
    for found in record.findings:
        known = severest.setdefault((found.kind, found.subject), found)
        if _SEVERITIES.index(found.severity) < _SEVERITIES.index(known.severity):
            severest[found.kind, found.subject] = found
    return severest


def _change(
    compared: Compared, kind: ChangeKind, effect: Effect, found: Finding, spot: Spot, *, before: Finding | None = None
) -> Change:
    return compared.change(
        kind,
        effect,
        found.severity,
        hosts=None if spot.exchange is None else (spot.exchange,),
        subject=None if spot.exchange is None else found.subject,
        name=found.kind.value,
        before=None if before is None else before.severity.value,
        after=None if before is None else found.severity.value,
        evidence=found.evidence,
        session=found.session,
    )


# What it shows --------------------------------------------------------------------------------------


def _effect_of_new(compared: Compared, found: Finding, spot: Spot) -> Effect:
    if _says_not_known(found):
        return Effect.other if _was_not_known(compared.before, found.subject, spot) else Effect.not_known
    ended = address_of(host_of(compared.after, spot), spot)
    if look(compared.before, found, spot, ended.stage if ended else None) is Sight.hidden:
        return Effect.known_now
    return Effect.other if found.severity is Severity.notice else Effect.worse


def _effect_of_gone(compared: Compared, found: Finding, spot: Spot) -> Effect:
    if _says_not_known(found):
        return Effect.other if _was_not_known(compared.after, found.subject, spot) else Effect.known_now
    ended = address_of(host_of(compared.before, spot), spot)
    sight = look(compared.after, found, spot, ended.stage if ended else None)
    if sight is Sight.hidden:
        return Effect.not_known
    # With the place goes what was wrong with it, but nobody has repaired it.
    return Effect.better if sight is Sight.seen and found.severity is not Severity.notice else Effect.other


def _effect_of_severity(before: Finding, after: Finding) -> Effect:
    if _says_not_known(after):
        return Effect.not_known
    if _says_not_known(before):
        return Effect.known_now
    is_worse = _SEVERITIES.index(after.severity) < _SEVERITIES.index(before.severity)
    return Effect.worse if is_worse else Effect.better


def _says_not_known(found: Finding) -> bool:
    return found.kind in _OPEN or (found.kind in _OPEN_AS_WARNING and found.severity is Severity.warning)


def _was_not_known(record: Domain, subject: str, spot: Spot) -> bool:
    """True if the other run could not tell about this subject either."""
    if any(found.subject == subject and _says_not_known(found) for found in record.findings):
        return True
    host = host_of(record, spot)
    address = address_of(host, spot)
    if address is not None:
        return address.outcome is None and address.reason != NotKnown.not_public
    return record.mail_route.kind in NOT_KNOWN or (host is not None and has_open_lookup(host))
