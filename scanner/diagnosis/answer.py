"""The answer of a check in one paragraph: does mail get through, and if not, at which step and why.

Theory of operation. Every place (a mail host at an address) has a fate, read from its session and from what came
of MAIL and RCPT there. A sender goes from place to place in the order of preference: past those that do not
answer or say "not now" (RFC 5321 §5.1), to the first that takes or refuses the recipient. What it meets is the
answer. Nothing that is ours, and nothing that was not found out, is ever told as the servers' no.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from scanner.diagnosis.answer_words import (
    STEPS,
    Question,
    Talk,
    come_back_text,
    end_text,
    ends_text,
    listed,
    refusal_text,
    remedy_of,
    reply_text,
)
from scanner.diagnosis.sender_refusals import is_about_the_sender
from scanner.diagnosis.steps import Section, Step, StepResult
from scanner.exit_codes import INCONCLUSIVE, OK, OURS, PROBLEM
from scanner.judgement.claims import NOT_APPLICABLE, came_up, judge_session
from scanner.outcomes import AddressFlag, Cause, DnsStatus, NotKnown, Outcome, RouteKind, Severity, Stage, VerdictValue
from scanner.records import Domain, SessionRecord


class Canaries(StrEnum):
    """What servers that should be up said when none of the domain's answered."""

    not_asked = "not_asked"
    none_known = "none_known"
    heard = "heard"
    silent = "silent"


class Fate(StrEnum):
    """What a message meets at a place."""

    taken = "taken"
    later = "later"
    refused = "refused"
    refused_for_us = "refused_for_us"
    no_service = "no_service"
    tls_broken = "tls_broken"
    not_known = "not_known"


class Answer(Struct, frozen=True):
    """The paragraph, what to do about it, and the exit code of the command."""

    result: StepResult
    exit_code: int
    said: str
    what_to_do: str = ""


def fate_of(talk: Talk) -> Fate:
    """What a message meets at a place."""
    session, transaction = talk.session, talk.transaction
    if transaction is None:
        return _fate_without_mail(session)
    match transaction.outcome:
        case Outcome.ok:
            return Fate.taken
        case Outcome.transient_negative:
            return Fate.later
        case Outcome.permanent_negative:
            # A rule of the server's ("policy") may be about the sender too; then it is the same from everywhere.
            is_for_us = transaction.about_us and not is_about_the_sender(talk.stage, talk.reply)
            return Fate.refused_for_us if is_for_us else Fate.refused
    return Fate.not_known


def _fate_without_mail(session: SessionRecord) -> Fate:
    if session.outcome is Outcome.ok:
        return Fate.taken
    claims = judge_session(session, NOT_APPLICABLE, NOT_APPLICABLE)
    if claims.starttls.value is VerdictValue.no and claims.smtp.value is VerdictValue.yes:
        return Fate.tls_broken
    if session.outcome is Outcome.transient_negative:
        return Fate.later
    if session.about_us:
        return Fate.refused_for_us
    return Fate.no_service if VerdictValue.no in (claims.reachable.value, claims.smtp.value) else Fate.not_known


def answer(
    question: Question,
    record: Domain | None,
    talks: Sequence[Talk],
    canaries: Canaries,
    *,
    steps: Iterable[Step] = (),
) -> Answer:
    """The answer; `talks` are in the order in which a sender tries the places. An address literal has no record.

    What failed among the `steps` about the DNS does not keep mail from getting through today, and is told.
    """
    if not talks:
        assert record is not None
        return _without_talks(question, record)
    if not any(came_up(talk.session) for talk in talks):
        return _nothing_came_up(question, talks, canaries)
    fates = [(fate_of(talk), talk) for talk in talks]
    decisive = (Fate.taken, Fate.refused, Fate.refused_for_us, Fate.tls_broken)
    met = next(((fate, talk) for fate, talk in fates if fate in decisive), None)
    if met is not None:
        return _met(question, *met, fates, _to_repair(record, steps))
    for fate, word in ((Fate.later, _later), (Fate.not_known, _not_known)):
        talk = next((talk for found, talk in fates if found is fate), None)
        if talk is not None:
            return word(question, talk)
    return Answer(
        StepResult.failed,
        PROBLEM,
        f"{question.first} does not get through: no server takes mail. {ends_text(talks)}.",
        "Have the mail servers started, or correct the MX records.",
    )


def answer_for_our_fault(place: str, fault: str) -> Answer:
    """The answer where nothing could be asked because of ourselves."""
    what_to_do = "Look at this host first: its network, its resolver, its disk (mxscan preflight)."
    return Answer(StepResult.unknown, OURS, f"Nothing is known about {place}: {fault}.", what_to_do)


def answer_for_literal(question: Question, flags: Iterable[AddressFlag]) -> Answer:
    """The answer for an address literal that is not contacted, because of these flags."""
    if AddressFlag.not_public not in flags:
        return Answer(
            StepResult.unknown,
            INCONCLUSIVE,
            f"Nothing is known about {question.domain}: it has opted out, so it was not contacted.",
            "Take it off the list (--opt-out, probe.opt_out) if that is a mistake.",
        )
    return Answer(
        StepResult.failed,
        PROBLEM,
        f"{question.first} does not get through from the Internet: {question.domain} is not a public address, so "
        "nobody out there can reach it, and it was not contacted.",
        "If it is in your own network, allow it: --allow-network.",
    )


# One place decides ------------------------------------------------------------------------------------


#: Sections of which a failed test is something to repair; what fails elsewhere shows in places and findings.
_ABOUT_THE_DNS = frozenset({Section.zone, Section.sender})


def _to_repair(record: Domain | None, steps: Iterable[Step]) -> list[str]:
    """What is wrong beside the places: findings that are errors, by their kind, and tests that failed."""
    findings = () if record is None else record.findings
    kinds = sorted({found.kind.value for found in findings if found.severity is Severity.error})
    failed = [step.said for step in steps if step.section in _ABOUT_THE_DNS and step.result is StepResult.failed]
    return [*kinds, *failed]


def _met(
    question: Question, fate: Fate, talk: Talk, fates: Iterable[tuple[Fate, Talk]], to_repair: Sequence[str]
) -> Answer:
    if fate is Fate.taken:
        return _taken(question, talk, [other for found, other in fates if found is not Fate.taken], to_repair)
    refusal = refusal_text(talk)
    if fate is Fate.refused_for_us:
        return Answer(
            StepResult.unknown,
            OURS,
            f"{question.first} from this host does not get through, because of us: {refusal}. "
            "Others may well be let in.",
            remedy_of(talk, about_us=True),
        )
    if fate is Fate.tls_broken:
        return Answer(
            StepResult.failed,
            PROBLEM,
            f"{question.first} does not get through from senders that want TLS, which the server offers: "
            f"{end_text(talk)}. Others may fall back to sending it in the clear.",
            "Mend the server's TLS, or have it offer no STARTTLS; the findings say more.",
        )
    return Answer(
        StepResult.failed,
        PROBLEM,
        f"{question.first} does not get through: {refusal}.",
        remedy_of(talk, about_us=False),
    )


def _taken(question: Question, talk: Talk, others: Sequence[Talk], to_repair: Sequence[str]) -> Answer:
    took = "takes the recipient" if talk.transaction is not None else "takes mail"
    said = f"{question.first} gets through: {talk.place} {took}; nothing was sent."
    if not (others or to_repair):
        return Answer(StepResult.passed, OK, said)
    but = []
    if others:
        but.append(f"not at {ends_text(others)}")
    if to_repair:
        but.append(f"there is something to repair: {'; '.join(to_repair)}")
    are_all_uncertain = not to_repair and all(fate_of(other) in (Fate.later, Fate.not_known) for other in others)
    code = INCONCLUSIVE if are_all_uncertain else PROBLEM
    return Answer(
        StepResult.passed, code, f"{said} But {'; '.join(but)}.", "What to do is said above and in the findings."
    )


def _later(question: Question, talk: Talk) -> Answer:
    said = f"{talk.place} says “not now” to {STEPS.get(talk.stage, talk.stage)}: {reply_text(talk)}."
    if _is_greylisting(talk):
        return Answer(
            StepResult.unknown,
            INCONCLUSIVE,
            f"Whether {question} gets through is not known yet: {said} That is mostly greylisting: "
            "who is new is asked to come again, and mail servers do that by themselves.",
            f"Check again {come_back_text(talk)}, from the same address and with the same sender and recipient.",
        )
    return Answer(
        StepResult.unknown,
        INCONCLUSIVE,
        f"Whether {question} gets through is not known: {said} Mail servers keep the message and try again.",
        f"Check again {come_back_text(talk)}.",
    )


def _is_greylisting(talk: Talk) -> bool:
    # RFC 6647 §5.1 recommends 450 and 421, most say 451; at RCPT without another cause it is that.
    is_unexplained = talk.cause in (None, Cause.other) and talk.reply is not None and talk.reply.code in (450, 451)
    return talk.cause is Cause.greylisted or (talk.stage in (Stage.mail, Stage.rcpt) and is_unexplained)


def _not_known(question: Question, talk: Talk) -> Answer:
    return Answer(
        StepResult.unknown,
        INCONCLUSIVE,
        f"Whether {question} gets through could not be found out: {end_text(talk)}.",
        "Check again later; with -v every word of the dialogue is shown.",
    )


# No place decides -------------------------------------------------------------------------------------

_ROUTES: dict[RouteKind, tuple[str, str]] = {
    RouteKind.nxdomain: (
        "the domain {domain} does not exist",
        "Check the spelling; if it is right, the registration or the delegation of the domain has ended.",
    ),
    RouteKind.null_mx: (
        "{domain} accepts no mail, and says so (null MX, RFC 7505)",
        "If the domain is to receive mail, publish MX records that name its mail servers.",
    ),
    RouteKind.no_mail_host: (
        "{domain} has neither MX nor address records, so there is no server to take its mail",
        "Publish an MX record that names the mail server.",
    ),
}


def _without_talks(question: Question, record: Domain) -> Answer:
    kind = record.mail_route.kind
    if kind in _ROUTES:
        why, what_to_do = (text.format(domain=question.domain) for text in _ROUTES[kind])
        return Answer(StepResult.failed, PROBLEM, f"{question.first} does not get through: {why}.", what_to_do)
    reasons = set(record.verdicts.reachable.reasons)
    if record.verdicts.reachable.value is VerdictValue.no and not reasons:
        return Answer(
            StepResult.failed,
            PROBLEM,
            f"{question.first} does not get through: the MX records of {question.domain} lead to no server.",
            "The findings say which record is wrong.",
        )
    if reasons & {NotKnown.opted_out, NotKnown.own_address} or kind is RouteKind.skipped:
        return Answer(
            StepResult.unknown,
            INCONCLUSIVE,
            f"Nothing is known about {question.domain}: its servers were not contacted "
            f"({_listed_reasons(reasons or {NotKnown.opted_out})}).",
            "The opt-out list, or an address of this host, forbids it.",
        )
    if NotKnown.no_ipv6 in reasons:
        return Answer(
            StepResult.unknown,
            OURS,
            f"Nothing is known about {question.domain}: its servers have IPv6 addresses only, and this host has none.",
            "Check from a host with IPv6.",
        )
    if DnsStatus.local_fault in reasons:
        return answer_for_our_fault(question.domain, "the DNS server could not be asked from here")
    return Answer(
        StepResult.unknown,
        INCONCLUSIVE,
        f"Where {question.domain} receives mail could not be found out: {_listed_reasons(reasons or {kind})}.",
        "Ask its name servers directly (dig +trace MX), then check again.",
    )


def _listed_reasons(reasons: Iterable[str]) -> str:
    return listed(sorted(reason.replace("_", " ") for reason in reasons))


def _nothing_came_up(question: Question, talks: Sequence[Talk], canaries: Canaries) -> Answer:
    outcomes = {talk.session.outcome for talk in talks}
    if outcomes <= {Outcome.local_fault}:
        return Answer(
            StepResult.unknown,
            OURS,
            f"Nothing is known about {question.domain}: this host could not connect at all. {ends_text(talks)}.",
            "Check this host's network: routes, addresses, and its own firewall.",
        )
    is_silent = not outcomes & {Outcome.refused}
    if canaries is Canaries.silent or (canaries is Canaries.none_known and is_silent):
        compared = (
            "nor to other servers that should be up"
            if canaries is Canaries.silent
            else "and there was no other server to compare with (--canary ADDRESS)"
        )
        return Answer(
            StepResult.unknown,
            OURS,
            f"Your network blocks port {question.port}: no connection came up, neither to any server of "
            f"{question.domain} {compared}. Nothing is known about {question.domain}.",
            f"Ask your provider to open outgoing port {question.port}, or check from another network.",
        )
    return Answer(
        StepResult.failed,
        PROBLEM,
        f"{question.first} does not get through: no connection comes up to any server of {question.domain}"
        f"{' while other servers can be reached' if canaries is Canaries.heard else ''}. {ends_text(talks)}.",
        f"Have the mail servers started and port {question.port} opened in their firewall, or correct "
        f"{'the address' if question.domain.startswith('[') else 'the MX records'}.",
    )
