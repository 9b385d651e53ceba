"""MX and addresses over UDP and over TCP, from every DNS server named to us: all there, and the same?"""

from collections.abc import Iterable

from scanner.diagnosis.dns_words import listed, say_both, say_status
from scanner.diagnosis.steps import Section, Step, StepResult
from scanner.diagnosis.zone_checks import judge_one_transport
from scanner.dns.answers import MxData
from scanner.dns.server_answers import BothWays, ServerAnswer
from scanner.outcomes import DnsStatus


def judge_records(section: Section, both: BothWays) -> Step | None:
    """What one server says over both transports to a question for records; None: no IPv6 is nothing to tell."""
    asked = both.udp
    said = f"{asked.record_type} of {asked.name} from {both.label}: {say_both(both, say_records)}"
    if asked.is_truncated and not both.tcp.is_heard:
        said = f"{said}: what is cut off is lost"
    if len(both.heard) == 1:
        return Step(section, *judge_one_transport(both, said))
    if not both.best.is_usable:
        return Step(section, StepResult.unknown, said, "ask another resolver by --dns")
    if all(answer.is_usable for answer in both) and _content(both.udp) != _content(both.tcp):
        return _answers_differ(section, asked.record_type, said)
    if both.best.records:
        return Step(section, StepResult.passed, said)
    return None if asked.record_type == "AAAA" else Step(section, StepResult.information, said)


def judge_agreement(section: Section, asked: Iterable[BothWays]) -> Step | None:
    """Whether all servers that know say the same; None if they do."""
    known = [(both.label, both.best) for both in asked if both.best.is_usable]
    if len({_content(answer) for _, answer in known}) < 2:
        return None
    question = known[0][1]
    answers = listed(f"{say_records(answer)} from {label}" for label, answer in known)
    said = f"the DNS servers do not agree on {question.record_type} of {question.name}: {answers}"
    return _answers_differ(section, question.record_type, said)


def _answers_differ(section: Section, record_type: str, said: str) -> Step:
    if record_type != "MX":  # addresses may be given out in turn
        return Step(section, StepResult.information, said)
    what_to_do = "one may be old, until its time to live ends, or made up by something on the way: ask again later"
    return Step(section, StepResult.unknown, said, what_to_do)


def say_records(answer: ServerAnswer) -> str:
    """The records that were asked for, or what was said instead."""
    if answer.is_truncated:
        return "an answer that is cut off"
    if answer.status is not DnsStatus.ok:
        return say_status(answer)
    exchanges = sorted(answer.exchanges, key=lambda mx: (mx.preference, mx.exchange))
    return listed([f"{mx.preference} {mx.exchange or '.'}" for mx in exchanges] or sorted(answer.texts))


def _content(answer: ServerAnswer) -> tuple[DnsStatus, frozenset[MxData], frozenset[str]]:
    return answer.status, frozenset(answer.exchanges), frozenset(answer.texts)
