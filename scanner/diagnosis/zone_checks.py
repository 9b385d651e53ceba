"""The zone of a domain as the DNS servers tell it that were named to us: found or not, over UDP and TCP."""

from collections.abc import Sequence

from scanner.diagnosis.dns_words import NEEDS_TCP, listed, say_both, say_end, say_serial, say_status
from scanner.diagnosis.steps import Section, Step, StepResult
from scanner.dns.server_answers import BothWays, ServerAnswer
from scanner.outcomes import DnsStatus


def judge_zone_not_found(domain: str, answers: Sequence[ServerAnswer]) -> Step:
    """None of the servers told the zone: what each said. Nothing follows from it about the domain."""
    said = f"the zone of {domain} could not be found out: " + listed(
        f"{answer.server}: {say_status(answer) if answer.is_heard else say_end(answer)}" for answer in answers
    )
    if not any(answer.is_heard for answer in answers):
        what_to_do = "see that a DNS server answers this machine, or name one by --dns"
    elif any(answer.status is DnsStatus.servfail for answer in answers):
        what_to_do = "SERVFAIL: the zone's own servers do not answer the resolver, or its DNSSEC does not validate"
    else:
        what_to_do = "ask another resolver by --dns"
    return Step(Section.zone, StepResult.unknown, said, what_to_do)


def judge_zone_found(domain: str, zone: str, *, exists: bool) -> Step:
    """The zone by its name; whether there is such a domain in it."""
    if exists:
        return Step(Section.zone, StepResult.information, f"{domain} is in the zone {zone}")
    return Step(
        Section.zone,
        StepResult.failed,
        f"{domain} does not exist (NXDOMAIN); the zone around it is {zone}",
        f"check the spelling; if it is right, see that it is published in {zone}, or registered and delegated there",
    )


def judge_resolvers(asked: Sequence[BothWays]) -> list[Step]:
    """What the servers that were named to us say of a zone's SOA.

    A serial may be older than the zone's: a resolver keeps answers for their time to live.
    """
    somebody_is_heard = any(both.heard for both in asked)
    return [_judge_resolver(both, somebody_is_heard=somebody_is_heard) for both in asked]


def _judge_resolver(both: BothWays, *, somebody_is_heard: bool) -> Step:
    said = f"DNS server {both.label}: {say_both(both, say_serial)}"
    heard = both.heard
    if not heard:
        result = StepResult.failed if somebody_is_heard and not both.is_our_fault else StepResult.unknown
        return Step(Section.zone, result, said, "see that it runs and answers this machine, or leave it out (--dns)")
    for status, result, what_to_do in _SAID_INSTEAD:
        if any(answer.status is status for answer in heard):
            return Step(Section.zone, result, said, what_to_do)
    if len(heard) == 1:
        result, said, what_to_do = judge_one_transport(both, said)
        needs_tcp = f": {NEEDS_TCP}" if what_to_do and both.udp.is_heard else ""
        return Step(Section.zone, result, said, f"{what_to_do}{needs_tcp}")
    if any(answer.soa is None for answer in heard):
        return Step(Section.zone, StepResult.unknown, said, "ask another resolver by --dns")
    return Step(Section.zone, StepResult.passed, said)


_SAID_INSTEAD = (
    (DnsStatus.refused, StepResult.failed, "have it answer this machine, or leave it out (--dns)"),
    (DnsStatus.nxdomain, StepResult.failed, "others know the zone: see whom it asks, and whether its answer is old"),
    (
        DnsStatus.servfail,
        StepResult.unknown,
        "its log says why: the zone's own servers do not answer it, or the zone's DNSSEC does not validate",
    ),
)


def judge_one_transport(both: BothWays, said: str) -> tuple[StepResult, str, str]:
    """Result, words and advice for a server that is known to answer over one transport and not over the other."""
    if both.is_our_fault:
        return StepResult.unknown, said, ""
    missing = both.udp if both.tcp.is_heard else both.tcp
    return StepResult.failed, said, f"let {missing.transport} port 53 through to {both.label}, and have it answer there"
