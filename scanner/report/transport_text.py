"""Transport security of a domain for a person: what becomes of a message, what is published, and whether it holds."""

from collections.abc import Iterable

from rich.text import Text

from scanner.policy.senders import Delivery
from scanner.records import (
    Domain,
    JudgedCertificate,
    JudgedDane,
    JudgedHost,
    JudgedPolicy,
    PolicyVerdict,
    SenderVerdict,
    SessionRecord,
)
from scanner.report.shown_text import shown
from scanner.report.styles import ASIDE, DELIVERY_STYLES, HEADING, POLICY_STYLES, VERDICT_STYLES
from scanner.report.summary import POLICIES
from scanner.tls.identity import NameMatch

#: What a message meets, as a sentence about it.
_DELIVERIES = {
    Delivery.delivers: "is delivered, perhaps readable on its way",
    Delivery.delivers_encrypted: "is delivered encrypted, to whoever answers",
    Delivery.delivers_authenticated: "is delivered encrypted, to the right server",
    Delivery.fails: "is NOT delivered",
    Delivery.unknown: "meets what could not be found out",
}


def delivery_lines(record: Domain) -> list[Text]:
    """What becomes of a message from each kind of sender: what a person reads first."""
    delivery = record.verdicts.delivery
    if delivery is None:
        return [Text("a message  none is meant to be delivered", style=HEADING)]
    return [
        Text("a message", style=HEADING),
        _sender("from any sender", delivery.opportunistic),
        _sender("if DANE is obeyed", delivery.dane),
        _sender("if MTA-STS is obeyed", delivery.mta_sts),
    ]


def _sender(who: str, verdict: SenderVerdict) -> Text:
    text = Text(f"  {who:20}  ").append(_DELIVERIES[verdict.value], style=DELIVERY_STYLES[verdict.value])
    if verdict.failures:
        text.append(f" ({', '.join(verdict.failures)})")
    if not verdict.complete and verdict.value is not Delivery.unknown:
        text.append("; a server that may come first could not be judged", style=ASIDE)
    return text


# Policies -------------------------------------------------------------------------------------------


def policy_lines(record: Domain) -> list[Text]:
    """What is published for senders that insist on TLS, and whether it holds; nothing if nobody looked."""
    named = [(name, getattr(record.verdicts, name)) for name in POLICIES]
    lines = [_policy_verdict(name, verdict) for name, verdict in named if verdict is not None]
    if record.policy is not None:
        lines.append(_policy(record.policy))
    for host in record.mail_hosts:
        lines += _host_dane(host)
    return [Text("policies", style=HEADING), *lines] if lines else []


def _policy_verdict(name: str, verdict: PolicyVerdict) -> Text:
    text = Text(f"  {name:9}  ").append(verdict.value, style=POLICY_STYLES[verdict.value])
    return text.append(f" ({', '.join(map(shown, verdict.reasons))})") if verdict.reasons else text


def _policy(policy: JudgedPolicy) -> Text:
    names = ", ".join(map(shown, policy.mx)) or "none"
    days = policy.max_age_s / 86400
    return Text(f"  the MTA-STS policy: mode {policy.mode}, id {policy.id}, for {days:g} days, mx {names}")


def _host_dane(host: JudgedHost) -> list[Text]:
    dane = host.dane
    if dane is None:
        return []
    head = Text(f"  DANE of {shown(host.exchange)}: ").append(dane.value, style=POLICY_STYLES[dane.value])
    head.append(f"  {_REQUIREMENTS[dane.requirement]}, {dane.ground.replace('_', ' ')}", style=ASIDE)
    if dane.base_domain is not None and dane.base_domain != host.exchange:
        head.append(f" at {shown(dane.base_domain)}", style=ASIDE)
    return [head, *_tlsa(dane)]


#: What a DANE sender requires of a host.
_REQUIREMENTS = {
    "opportunistic": "TLS is not required",
    "encryption": "TLS is required",
    "authentication": "authentication is required",
    "undeliverable": "nothing is delivered",
    "unknown": "not known what is required",
}


def _tlsa(dane: JudgedDane) -> Iterable[Text]:
    for word, records in (("matches", dane.matched), ("no match", dane.unmatched), ("not used", dane.uncompared)):
        for record in records:
            yield Text(f"    TLSA {shown(record)}  ").append(word, style=ASIDE)


# Certificates and sessions --------------------------------------------------------------------------

_NAMES = {
    NameMatch.matches: "for this name",
    NameMatch.only_common_name: "for this name in the common name only",
    NameMatch.no_match: "for another name",
}


def certificate_line(certificate: JudgedCertificate) -> Text:
    """A line on the certificate of an address."""
    style = VERDICT_STYLES[{True: "yes", False: "no", None: "unknown"}[certificate.trusted]]
    text = Text("      certificate ").append(shown(certificate.reason), style=style)
    if certificate.trusted is False and certificate.code is not None:
        text.append(f" (OpenSSL {certificate.code})")
    if certificate.name is not None:
        text.append(f", {_NAMES[certificate.name]}")
    if certificate.days_left is not None:
        text.append(f", {_days(certificate.days_left)}")
    return text.append(f"  sha256 {certificate.sha256[:16]}…", style=ASIDE)


def _days(left: int) -> str:
    return f"{left} days left" if left >= 0 else f"over for {-left} days"


def extension_lines(session: SessionRecord) -> list[Text]:
    """What EHLO offers in a session, and what appears and vanishes once TLS is up."""
    before, after = session.extensions, session.extensions_after_tls
    if before is None:
        return []
    lines = [Text.assemble(("  EHLO      ", ASIDE), _listed(before.items()) or "offers nothing")]
    if after is not None:
        # RFC 3207 §4.2: STARTTLS itself is not offered again.
        vanished = [
            f"-{_extension(item)}" for item in before.items() if item[0] != "STARTTLS" and item not in after.items()
        ]
        appeared = [f"+{_extension(item)}" for item in after.items() if item not in before.items()]
        lines.append(Text.assemble(("  with TLS  ", ASIDE), ", ".join((*appeared, *vanished)) or "the same"))
    return lines


def _listed(extensions: Iterable[tuple[str, str]]) -> str:
    return ", ".join(map(_extension, extensions))


def _extension(item: tuple[str, str]) -> str:
    keyword, parameters = item
    return shown(f"{keyword} {parameters}".strip())
