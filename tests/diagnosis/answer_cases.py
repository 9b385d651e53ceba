"""Places of a domain as a check found them, and what the answer to each is."""

from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from scanner.diagnosis.answer import Canaries
from scanner.diagnosis.answer_words import Question, Talk
from scanner.diagnosis.steps import StepResult
from scanner.outcomes import Cause, DnsStatus, FindingKind, NotKnown, Outcome, RouteKind, Severity, Stage, VerdictValue
from scanner.records import (
    Domain,
    Finding,
    MailRoute,
    ReplyRecord,
    SessionRecord,
    Transaction,
    Verdict,
    Verdicts,
)
from tests.judgement.sessions import ended, reply, session

QUESTION = Question("example.org", "you@example.net", "me@example.org", 25)


def transaction(outcome: Outcome, stage: Any = Stage.rcpt, **more: Any) -> Transaction:
    return Transaction(session=session().session, stage=stage, outcome=outcome, **more)


TAKEN = transaction(Outcome.ok, Stage.done)


def talk(
    found: SessionRecord | None = None,
    came: Transaction | None = TAKEN,
    rcpt: ReplyRecord | None = None,
    host: str = "mx1",
) -> Talk:
    """A place whose session was good, and what came of the recipient there."""
    record = found or session()
    if rcpt is not None:
        record = replace(record, replies=replace(record.replies, mail=reply(250, "ok"), rcpt=(rcpt,)))
    return Talk(f"{host}.example.org", record, came)


def refused(code: int, text: str, cause: Cause | None, *, about_us: bool = False, host: str = "mx1") -> Talk:
    outcome = Outcome.transient_negative if code < 500 else Outcome.permanent_negative
    return talk(None, transaction(outcome, cause=cause, about_us=about_us), reply(code, text), host)


def not_up(outcome: Outcome, host: str = "mx1") -> Talk:
    return talk(ended(Stage.connect, outcome), None, host=host)


def record(
    kind: RouteKind = RouteKind.mx,
    findings: tuple[Finding, ...] = (),
    reachable: VerdictValue = VerdictValue.yes,
    reasons: tuple[str, ...] = (),
) -> Domain:
    verdict = Verdict(
        value=reachable, yes=0, no=0, unknown=0, complete=not reasons, preferred=reachable, reasons=reasons
    )
    return Domain(
        domain="example.org",
        line=1,
        lines=(1,),
        lines_total=1,
        input="example.org",
        metadata={},
        metadata_more=(),
        mail_route=MailRoute(kind=kind, flags=(), dns_status=DnsStatus.ok, mx_total=1),
        mail_hosts=(),
        verdicts=Verdicts(
            reachable=verdict, smtp=verdict, starttls=verdict, certificate_trusted=verdict, certificate_name=verdict
        ),
        findings=findings,
    )


def found(severity: Severity) -> Finding:
    return Finding(
        kind=FindingKind.certificate_expired, severity=severity, subject="mx1", evidence="…", session=None, fix="renew"
    )


WELL = record()


@dataclass(frozen=True)
class Case:
    name: str
    talks: tuple[Talk, ...]
    exit_code: int
    result: StepResult
    words: tuple[str, ...]
    record: Domain = WELL
    canaries: Canaries = Canaries.not_asked
    not_words: tuple[str, ...] = ()


GREYLISTED = refused(451, "4.7.1 Greylisted, come back in 00:05:00", Cause.greylisted)
UNKNOWN_USER = refused(550, "5.1.1 User unknown", Cause.user_unknown)
LISTED = refused(554, "5.7.1 blocked by a list", Cause.blocklisted, about_us=True)

CASES = [
    Case("the recipient is taken", (talk(),), 0, StepResult.passed, ("gets through", "mx1", "nothing was sent")),
    Case(
        "one place of two is down",
        (talk(), not_up(Outcome.refused, "mx2")),
        1,
        StepResult.passed,
        ("gets through", "But", "mx2.example.org [192.0.2.1] at connect: the connection is refused"),
    ),
    Case(
        "one place of two did not answer: a no is not made of that",
        (talk(), not_up(Outcome.timed_out, "mx2")),
        3,
        StepResult.passed,
        ("gets through", "mx2", "no answer"),
    ),
    Case(
        "it gets through, and a finding is an error",
        (talk(),),
        1,
        StepResult.passed,
        ("gets through", "certificate-expired"),
        record(findings=(found(Severity.error),)),
    ),
    Case("a warning is none", (talk(),), 0, StepResult.passed, (), record(findings=(found(Severity.warning),))),
    Case(
        "the preferred host does not answer, and the next one takes it",
        (not_up(Outcome.refused), talk(host="mx2")),
        1,
        StepResult.passed,
        ("gets through: mx2", "But not at mx1"),
    ),
    Case("user unknown", (UNKNOWN_USER,), 1, StepResult.failed, ("refuses RCPT TO", "5.1.1 User unknown", "spelling")),
    Case(
        "the mailbox has moved, and the reply says whither",
        (refused(551, "5.1.6 User not local; please try <me@example.com>", Cause.user_unknown),),
        1,
        StepResult.failed,
        ("please try <me@example.com>", "another address"),
    ),
    Case(
        "an address that needs SMTPUTF8, which nobody can say there",
        (talk(None, transaction(Outcome.permanent_negative, Stage.mail, error="needs SMTPUTF8, not offered")),),
        1,
        StepResult.failed,
        ("needs SMTPUTF8", "Use addresses in ASCII"),
        not_words=("Ask the recipient's postmaster",),
    ),
    Case(
        "reports of failures are refused: that is a fault of theirs",
        (refused(550, "5.7.1 Null sender not accepted here", Cause.policy, about_us=True),),
        1,
        StepResult.failed,
        ("Null sender", "must take the null reverse-path"),
        not_words=("because of us",),
    ),
    Case(
        "the first that refuses for good decides (RFC 5321 §5.1: only 4yz and no answer go on to the next)",
        (UNKNOWN_USER, talk(host="mx2")),
        1,
        StepResult.failed,
        ("mx1", "refuses"),
    ),
    Case(
        "greylisting is no failure, and says when to come back",
        (GREYLISTED,),
        3,
        StepResult.unknown,
        ("greylisting", "come back in 00:05:00", "after 2026-11-22 12:05:01 UTC"),
        not_words=("does not get through",),
    ),
    Case(
        "greylisting that does not say its name",
        (refused(450, "4.2.0 not yet", Cause.other),),
        3,
        StepResult.unknown,
        ("greylisting", "12:15:01 UTC (the server does not say when)"),
    ),
    Case(
        "a full mailbox for now",
        (refused(452, "4.2.2 full", Cause.mailbox_full),),
        3,
        StepResult.unknown,
        ("not now",),
        not_words=("greylisting",),
    ),
    Case(
        "greylisting on one, taken by the next",
        (GREYLISTED, talk(host="mx2")),
        3,
        StepResult.passed,
        ("gets through: mx2", "mx1"),
    ),
    Case(
        "we are on a block list",
        (LISTED,),
        4,
        StepResult.unknown,
        ("because of us", "have this host's address removed"),
    ),
    Case(
        "no answer to RCPT",
        (talk(None, transaction(Outcome.timed_out, limit="limits.reply_s", limit_s=30.0)),),
        3,
        StepResult.unknown,
        ("could not be found out", "RCPT TO: no answer within 30 s"),
    ),
    Case(
        "the server's TLS is broken",
        (talk(ended(Stage.tls, Outcome.tls_failed, error_code="handshake failure"), None),),
        1,
        StepResult.failed,
        ("senders that want TLS", "the TLS handshake: TLS failed (handshake failure)"),
    ),
    Case(
        "no mail server answers there",
        (talk(ended(Stage.greeting, Outcome.not_smtp), None),),
        1,
        StepResult.failed,
        ("no server takes mail",),
    ),
    Case(
        "the server takes no mail",
        (talk(ended(Stage.greeting, Outcome.permanent_negative, cause=Cause.no_service, about_us=False), None),),
        1,
        StepResult.failed,
        ("no server takes mail", "554 no"),
    ),
    Case(
        "the greeting refuses us",
        (talk(ended(Stage.greeting, Outcome.permanent_negative, cause=Cause.blocklisted, about_us=True), None),),
        4,
        StepResult.unknown,
        ("because of us", "the greeting"),
    ),
    Case(
        "the greeting says not now",
        (talk(ended(Stage.greeting, Outcome.transient_negative, cause=Cause.overloaded, about_us=False), None),),
        3,
        StepResult.unknown,
        ("not now",),
    ),
    Case(
        "nothing comes up, canaries neither",
        (not_up(Outcome.timed_out),),
        4,
        StepResult.unknown,
        ("Your network blocks port 25", "nor to other servers"),
        canaries=Canaries.silent,
        not_words=("does not get through",),
    ),
    Case(
        "nothing comes up, and there was nobody to compare with",
        (not_up(Outcome.timed_out),),
        4,
        StepResult.unknown,
        ("Your network blocks port 25", "--canary"),
        canaries=Canaries.none_known,
    ),
    Case(
        "nothing comes up, canaries do",
        (not_up(Outcome.timed_out),),
        1,
        StepResult.failed,
        ("no connection comes up", "while other servers can be reached"),
        canaries=Canaries.heard,
    ),
    Case(
        "a refusal is an answer: somebody is there",
        (not_up(Outcome.refused),),
        1,
        StepResult.failed,
        ("no connection comes up", "refused"),
        canaries=Canaries.none_known,
    ),
    Case(
        "refused everywhere, also by canaries: a firewall of ours",
        (not_up(Outcome.refused),),
        4,
        StepResult.unknown,
        ("Your network blocks",),
        canaries=Canaries.silent,
    ),
    Case(
        "we have no network",
        (not_up(Outcome.local_fault),),
        4,
        StepResult.unknown,
        ("could not connect at all",),
        canaries=Canaries.silent,
    ),
    Case("no such domain", (), 1, StepResult.failed, ("does not exist",), record(RouteKind.nxdomain)),
    Case("null MX", (), 1, StepResult.failed, ("accepts no mail", "RFC 7505"), record(RouteKind.null_mx)),
    Case("no mail host", (), 1, StepResult.failed, ("neither MX nor address",), record(RouteKind.no_mail_host)),
    Case(
        "the lookup failed",
        (),
        3,
        StepResult.unknown,
        ("could not be found out", "servfail"),
        record(RouteKind.dns_failure, reachable=VerdictValue.unknown, reasons=("servfail",)),
    ),
    Case(
        "our own resolver could not be asked",
        (),
        4,
        StepResult.unknown,
        ("Nothing is known about example.org", "DNS server"),
        record(RouteKind.dns_failure, reachable=VerdictValue.unknown, reasons=("local_fault",)),
    ),
    Case(
        "MX records that lead nowhere",
        (),
        1,
        StepResult.failed,
        ("lead to no server",),
        record(reachable=VerdictValue.no),
    ),
    Case(
        "opted out",
        (),
        3,
        StepResult.unknown,
        ("not contacted", "opted out"),
        record(RouteKind.skipped, reachable=VerdictValue.unknown, reasons=(NotKnown.opted_out,)),
    ),
    Case(
        "IPv6 alone, and we have none",
        (),
        4,
        StepResult.unknown,
        ("IPv6",),
        record(reachable=VerdictValue.unknown, reasons=(NotKnown.no_ipv6,)),
    ),
]
