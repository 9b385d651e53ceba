"""The name of an address, and whether it leads back → a step (RFC 1912 §2.1)."""

from collections.abc import Iterable

from scanner.diagnosis.dns_words import listed
from scanner.diagnosis.steps import Section, Step, StepResult
from scanner.judgement.fitness import ANSWERED, Reverse
from scanner.outcomes import AddressFlag


def judge_reverse(reverse: Reverse, *, is_ours: bool) -> Step:
    """What the reverse mapping of an address says; servers ask it of us, nobody needs it of them."""
    whose = "our address" if is_ours else "address"
    said = f"{whose} {reverse.address}"
    if reverse.status not in ANSWERED:
        return Step(Section.reverse, StepResult.unknown, f"{said}: its PTR could not be looked up ({reverse.status})")
    if reverse.names and reverse.leads_back:
        return Step(Section.reverse, StepResult.passed, f"{said} is {listed(reverse.names)}, and back")
    missing = f"is {listed(reverse.names)}, which does not lead back" if reverse.names else "has no PTR record"
    if not is_ours:
        return Step(Section.reverse, StepResult.information, f"{said} {missing}")
    what_to_do = f"have the owner of {reverse.address} set its PTR to this host's name: many servers refuse us without"
    return Step(Section.reverse, StepResult.failed, f"{said} {missing}", what_to_do)


def judge_not_asked(address: str, flags: Iterable[AddressFlag], *, is_ours: bool) -> Step:
    """An address whose name nobody is asked for, and why."""
    said = f"{'our address' if is_ours else 'address'} {address}: its PTR is not asked for ({', '.join(flags)})"
    what_to_do = "behind NAT, servers see another address: look at the PTR of that" if is_ours else ""
    return Step(Section.reverse, StepResult.unknown, said, what_to_do)
