"""The verdicts on a domain in two runs: what is said otherwise, and whether that is shown to be for the worse."""

from collections.abc import Iterator

from scanner.changes.compared import Compared
from scanner.changes.open_places import LEVELS, open_places
from scanner.outcomes import ChangeKind, Effect, PolicyValue, Severity, VerdictValue
from scanner.policy.result_types import ResultType
from scanner.policy.senders import Delivery
from scanner.records import Change, DeliveryVerdicts, Domain, PolicyVerdict, SenderVerdict, Verdict, Verdicts


def compare_verdicts(compared: Compared) -> Iterator[Change]:
    """A change for each verdict with another value, if both runs asked for it."""
    before, after = compared.before.verdicts, compared.after.verdicts
    if before == after:
        return
    for name in Verdicts.__struct_fields__:
        match getattr(before, name), getattr(after, name):
            case Verdict() as earlier, Verdict() as later:
                yield from _compare_claims(compared, name, earlier, later)
            case PolicyVerdict() as earlier, PolicyVerdict() as later:
                yield from _compare_policy(compared, name, earlier, later)
            case DeliveryVerdicts() as earlier, DeliveryVerdicts() as later:
                yield from _compare_deliveries(compared, earlier, later)


# What mail hosts say --------------------------------------------------------------------------------

_RANKS = {VerdictValue.no: 0, VerdictValue.mixed: 1, VerdictValue.yes: 2}

#: Of a verdict that is not about mail being lost or exposed.
_SEVERITIES = {"certificate_domain_name": Severity.notice, "expected_mx": Severity.warning}


def _compare_claims(compared: Compared, name: str, before: Verdict, after: Verdict) -> Iterator[Change]:
    if before.value is after.value:
        return
    effect = _effect(compared, name, before, after)
    is_moved = name == "expected_mx" and effect is Effect.worse and after.value is VerdictValue.no
    yield compared.change(
        ChangeKind.moved_away if is_moved else ChangeKind.verdict_changed,
        effect,
        _severity(name, effect, after.value),
        name=None if is_moved else name,
        before=before.value.value,
        after=after.value.value,
    )


def _effect(compared: Compared, name: str, before: Verdict, after: Verdict) -> Effect:
    if VerdictValue.not_applicable in (before.value, after.value):  # what it depends on has changed, and tells
        return Effect.other
    if after.value is VerdictValue.unknown:
        return Effect.not_known
    if before.value is VerdictValue.unknown:
        return Effect.known_now
    if name == "certificate_domain_name":  # no sender asks for that
        return Effect.other
    still_open = _still_open(compared, name) if name in LEVELS else 0
    if _is_lower(after, before, still_open):
        return Effect.worse
    if _is_lower(before, after, still_open):
        return Effect.better
    return Effect.known_now if after.complete else Effect.not_known


def _still_open(compared: Compared, name: str) -> int:
    """How many addresses were as unknown before as they are now: they explain nothing."""
    level = LEVELS[name]
    return len(open_places(compared.before, level) & open_places(compared.after, level))


def _is_lower(one: Verdict, other: Verdict, still_open: int) -> bool:
    """True if a verdict is lower than another and what was unknown to either can't be the reason."""
    if _RANKS[one.value] >= _RANKS[other.value]:
        return False
    unknown, unknown_to_other = max(0, one.unknown - still_open), max(0, other.unknown - still_open)
    if not (unknown or unknown_to_other):
        return True
    return one.no > other.no + unknown_to_other or one.yes + unknown < other.yes


def _severity(name: str, effect: Effect, after: VerdictValue) -> Severity:
    if effect is Effect.not_known:
        return Severity.warning
    if effect is Effect.other or (effect is not Effect.worse and after is VerdictValue.yes):
        return Severity.notice
    severity = _SEVERITIES.get(name, Severity.error)
    return Severity.warning if after is VerdictValue.mixed and severity is Severity.error else severity


# Policies -------------------------------------------------------------------------------------------

#: What nobody authenticates by protects as little as what is not there.
_POLICY_RANKS = {PolicyValue.invalid: 0, PolicyValue.unusable: 1, PolicyValue.none: 1, PolicyValue.valid: 2}

_BROKEN = {"dane": ChangeKind.dane_broken, "mta_sts": ChangeKind.mta_sts_broken}


def _compare_policy(compared: Compared, name: str, before: PolicyVerdict, after: PolicyVerdict) -> Iterator[Change]:
    if before.value is after.value:
        return
    effect = _effect_of_policy(compared, name, before, after)
    is_broken = effect is Effect.worse and after.value is PolicyValue.invalid and name in _BROKEN
    yield compared.change(
        _BROKEN[name] if is_broken else ChangeKind.verdict_changed,
        effect,
        _severity_of_policy(name, after.value),
        name=None if is_broken else name,
        before=before.value.value,
        after=after.value.value,
        evidence=", ".join(after.reasons),
    )


def _effect_of_policy(compared: Compared, name: str, before: PolicyVerdict, after: PolicyVerdict) -> Effect:
    if after.value is PolicyValue.unknown:
        return Effect.not_known
    if before.value is PolicyValue.unknown:
        return Effect.known_now
    effect = _by_rank(_POLICY_RANKS[before.value], _POLICY_RANKS[after.value])
    if effect is Effect.worse and _seen_by_one(name, after, compared.after, compared.before):
        return Effect.known_now
    if effect is Effect.better and _seen_by_one(name, before, compared.before, compared.after):
        return Effect.not_known
    return effect


def _seen_by_one(name: str, verdict: PolicyVerdict, record: Domain, other: Domain) -> bool:
    """True if a run that found a policy not to hold did so where the other could not look.

    Addresses that were not reached count for nothing beside one that holds, so the other would not have known.
    """
    if name == "tls_rpt" or (name == "mta_sts" and ResultType.validation_failure not in verdict.reasons):
        return False  # what is published is of no use by itself
    only_there = open_places(other) - open_places(record)
    failing = {host.exchange for host in record.mail_hosts if host.dane is None or host.dane.value is verdict.value}
    return any(name == "mta_sts" or exchange in failing for exchange, _ in only_there)


def _severity_of_policy(name: str, after: PolicyValue) -> Severity:
    if after is PolicyValue.valid:
        return Severity.notice
    return Severity.error if after is PolicyValue.invalid and name in _BROKEN else Severity.warning


def _by_rank(before: int, after: int) -> Effect:
    if before == after:
        return Effect.other
    return Effect.worse if after < before else Effect.better


# What becomes of mail -------------------------------------------------------------------------------

_DELIVERY_RANKS = {
    Delivery.fails: 0,
    Delivery.delivers: 1,
    Delivery.delivers_encrypted: 2,
    Delivery.delivers_authenticated: 3,
}


def _compare_deliveries(compared: Compared, before: DeliveryVerdicts, after: DeliveryVerdicts) -> Iterator[Change]:
    for name in DeliveryVerdicts.__struct_fields__:
        earlier, later = getattr(before, name), getattr(after, name)
        if earlier.value is later.value:
            continue
        yield compared.change(
            ChangeKind.verdict_changed,
            _effect_on_mail(compared, earlier, later),
            _severity_of_mail(later.value),
            name=f"delivery.{name}",
            before=earlier.value.value,
            after=later.value.value,
            evidence=", ".join(later.failures),
        )


def _effect_on_mail(compared: Compared, before: SenderVerdict, after: SenderVerdict) -> Effect:
    if after.value is Delivery.unknown:
        return Effect.not_known
    if before.value is Delivery.unknown:
        return Effect.known_now
    is_complete = before.complete and after.complete
    is_shown = is_complete or Delivery.fails in (before.value, after.value)  # it fails only where all is known
    if is_shown or open_places(compared.before) == open_places(compared.after):
        return _by_rank(_DELIVERY_RANKS[before.value], _DELIVERY_RANKS[after.value])
    # A server that may be tried before was known to one run only.
    return Effect.known_now if after.complete else Effect.not_known


def _severity_of_mail(after: Delivery) -> Severity:
    if after is Delivery.fails:
        return Severity.error
    return Severity.notice if after is Delivery.delivers_authenticated else Severity.warning
