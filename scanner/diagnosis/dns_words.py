"""How a person is told what a DNS server said, or did not say."""

from collections.abc import Callable, Iterable

from scanner.dns.server_answers import BothWays, ServerAnswer
from scanner.outcomes import Outcome

#: RFC 7766 §5: who serves DNS over UDP must serve it over TCP. What breaks without it, in a mail administrator's words.
NEEDS_TCP = "answers that do not fit into UDP are lost without it (many MX records, DNSSEC, long DKIM keys)"

#: A list in a sentence is not longer.
MAX_LISTED = 10

_ENDS = {
    Outcome.refused: "connection refused",
    Outcome.unreachable: "unreachable",
    Outcome.reset: "connection reset",
    Outcome.closed: "connection closed without an answer",
    Outcome.malformed: "an answer that can't be read",
    Outcome.local_fault: "no way to it from this machine",
}


def say_end(answer: ServerAnswer) -> str:
    """How an exchange without an answer ended."""
    return _ENDS.get(answer.outcome, f"no answer within {answer.waited_s:g} s")


def say_both(both: BothWays, say: Callable[[ServerAnswer], str]) -> str:
    """What was said over each transport, or how the exchange ended; once, if it is the same."""
    udp, tcp = (say(answer) if answer.is_heard else say_end(answer) for answer in both)
    return f"{udp} over UDP and TCP" if udp == tcp else f"{udp} over UDP, {tcp} over TCP"


def say_serial(answer: ServerAnswer) -> str:
    """The serial of a zone, or what was said instead."""
    return f"serial {answer.soa.serial}" if answer.soa is not None else say_status(answer)


def say_status(answer: ServerAnswer) -> str:
    """What an answer comes to when it does not have what was asked for."""
    return f"no {answer.record_type} record" if answer.response_code == "NOERROR" else answer.response_code


def listed(texts: Iterable[str]) -> str:
    """Texts with commas between; those that are too many are counted."""
    found = list(texts)
    more = len(found) - MAX_LISTED
    return f"{', '.join(found[:MAX_LISTED])} and {more} more" if more > 0 else ", ".join(found)
