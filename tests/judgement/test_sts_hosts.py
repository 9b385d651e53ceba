"""An MTA-STS policy against mail hosts: what it finds wrong at each, and what that makes of the domain."""

import pytest

from scanner.outcomes import AddressFlag, DnsStatus, HostFlag, Outcome, RouteFlag, RouteKind, Stage
from scanner.records import Domain, Host, Mx, Route

from .found import DOMAIN, flagged, host, looked_up, mx, route, told
from .sessions import ADDRESS, MX, ended, masked, without_starttls
from .transport import (
    EXPIRED,
    LEAF,
    OTHER_NAME,
    SELF_SIGNED,
    STS_RECORD,
    Sessions,
    fetch,
    judged_domain,
    policy_host,
    policy_text,
    published,
    served,
    to,
    txt,
)

SECOND = "192.0.2.2"
ONE, TWO = host(looked_up(ADDRESS)), host(looked_up(ADDRESS, SECOND))
GOOD = {ADDRESS: served(LEAF)}
REFUSED = ended(Stage.connect, Outcome.refused)
SILENT = ended(Stage.connect, Outcome.timed_out)
PRIVATE = host(looked_up(flagged("10.0.0.1", AddressFlag.not_public)))
GONE = host(looked_up(status=DnsStatus.nxdomain), looked_up(status=DnsStatus.nxdomain))


def under(
    text: str, one: Host, sessions: Sessions | None = None, *more: Mx, way: Route | None = None, mx_total: int = 0
) -> Domain:
    """The domain whose policy says this, with this mail host and these sessions."""
    held = {(MX, address): record for address, record in (sessions or {}).items()}
    flags = (RouteFlag.mx_over_limit,) if mx_total else ()
    usual = to(mx(), *more, flags=flags, mx_total=mx_total or 1 + len(more), mta_sts=txt(STS_RECORD))
    return judged_domain(one, sessions=held, of=way or usual, policies=published(fetch(text), policy_host()))


def words(record: Domain) -> str:
    verdict = record.verdicts.mta_sts
    assert verdict is not None
    return " ".join((verdict.value, *verdict.reasons))


def failures(record: Domain) -> list[str]:
    return [one for one in told(record.findings) if one.startswith("validation-failure")]


# fmt: off
ROWS: list[tuple[Host, Sessions, str, str | None, str]] = [
    (ONE, GOOD, "valid", None, "trusted, and for this name"),
    (ONE, {ADDRESS: served(EXPIRED)}, "invalid", f"certificate-expired at {ADDRESS}", "expired"),
    (ONE, {ADDRESS: served(SELF_SIGNED)}, "invalid", f"certificate-not-trusted at {ADDRESS}", "signed by nobody"),
    (ONE, {ADDRESS: served(OTHER_NAME)}, "invalid", f"certificate-host-mismatch at {ADDRESS}", "for another name"),
    (ONE, {ADDRESS: without_starttls()}, "invalid", f"starttls-not-supported at {ADDRESS}", "without STARTTLS"),
    (ONE, {ADDRESS: ended(Stage.tls, Outcome.tls_failed)}, "invalid", f"validation-failure at {ADDRESS}",
     "no handshake"),
    (ONE, {ADDRESS: masked()}, "unknown masked", None, "what overwrites it may not stand before others"),
    (ONE, {ADDRESS: SILENT}, "unknown timed_out", None, "not reached"),
    (ONE, {ADDRESS: REFUSED}, "unknown refused", None, "closed just now"),
    (ONE, {}, "unknown not_yet_probed", None, "not asked yet"),
    (TWO, {ADDRESS: served(LEAF), SECOND: SILENT}, "valid", None, "one not reached does not count beside a good one"),
    (TWO, {ADDRESS: served(LEAF), SECOND: served(EXPIRED)}, "invalid", f"certificate-expired at {SECOND}",
     "one where mail is lost does"),
    (TWO, {ADDRESS: served(EXPIRED), SECOND: served(EXPIRED)}, "invalid",
     f"certificate-expired at {ADDRESS}, {SECOND}", "the same at both is said once"),
    (PRIVATE, {}, "valid", None, "nobody can deliver there, by any policy"),
    (GONE, {}, "valid", None, "nor there"),
]
# fmt: on


@pytest.mark.parametrize(("one", "sessions", "said", "evidence", "why"), ROWS, ids=[row[-1] for row in ROWS])
def test_what_a_policy_finds_at_a_host(
    one: Host, sessions: Sessions, said: str, evidence: str | None, why: str
) -> None:
    for mode, severity in (("enforce", "error"), ("testing", "warning")):
        record = under(policy_text(mode), one, sessions)
        assert words(record).removesuffix(" validation-failure") == said
        assert failures(record) == ([] if evidence is None else [f"validation-failure {severity} {MX}"])
        told_of = [found.evidence for found in record.findings if found.kind == "validation-failure"]
        assert told_of == ([] if evidence is None else [f"MTA-STS ({mode}): {evidence}"])


@pytest.mark.parametrize(
    ("patterns", "is_named"),
    [((MX,), True), (("*.example.org",), True), (("mx9.example.org",), False), (("*.mx1.example.org",), False)],
)
def test_a_host_has_to_be_named(patterns: tuple[str, ...], is_named: bool) -> None:
    record = under(policy_text("enforce", *patterns), ONE, GOOD)
    assert words(record) == ("valid" if is_named else "invalid validation-failure")
    assert failures(record) == ([] if is_named else [f"validation-failure error {MX}"])


def test_a_host_that_is_not_there_has_to_be_named_all_the_same() -> None:
    assert words(under(policy_text("enforce", "mx9.example.org"), GONE)) == "invalid validation-failure"


def test_mode_none_asks_nothing_of_hosts() -> None:
    record = under(policy_text("none"), ONE, {ADDRESS: served(EXPIRED)})
    assert words(record) == "unusable mode_none"
    assert failures(record) == []


def test_hosts_over_the_limit_leave_it_open() -> None:
    assert words(under(policy_text(), ONE, GOOD, mx_total=30)) == "unknown over_limit"
    assert words(under(policy_text(), ONE, {ADDRESS: served(EXPIRED)}, mx_total=30)) == "invalid validation-failure"


def test_an_implicit_mx_is_the_domain_itself() -> None:
    way = route(RouteKind.implicit_mx, mx(DOMAIN, None), dns_status=DnsStatus.no_data)
    way = to(*way.mx, kind=RouteKind.implicit_mx, mta_sts=txt(STS_RECORD))
    record = judged_domain(
        host(looked_up(ADDRESS), exchange=DOMAIN), of=way, policies=published(fetch(policy_text()), policy_host())
    )
    assert words(record) == "invalid validation-failure"


def test_a_literal_is_no_host_that_could_validate() -> None:
    literal = mx("192.0.2.9", 20, HostFlag.mx_is_address_literal)
    assert words(under(policy_text("enforce", MX, "192.0.2.9"), ONE, GOOD, literal)) == "valid"


@pytest.mark.parametrize(
    ("mode", "leaf", "delivery", "why"),
    [
        ("enforce", LEAF, "delivers_authenticated", "as it should be"),
        ("enforce", EXPIRED, "fails", "mail is lost to senders that obey"),
        ("testing", EXPIRED, "delivers_encrypted", "they tell, and deliver"),
        ("none", EXPIRED, "delivers_encrypted", "they do not even tell"),
    ],
)
def test_what_becomes_of_a_message_depends_on_the_mode(mode: str, leaf: object, delivery: str, why: str) -> None:
    record = under(policy_text(mode), ONE, {ADDRESS: served(leaf)})  # type: ignore[arg-type]
    assert record.verdicts.delivery is not None
    assert record.verdicts.delivery.mta_sts.value == delivery
    assert record.verdicts.delivery.opportunistic.value == "delivers_encrypted"
