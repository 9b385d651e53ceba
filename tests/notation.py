"""The notation in which a world says what must come out (scanner/lab/world.py), as parts of a record. Pure.

What is not compared has some value that a record may have. Every function raises ValueError for a text that is
not written as world.py says.
"""

import re

from scanner.lab.world import Expectation, ExpectedHost
from scanner.outcomes import (
    AddressFlag,
    Cause,
    DnsStatus,
    FindingKind,
    HostFlag,
    NotKnown,
    Outcome,
    PolicyReason,
    PolicyValue,
    RouteKind,
    Severity,
    Stage,
    VerdictValue,
)
from scanner.policy.mta_sts import StsMode
from scanner.policy.result_types import ResultType
from scanner.policy.senders import Delivery
from scanner.policy.tls_discovery import Ground, Requirement
from scanner.records import (
    DeliveryVerdicts,
    Finding,
    JudgedAddress,
    JudgedCertificate,
    JudgedDane,
    JudgedHost,
    JudgedPolicy,
    PolicyVerdict,
    SenderVerdict,
    Verdict,
    Verdicts,
)
from scanner.tls.identity import NameMatch

_VERDICT = re.compile(r"([a-z_]+) (\d+)/(\d+)/(\d+)(?: preferred=([a-z_]+))?((?: [a-z_]+)*)")
_FINDING = re.compile(r"([a-z0-9-]+) ([a-z]+) (.+)", re.DOTALL)
_CERTIFICATE = re.compile(r"(\d+) (.+)")
_REASONS = frozenset[str]({*Outcome, *Cause, *DnsStatus, *NotKnown})
_POLICY_REASONS = frozenset[str]({*_REASONS, *ResultType, *Ground, *PolicyReason})
_A_SESSION = "0123456789abcdef.1.survey"
_A_FINGERPRINT = "0" * 64
_SHOWED_A_CERTIFICATE = frozenset({Stage.done, Stage.ehlo_after_tls})

#: RFC 7672 §2.2: what a DANE sender requires, by what it follows from.
_REQUIREMENTS = {
    Ground.usable_records: Requirement.authentication,
    Ground.unusable_records: Requirement.encryption,
    Ground.addresses_insecure: Requirement.opportunistic,
    Ground.tlsa_absent: Requirement.opportunistic,
    Ground.tlsa_insecure: Requirement.opportunistic,
    Ground.no_address: Requirement.undeliverable,
    Ground.addresses_bogus: Requirement.undeliverable,
    Ground.tlsa_lookup_failed: Requirement.undeliverable,
    Ground.address_lookup_failed: Requirement.unknown,
    Ground.own_lookup_failed: Requirement.unknown,
    Ground.not_validated: Requirement.unknown,
}

#: Routes of which the verdicts on policies are asked.
_WITH_HOSTS = frozenset({RouteKind.mx, RouteKind.implicit_mx})


def parse_verdict(text: str) -> Verdict:
    """`VALUE YES/NO/UNKNOWN [preferred=VALUE] [REASON…]` → the verdict."""
    found = _VERDICT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not VALUE YES/NO/UNKNOWN [preferred=VALUE] [REASON…]")
    value, yes, no, unknown, preferred, reasons = found.groups()
    return Verdict(
        value=VerdictValue(value),
        yes=int(yes),
        no=int(no),
        unknown=int(unknown),
        complete=int(unknown) == 0,
        preferred=VerdictValue(preferred or value),
        reasons=tuple(_word(word, _REASONS) for word in reasons.split()),
    )


def parse_address(text: str) -> JudgedAddress:
    """`ADDRESS STAGE OUTCOME [LIMIT] [+FLAG…] [; CERTIFICATE]`, `ADDRESS - REASON [+FLAG…]` → the address.

    Without the flags that may be there or not, `+FLAG?`.
    """
    said, *certificate = text.split("; ")
    address, stage, outcome, *rest = said.split()
    optional = optional_flags(text)
    flags = tuple(flag for word in rest if word.startswith("+") and (flag := _flag(word)) not in optional)
    limits = [word for word in rest if not word.startswith("+")]
    is_contacted = stage != "-"
    if len(limits) > is_contacted:
        raise ValueError(f"{text!r}: {limits[-1]!r} is too much")
    return JudgedAddress(
        address=address,
        sessions=(_A_SESSION,) if is_contacted else (),
        stage=Stage(stage) if is_contacted else None,
        outcome=Outcome(outcome) if is_contacted else None,
        limit=limits[0] if limits else None,
        reason=None if is_contacted else _word(outcome, _REASONS),
        flags=flags,
        certificate=parse_certificate(certificate) if certificate or stage in _SHOWED_A_CERTIFICATE else None,
    )


def parse_certificate(words: list[str]) -> JudgedCertificate | None:
    """What stands after an address: nothing of note, `none`, or what is wrong."""
    if words == ["none"]:
        return None
    code, reason, name = 0, "trusted", NameMatch.matches
    for word in words:
        if found := _CERTIFICATE.fullmatch(word):
            code, reason = int(found[1]), found[2]
        else:
            name = NameMatch(word)
    return JudgedCertificate(
        sha256=_A_FINGERPRINT, trusted=code == 0, code=code, reason=reason, name=name, not_after=None, days_left=None
    )


def optional_flags(text: str) -> frozenset[AddressFlag]:
    """The flags of an address line that may be there or not."""
    words = text.partition(";")[0].split()
    return frozenset(_flag(word) for word in words if word.startswith("+") and word.endswith("?"))


def parse_finding(text: str) -> Finding:
    """`KIND SEVERITY SUBJECT` → the finding."""
    found = _FINDING.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not KIND SEVERITY SUBJECT")
    kind, severity, subject = found.groups()
    return Finding(
        kind=FindingKind(kind),
        severity=Severity(severity),
        subject=subject,
        evidence="what shows it",
        session=None,
        fix="what to do about it",
    )


def parse_host(host: ExpectedHost) -> JudgedHost:
    """A mail host with its addresses."""
    return JudgedHost(
        preference=host.preference,
        exchange=host.exchange,
        flags=host.flags,
        a_status=host.a,
        aaaa_status=host.aaaa,
        addresses=tuple(map(parse_address, host.addresses)),
        dane=_parse_host_dane(host),
    )


def _parse_host_dane(host: ExpectedHost) -> JudgedDane | None:
    if not host.dane and {HostFlag.mx_is_address_literal, HostFlag.mx_is_localhost} & set(host.flags):
        return None
    text = host.dane or f"none {Ground.addresses_insecure if host.addresses else Ground.no_address}"
    if not host.dane and not host.addresses and not {host.a, host.aaaa} <= {DnsStatus.no_data, DnsStatus.nxdomain}:
        raise ValueError(f"{host.exchange}: dane does not go without saying where a lookup failed")
    value, ground, *base_domain = text.split()
    return JudgedDane(
        value=PolicyValue(value),
        requirement=_REQUIREMENTS[Ground(ground)],
        ground=Ground(ground),
        base_domain=base_domain[0] if base_domain else None,
        matched=host.matched,
        unmatched=host.unmatched,
        uncompared=host.uncompared,
    )


def parse_verdicts(expect: Expectation) -> Verdicts:
    """All verdicts of an expectation, also those that go without saying."""
    has_hosts = expect.kind in _WITH_HOSTS
    return Verdicts(
        reachable=parse_verdict(expect.reachable),
        smtp=parse_verdict(expect.smtp),
        starttls=parse_verdict(expect.starttls),
        certificate_trusted=parse_verdict(expect.certificate_trusted),
        certificate_name=parse_verdict(expect.certificate_name),
        certificate_domain_name=parse_verdict(expect.certificate_domain_name)
        if expect.certificate_domain_name
        else _for_no_domain(parse_verdict(expect.certificate_name)),
        dane=_parse_policy_verdict(expect.dane) if has_hosts or expect.dane != "none" else None,
        mta_sts=_parse_policy_verdict(expect.mta_sts) if has_hosts else None,
        tls_rpt=_parse_policy_verdict(expect.tls_rpt) if has_hosts else None,
        delivery=_parse_delivery(expect),
    )


def _for_no_domain(name: Verdict) -> Verdict:
    """What `certificate_domain_name` is where no certificate is for the mail domain itself."""

    def no_for_yes(value: VerdictValue) -> VerdictValue:
        return VerdictValue.no if value in (VerdictValue.yes, VerdictValue.mixed) else value

    return Verdict(
        value=no_for_yes(name.value),
        yes=0,
        no=name.yes + name.no,
        unknown=name.unknown,
        complete=name.complete,
        preferred=no_for_yes(name.preferred),
        reasons=name.reasons,
    )


def _parse_policy_verdict(text: str) -> PolicyVerdict:
    value, *reasons = text.split()
    return PolicyVerdict(value=PolicyValue(value), reasons=tuple(_word(word, _POLICY_REASONS) for word in reasons))


def parse_policy(text: str) -> JudgedPolicy | None:
    """`ID MODE MAX_AGE [MX…]` → the policy."""
    if not text:
        return None
    policy_id, mode, max_age, *patterns = text.split()
    return JudgedPolicy(id=policy_id, mode=StsMode(mode), max_age_s=int(max_age), mx=tuple(patterns))


def _parse_delivery(expect: Expectation) -> DeliveryVerdicts | None:
    lines = expect.delivery or _plain_delivery(expect)
    if not lines:
        return None
    said: dict[str, SenderVerdict] = {}
    for line in lines:
        sender, value, *words = line.split()
        verdict = SenderVerdict(
            value=Delivery(value),
            complete="incomplete" not in words,
            failures=tuple(ResultType(word) for word in words if word != "incomplete"),
        )
        said.update(dict.fromkeys(DeliveryVerdicts.__struct_fields__ if sender == "all" else [sender], verdict))
    return DeliveryVerdicts(**said)


def _plain_delivery(expect: Expectation) -> tuple[str, ...]:
    """What all three senders come to where they come to the same everywhere."""
    values = [parse_verdict(text).value for text in (expect.reachable, expect.smtp, expect.starttls)]
    complete = all(parse_verdict(text).complete for text in (expect.reachable, expect.smtp, expect.starttls))
    match values:
        case [VerdictValue.not_applicable, _, _]:
            return ()
        case [VerdictValue.no, _, _] | [_, VerdictValue.no, _] if complete:
            return ("all fails",)
        case [VerdictValue.yes, VerdictValue.yes, VerdictValue.yes] if complete:
            return ("all delivers_encrypted",)
        case [VerdictValue.yes, VerdictValue.yes, VerdictValue.no] if complete:
            return ("all delivers",)
    if all(parse_verdict(text).yes + parse_verdict(text).no == 0 for text in (expect.smtp, expect.starttls)):
        return ("all unknown incomplete",)
    if values == [VerdictValue.yes, VerdictValue.yes, VerdictValue.unknown]:
        return ("all unknown incomplete",)
    raise ValueError("delivery does not go without saying where units differ")


def _flag(word: str) -> AddressFlag:
    return AddressFlag(word.removeprefix("+").removesuffix("?"))


def _word(word: str, words: frozenset[str]) -> str:
    if word not in words:
        raise ValueError(f"{word!r} is no reason")
    return word
