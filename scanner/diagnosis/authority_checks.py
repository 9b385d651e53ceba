"""The zone's own name servers: known by name and address, authoritative, over UDP and TCP, all with the same serial.

Theory of operation. What a server says, it says for sure. What it does not say may have been lost on the way:
many networks let their resolver ask the world's name servers and nobody else. So silence counts against a server
only when another one of the same address family was heard from here over the same transport.
"""

from collections.abc import Iterable, Iterator, Sequence

from scanner.addresses import AddressPolicy
from scanner.diagnosis.dns_words import NEEDS_TCP, listed, say_both, say_end, say_serial, say_status
from scanner.diagnosis.steps import Section, Step, StepResult
from scanner.dns.serials import is_newer, newest
from scanner.dns.server_answers import BothWays, ServerAnswer, Soa
from scanner.names import is_host_name
from scanner.outcomes import AddressFlag, DnsStatus, Outcome

#: Somebody has answered, be it a firewall: that is no loss on the way.
_DEFINITE = frozenset({Outcome.refused, Outcome.reset, Outcome.closed, Outcome.malformed})

_PUBLIC = AddressPolicy()


# Who they are -----------------------------------------------------------------------------------------


def judge_names(zone: str, answer: ServerAnswer) -> Step:
    """The answer for the NS records of a zone."""
    if answer.status is DnsStatus.ok:
        return Step(Section.zone, StepResult.information, f"{zone} has the name servers {listed(sorted(answer.texts))}")
    if not answer.is_usable:
        said = say_status(answer) if answer.is_heard else say_end(answer)
        return Step(Section.zone, StepResult.unknown, f"the name servers of {zone} could not be found out: {said}")
    said = f"{zone} has no name servers of its own ({say_status(answer)})"
    return Step(Section.zone, StepResult.failed, said, f"publish the NS records of {zone} in the zone itself")


def judge_addresses(name: str, answers: Sequence[ServerAnswer]) -> Step | None:
    """The answers for the addresses of a name server; None if there is one, and nothing to tell.

    An alias is told although it has addresses: RFC 2181 §10.3 forbids it, and some resolvers do not follow it.
    """
    if not is_host_name(name):
        said = f"the name server {name} is no host name, so nobody can ask it"
        return Step(Section.zone, StepResult.failed, said, "put the name of a host into the NS record")
    if any(answer.is_alias for answer in answers):
        said = f"the name server {name} is an alias, which some resolvers do not follow"
        return Step(Section.zone, StepResult.failed, said, "put the name that it leads to into the NS record")
    if any(answer.texts for answer in answers):
        return None
    if all(answer.is_usable for answer in answers):
        said = f"the name server {name} has no address ({say_status(answers[0])})"
        what_to_do = f"give {name} its A and AAAA records, or take it out of the NS records: who picks it waits"
        return Step(Section.zone, StepResult.failed, said, what_to_do)
    said = ", ".join(dict.fromkeys(say_status(each) if each.is_heard else say_end(each) for each in answers))
    return Step(Section.zone, StepResult.unknown, f"the addresses of {name} could not be found out: {said}")


def judge_not_contacted(label: str, flags: Iterable[AddressFlag]) -> Step:
    """A server that is left alone, and why."""
    reasons = ", ".join(flags)
    what_to_do = "nobody outside can ask it; --allow-network has it asked" if AddressFlag.not_public in flags else ""
    return Step(Section.zone, StepResult.unknown, f"name server {label} is not contacted: {reasons}", what_to_do)


# What they say ----------------------------------------------------------------------------------------


def judge_authority(zone: str, both: BothWays) -> Step | None:
    """What a name server of a zone says of its SOA; None if it is silent, and others have to be heard first."""
    said = f"name server {both.label}: {say_both(both, _say)}"
    faults = [fault for answer in both.heard if (fault := _fault(zone, both.label, answer))]
    missing = [answer for answer in both if not answer.is_heard]
    if faults:
        return Step(Section.zone, StepResult.failed, said, faults[0])
    if not missing:
        return Step(Section.zone, StepResult.passed, said)
    if both.heard and missing[0].outcome in _DEFINITE:
        return _does_not_answer(both)
    return None


def _say(answer: ServerAnswer) -> str:
    is_lame = answer.response_code == "NOERROR" and not answer.is_authoritative
    return "not authoritative (lame)" if is_lame else say_serial(answer)


def _fault(zone: str, label: str, answer: ServerAnswer) -> str | None:
    """What to do about an answer that is none of a name server of the zone; None if it is one.

    RFC 1034 §4.2.1: it answers with authority (RFC 1035 §4.1.1, AA), or it is "lame" (RFC 1912 §2.8).
    """
    if answer.status is DnsStatus.servfail:
        return (
            f"see why {label} has no copy of {zone} that is still valid: transfers from the primary, or its zone file"
        )
    if answer.is_authoritative and answer.soa is not None:
        return None
    return (
        f"have {label} serve {zone}, or take it out of the NS records, here and at the parent: it can't answer for it"
    )


# What they do not say ---------------------------------------------------------------------------------


def judge_silent(silent: Sequence[BothWays], heard: Sequence[BothWays], resolvers: Iterable[BothWays]) -> list[Step]:
    """The steps for those of a zone's servers that were not heard over a transport, or over both.

    `heard` are the others of the zone, `resolvers` the servers named to us.
    """
    tcp_out = [both for both in resolvers if both.tcp.is_heard and _PUBLIC.refusal(both.address) is None]
    steps = []
    doubtful: dict[tuple[str, str], list[str]] = {}
    for both in silent:
        missing = [answer for answer in both if not answer.is_heard]
        if both.is_our_fault:
            doubtful.setdefault((_say_missing(both), _NO_WAY), []).append(both.label)
        elif any(_is_open(both, answer, [*silent, *heard], tcp_out) for answer in missing):
            steps.append(_does_not_answer(both))
        else:
            doubtful.setdefault((_say_missing(both), _ONLY_THE_RESOLVER), []).append(both.label)
    return [*steps, *(_could_not_tell(labels, said, why) for (said, why), labels in doubtful.items())]


def _is_open(both: BothWays, missing: ServerAnswer, servers: Iterable[BothWays], tcp_out: Iterable[BothWays]) -> bool:
    """Whether this network lets questions out the way on which a server's answer is missing.

    `tcp_out` are resolvers out in the world that answer over TCP: they tell nothing where UDP does not get through,
    because a network may let nobody else be asked.
    """
    seen = [
        answer
        for other in servers
        if _is_alike(other, both)
        for answer in other
        if answer.transport is missing.transport
    ]
    if any(answer.is_heard for answer in seen):
        return True
    if missing.outcome not in _DEFINITE and any(answer.outcome in _DEFINITE for answer in seen):
        return True  # a firewall of ours that turns back one of them would have turned back this one too
    return both.udp.is_heard and any(_is_alike(resolver, both) for resolver in tcp_out)


def _is_alike(one: BothWays, other: BothWays) -> bool:
    return one.address.version == other.address.version


_NO_WAY = "give this machine a network that leads there, or compare from another one"
_ONLY_THE_RESOLVER = (
    "no name server was heard that way: this network may let only its resolver out; "
    "compare from another network, or name a public resolver by --dns"
)


def _say_missing(both: BothWays) -> str:
    if not both.heard:
        return say_both(both, _say)
    missing = both.udp if both.tcp.is_heard else both.tcp
    return f"{say_end(missing)} over {missing.transport}"


def _could_not_tell(labels: Sequence[str], said: str, why: str) -> Step:
    return Step(Section.zone, StepResult.unknown, f"name server {listed(labels)}: {said}", why)


def _does_not_answer(both: BothWays) -> Step:
    said = f"name server {both.label}: {say_both(both, _say)}"
    if not both.heard:
        what_to_do = f"see that {both.label} runs and that UDP and TCP port 53 are open to everybody"
    elif both.udp.is_heard:
        what_to_do = f"open TCP port 53 of {both.label} to everybody (RFC 7766 §5): {NEEDS_TCP}"
    else:
        what_to_do = f"open UDP port 53 of {both.label} to everybody: nearly all questions come over it"
    return Step(Section.zone, StepResult.failed, said, what_to_do)


# Serials ----------------------------------------------------------------------------------------------


def judge_serials(zone: str, heard: Iterable[BothWays]) -> Step | None:
    """Whether all of a zone's servers that were heard have the same serial; None if none was."""
    soas = [(both.label, soa) for both in heard for soa in dict.fromkeys(_authoritative(both))]
    if not soas:
        return None
    latest = newest(soa.serial for _, soa in soas)
    old = list(dict.fromkeys(label for label, soa in soas if soa.serial != latest))
    if not old:
        servers = len({label for label, _ in soas})
        said = f"serial {latest} on the {servers} name servers heard" if servers > 1 else f"serial {latest}"
        return Step(Section.zone, StepResult.passed, f"{zone}: {said}")
    refresh_s, primary = soas[0][1].refresh_s, soas[0][1].primary
    has = listed(f"{soa.serial} on {label}" for label, soa in soas)
    return Step(
        Section.zone,
        StepResult.failed,
        f"{zone}: serial numbers differ: {has}; {latest} is the newest",
        f"see that {listed(old)} gets the zone from {primary} (transfers over TCP port 53, NOTIFY); "
        f"if it was changed in the last {refresh_s} s, that may be under way",
    )


def _authoritative(both: BothWays) -> Iterator[Soa]:
    yield from (answer.soa for answer in both.heard if answer.is_authoritative and answer.soa is not None)


def judge_cached(zone: str, resolvers: Iterable[BothWays], heard: Iterable[BothWays]) -> Step | None:
    """The servers named to us that still have an older serial than all of the zone's own; None if none has."""
    current = [soa.serial for both in heard for soa in _authoritative(both)]
    old = {
        both.label: f"{both.label} (serial {answer.soa.serial}, for at most {answer.records[0].ttl_s} s)"
        for both in resolvers
        for answer in both.heard
        if answer.soa is not None and current and all(is_newer(serial, answer.soa.serial) for serial in current)
    }
    if not old:
        return None
    said = f"{zone}: an older SOA is still kept by the DNS server {listed(old.values())}"
    return Step(Section.zone, StepResult.information, said)
