"""From what units say to what is said of a domain: yes, no, mixed, unknown, not applicable."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from scanner.judgement.claims import Claim, Claims
from scanner.judgement.places import Place
from scanner.judgement.served import Leaf
from scanner.outcomes import VerdictValue
from scanner.records import Verdict, Verdicts

#: The preference of what stands behind all mail hosts that were examined.
LAST = 1 << 16


@dataclass(frozen=True, slots=True)
class Unit:
    """What is counted once: a mail host's address, or what stands in for one. `preference` is its host's.

    `place` is where mail may go, if anywhere; `leaf` is the certificate of which its claims speak.
    """

    claims: Claims
    preference: int | None
    place: Place | None = None
    leaf: Leaf | None = None


def judge_units(units: Sequence[Unit]) -> Verdicts:
    """The verdicts of a domain over its units that need nothing else."""
    return _judge(tuple([unit.claims for unit in units]), tuple([unit.claims for unit in preferred_of(units)]))


# Whatever their mail hosts are called, most domains hear the same from them.
@lru_cache(maxsize=4096)
def _judge(claims: tuple[Claims, ...], preferred: tuple[Claims, ...]) -> Verdicts:
    def verdict(name: str) -> Verdict:
        return judge_claims([getattr(one, name) for one in claims], [getattr(one, name) for one in preferred])

    return Verdicts(
        reachable=verdict("reachable"),
        smtp=verdict("smtp"),
        starttls=verdict("starttls"),
        certificate_trusted=verdict("certificate_trusted"),
        certificate_name=verdict("certificate_name"),
    )


def preferred_of(units: Sequence[Unit]) -> list[Unit]:
    """The units of the hosts of the lowest preference."""
    lowest = min((unit.preference or 0 for unit in units), default=0)
    return [unit for unit in units if (unit.preference or 0) == lowest]


def judge_claims(claims: Sequence[Claim], preferred: Sequence[Claim]) -> Verdict:
    """One verdict over the claims of all units and of those of the lowest preference."""
    values = [claim.value for claim in claims]
    unknowns = values.count(VerdictValue.unknown)
    return Verdict(
        value=combine(values),
        yes=values.count(VerdictValue.yes),
        no=values.count(VerdictValue.no),
        unknown=unknowns,
        complete=unknowns == 0,
        preferred=combine(claim.value for claim in preferred),
        reasons=tuple(sorted({claim.reason for claim in claims if claim.reason is not None})),
    )


def combine(values: Iterable[VerdictValue]) -> VerdictValue:
    """One value over several: those that say yes or no decide; without any, unknown before not applicable."""
    found = set(values)
    if {VerdictValue.yes, VerdictValue.no} <= found:
        return VerdictValue.mixed
    for value in (VerdictValue.yes, VerdictValue.no, VerdictValue.unknown):
        if value in found:
            return value
    return VerdictValue.not_applicable
