"""The third pass over the files of a run: which lines count, and what it refuses to judge."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from scanner.net.clock import SystemClock
from scanner.outcomes import AddressFlag, DnsStatus, Outcome, PolicyStage, RouteKind, Stage
from scanner.passes.certificate_record import certificate_record
from scanner.passes.context import RunContext
from scanner.passes.judge import JudgePass
from scanner.passes.progress import Progress, StopRequest
from scanner.passes.run_directory import IncompleteRunError, RunDirectory
from scanner.records import Domain, Event, InputLine, Record, Start
from scanner.settings import LookupsSettings, ProbeSettings, Settings
from tests.judgement.found import DOMAIN, ROOTS, host, looked_up, mx, route
from tests.judgement.sessions import ADDRESS, MX, ended, session
from tests.judgement.transport import (
    ANCHOR,
    BELOW_ANCHOR,
    EE,
    FOR_POLICY_HOST,
    LEAF,
    POLICY_HOST,
    STS_RECORD,
    broken_fetch,
    fetch,
    policy_host,
    secure_host,
    served,
    txt,
)
from tests.passes.examples import TIME
from tests.passes.examples import run as run_record

TO_MX = route(RouteKind.mx, mx())
ONE_HOST = host(looked_up(ADDRESS))
SILENCE = looked_up(status=DnsStatus.timed_out)
REFUSED = ended(Stage.connect, Outcome.refused)


def judged(
    path: Path,
    lines: Sequence[Record],
    *,
    opt_out: bytes | None = None,
    settings: Settings | None = None,
    starts: Sequence[Start] = (),
) -> Domain:
    """The record of the one domain of a run whose files have these lines, in this order."""
    directory = RunDirectory.create(path)
    source = replace(run_record().input, distinct_domains=1)
    run = replace(
        run_record(), input=source, partitions=1, roots_sha256=sha256(ROOTS).hexdigest(), starts=tuple(starts)
    )
    directory.write_file("roots.pem", ROOTS)
    if opt_out is not None:
        directory.write_file("opt_out.txt", opt_out)
    for line in (InputLine(line=1, input=DOMAIN, domain=DOMAIN), *lines):
        appender = directory.appender(type(line))
        appender.append(line)
        appender.close()
    JudgePass(RunContext(directory, run, settings or Settings(), SystemClock(), Progress(), StopRequest())).run()
    (record,) = directory.read(Domain)
    return record


def test_the_last_session_of_an_id_counts(tmp_path: Path) -> None:
    record = judged(tmp_path / "run", [TO_MX, ONE_HOST, ended(Stage.connect, Outcome.local_fault), session()])
    assert record.verdicts.reachable.value == "yes"


def test_a_later_lookup_that_failed_displaces_no_answer(tmp_path: Path) -> None:
    lost = replace(route(RouteKind.dns_failure, dns_status=DnsStatus.servfail), attempt=2)
    no_answer = replace(host(SILENCE, SILENCE), attempt=2)
    record = judged(tmp_path / "run", [TO_MX, lost, ONE_HOST, no_answer, session()])
    assert record.mail_route.kind is RouteKind.mx
    assert record.mail_hosts[0].a_status is DnsStatus.ok
    assert record.verdicts.reachable.complete


def test_an_address_that_a_later_lookup_has_no_more_is_withdrawn(tmp_path: Path) -> None:
    moved = replace(host(looked_up("192.0.2.9")), attempt=2)
    good = session(address="192.0.2.9")
    record = judged(tmp_path / "run", [TO_MX, ONE_HOST, moved, REFUSED, good])
    assert (record.verdicts.reachable.value, record.findings) == ("yes", ())
    flags = {one.address: one.flags for one in record.mail_hosts[0].addresses}
    assert flags == {"192.0.2.9": (), ADDRESS: (AddressFlag.address_withdrawn,)}


def _start(number: int, *, no_ipv6: bool) -> Start:
    return Start(start=number, at=TIME, version="0", host="", command_line=(), loop="", no_ipv6=no_ipv6)


NO_IPV6: list[tuple[str, list[bool], str]] = [
    ("never had it", [True], "no_ipv6"),
    ("had it at first, and went on without", [False, True], "no_ipv6"),
    ("got it later, and is not done", [True, False], "not_yet_probed"),
]


@pytest.mark.parametrize(("lacks", "reason"), [row[1:] for row in NO_IPV6], ids=[row[0] for row in NO_IPV6])
def test_the_last_start_says_whether_we_have_ipv6(tmp_path: Path, lacks: list[bool], reason: str) -> None:
    starts = [_start(number, no_ipv6=lacking) for number, lacking in enumerate(lacks, 1)]
    record = judged(tmp_path / "run", [TO_MX, host(aaaa=looked_up("2001:db8::1"))], starts=starts)
    assert record.verdicts.reachable.reasons == (reason,)


def test_what_failed_while_our_network_was_cut_off_is_not_known(tmp_path: Path) -> None:
    detail: dict[str, str | float | bool | None] = {
        "from": REFUSED.started_at,
        "to": REFUSED.ended_at,
        "family": "ipv4",
    }
    lost = Event(at=REFUSED.ended_at, start=1, event="vantage_lost", detail=detail)
    record = judged(tmp_path / "run", [TO_MX, ONE_HOST, REFUSED, lost])
    assert (record.verdicts.reachable.value, record.verdicts.reachable.reasons) == ("unknown", ("vantage",))
    assert [found.kind for found in record.findings] == ["scanner-fault"]


def test_names_at_one_address_are_asked_up_to_the_number_of_the_settings(tmp_path: Path) -> None:
    other = session(server_name="mx9.example.org", target="f" * 16, session=f"{'f' * 16}.1.survey")
    once = Settings(probe=ProbeSettings(names_per_address=1))
    record = judged(tmp_path / "one", [TO_MX, ONE_HOST, other], settings=once)
    assert record.verdicts.certificate_name.reasons == ("over_limit",)
    record = judged(tmp_path / "more", [TO_MX, ONE_HOST, other])
    assert record.verdicts.certificate_name.reasons == ("not_yet_probed",)


def test_who_is_on_the_runs_opt_out_list_is_unknown_for_that(tmp_path: Path) -> None:
    record = judged(tmp_path / "run", [TO_MX, ONE_HOST], opt_out=ADDRESS.encode())
    assert record.verdicts.reachable.reasons == ("opted_out",)


@pytest.mark.parametrize("octets", [b"a..b\n", b"\xff\n"], ids=["no entry", "no UTF-8"])
def test_a_damaged_opt_out_list_is_not_taken_for_an_empty_one(tmp_path: Path, octets: bytes) -> None:
    with pytest.raises(IncompleteRunError, match=r"opt_out\.txt is damaged"):
        judged(tmp_path / "run", [TO_MX, ONE_HOST], opt_out=octets)


# Transport security ---------------------------------------------------------------------------------

WITH_POLICY = replace(TO_MX, mta_sts=txt(STS_RECORD), ad=True)
CERTIFICATES = [certificate_record(one.der) for one in (LEAF, FOR_POLICY_HOST)]
SILENT_FETCH = broken_fetch(PolicyStage.connect, Outcome.timed_out)


def start(*, validates: bool | None, number: int = 1) -> Start:
    return Start(
        start=number,
        at=TIME,
        version="1",
        host="here",
        command_line=(),
        loop="asyncio",
        no_ipv6=False,
        resolver_validates=validates,
    )


@pytest.mark.parametrize(
    ("fetches", "value", "why"),
    [
        ([fetch()], "valid", "fetched, and its one host holds it"),
        ([], "unknown", "not fetched yet"),
        ([SILENT_FETCH], "unknown", "no answer"),
        ([SILENT_FETCH, fetch(attempt=2)], "valid", "the second attempt found it"),
        ([SILENT_FETCH, fetch()], "valid", "the same attempt made again: its last line counts"),
        ([fetch(), fetch(http_status=404)], "invalid", "also if it says less"),
    ],
)
def test_the_policies_of_a_run_are_judged(tmp_path: Path, fetches: list[Record], value: str, why: str) -> None:
    lines = [WITH_POLICY, ONE_HOST, policy_host(), *CERTIFICATES, served(LEAF), *fetches]
    verdict = judged(tmp_path / "run", lines).verdicts.mta_sts
    assert verdict is not None
    assert verdict.value == value


def test_of_attempts_that_tell_as_much_the_last_counts_wherever_it_is_written(tmp_path: Path) -> None:
    closed = broken_fetch(PolicyStage.tls, Outcome.closed, attempt=2)
    verdict = judged(tmp_path / "run", [WITH_POLICY, ONE_HOST, policy_host(), closed, SILENT_FETCH]).verdicts.mta_sts
    assert verdict is not None
    assert verdict.reasons == ("closed",)


def test_a_policy_host_is_no_mail_host_of_the_same_name(tmp_path: Path) -> None:
    to_namesake = replace(route(RouteKind.mx, mx(POLICY_HOST)), mta_sts=txt(STS_RECORD))
    as_mail_host = host(looked_up(ADDRESS), exchange=POLICY_HOST)
    lines = [to_namesake, as_mail_host, policy_host(), *CERTIFICATES, fetch(), served(LEAF, server_name=POLICY_HOST)]
    record = judged(tmp_path / "run", lines)
    assert [one.address for one in record.mail_hosts[0].addresses] == [ADDRESS]
    assert record.policy is not None


@pytest.mark.parametrize(
    ("starts", "asked", "value"),
    [
        ([start(validates=True)], True, "valid"),
        ([start(validates=False)], True, "unknown"),
        ([start(validates=False), start(validates=True, number=2)], True, "valid"),
        ([start(validates=None)], True, None),
        ([], True, None),
        ([start(validates=True)], False, None),
    ],
    ids=["validates", "does not", "did once", "never tried", "an old run", "not asked for"],
)
def test_dane_is_judged_if_a_resolver_that_validates_was_at_hand(
    tmp_path: Path, starts: list[Start], asked: bool, value: str | None
) -> None:
    settings = Settings(lookups=LookupsSettings(dane=asked))
    lines = [WITH_POLICY, secure_host(EE), *CERTIFICATES, served(LEAF)]
    verdict = judged(tmp_path / "run", lines, starts=starts, settings=settings).verdicts.dane
    assert (verdict.value if verdict is not None else None) == value


def test_a_certificate_of_an_authority_that_others_served_completes_a_chain(tmp_path: Path) -> None:
    chain_of_others = [certificate_record(one.der) for one in (BELOW_ANCHOR, ANCHOR)]
    lines = [TO_MX, ONE_HOST, served(BELOW_ANCHOR)]
    (alone,) = judged(tmp_path / "alone", [*lines, chain_of_others[0]]).mail_hosts[0].addresses
    (known,) = judged(tmp_path / "known", [*lines, *chain_of_others]).mail_hosts[0].addresses
    assert alone.certificate is not None
    assert alone.certificate.reason == "unknown issuer"
    assert known.certificate is not None
    assert known.certificate.reason == "incomplete: verifies with a known intermediate"


def test_a_lost_certificate_of_a_policy_host_is_missed_too(tmp_path: Path) -> None:
    lines = [WITH_POLICY, ONE_HOST, policy_host(), certificate_record(LEAF.der), served(LEAF), fetch()]
    verdict = judged(tmp_path / "run", lines).verdicts.mta_sts
    assert verdict is not None
    assert (verdict.value, verdict.reasons) == ("unknown", ("local_fault",))


def test_a_session_is_found_by_the_base_domain(tmp_path: Path) -> None:
    under_base = replace(secure_host(EE), tlsa_base_domain="base.example.net")
    good = served(LEAF, server_name="base.example.net")
    record = judged(tmp_path / "run", [TO_MX, under_base, *CERTIFICATES, good])
    assert record.verdicts.reachable.value == "yes"
    assert record.mail_hosts[0].exchange == MX
