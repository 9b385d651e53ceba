"""`mxscan scan --lab`: every record is what the world says by hand, and the lab saw a polite visitor."""

from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from scanner.judgement.attempts import asks_for_less, needs_second_attempt, needs_small_hello
from scanner.lab.log import LogLine, SessionLine, TripwireLine, read_log
from scanner.lab.world import Entry
from scanner.lab.world_file import EMBEDDED_WORLD, load_world
from scanner.names import InvalidName, parse_domain
from scanner.outcomes import OUTCOMES_OF_OURS, AddressFlag, RetryOn, Variant
from scanner.records import SessionRecord
from scanner.wire_text import escape_octets
from tests.acceptance.running import domains_of, mxscan, records_of
from tests.expectation import differences
from tests.lab_world.test_coverage import CAUSES

WORLD = load_world(EMBEDDED_WORLD)


def _key(entry: Entry) -> str:
    try:
        return parse_domain(entry.domain)
    except InvalidName:
        return escape_octets(entry.domain.encode())


@pytest.mark.parametrize("loop", ["lab_run", "lab_run_on_asyncio"])
def test_every_record_is_as_the_world_says(loop: str, request: pytest.FixtureRequest) -> None:
    records = {record.domain or record.input: record for record in domains_of(request.getfixturevalue(loop))}
    wrong = {entry.domain: found for entry in WORLD.entries if (found := differences(entry, records.pop(_key(entry))))}
    assert wrong == {}
    assert records == {}, "records that no entry of the world expects"


def test_every_session_has_an_outcome_a_stage_and_the_limit_that_fired(lab_run: Path) -> None:
    for session in records_of(lab_run, SessionRecord):
        assert session.outcome not in OUTCOMES_OF_OURS
        if session.outcome in ("timed_out", "deadline", "too_long"):
            assert session.limit is not None
            assert (session.limit_s is None) != (session.limit_bytes is None)


def test_a_session_says_why_the_server_refused(lab_run: Path) -> None:
    refused = {
        session.session: session.cause
        for session in records_of(lab_run, SessionRecord)
        if session.outcome in ("transient_negative", "permanent_negative")
    }
    causes = {
        record.domain: refused[name]
        for record in domains_of(lab_run)
        for host in record.mail_hosts
        for address in host.addresses
        for name in address.sessions
        if name in refused
    }
    assert causes == CAUSES


def test_only_a_refusal_has_a_cause_and_only_a_cause_is_about_us(lab_run: Path) -> None:
    for session in records_of(lab_run, SessionRecord):
        is_refusal = session.outcome in ("transient_negative", "permanent_negative")
        assert (session.cause is not None) == (session.about_us is not None) == is_refusal


def _log(run: Path) -> list[LogLine]:
    return read_log(run / "lab" / "log.jsonl")


def test_never_two_sessions_at_once_with_one_address(lab_run: Path) -> None:
    by_address = defaultdict(list)
    for line in _log(lab_run):
        if isinstance(line, SessionLine):
            by_address[line.address].append((line.started_s, line.ended_s))
    assert max(len(sessions) for sessions in by_address.values()) > 1, "no address had two sessions: nothing is shown"
    for address, sessions in by_address.items():
        sessions.sort()
        overlapping = [pair for pair in pairwise(sessions) if pair[1][0] < pair[0][1] - 0.05]
        assert overlapping == [], address


def test_quit_is_said_in_every_session_that_came_to_ehlo_unless_the_server_ended_it(lab_run: Path) -> None:
    sessions = [line for line in _log(lab_run) if isinstance(line, SessionLine)]
    polite = [line for line in sessions if {"EHLO", "HELO"} & set(line.commands)]
    assert len(polite) > 100
    for line in polite:
        ended_by_the_server = line.end in ("server_closed", "server_reset")
        in_the_handshake = line.commands[-1] == "STARTTLS"
        assert line.commands[-1] == "QUIT" or ended_by_the_server or in_the_handshake, line


def test_nothing_is_ever_said_that_names_a_mailbox(lab_run: Path) -> None:
    said = {verb for line in _log(lab_run) if isinstance(line, SessionLine) for verb in line.commands}
    assert said == {"EHLO", "HELO", "STARTTLS", "QUIT"}


def test_nobody_speaks_before_the_greeting_is_complete(lab_run: Path) -> None:
    assert [line for line in _log(lab_run) if isinstance(line, SessionLine) and line.spoke_early] == []


def test_the_forbidden_addresses_saw_nobody(lab_run: Path) -> None:
    assert [line for line in _log(lab_run) if isinstance(line, TripwireLine)] == []


def test_no_attempt_is_made_twice_and_none_without_a_reason(lab_run: Path) -> None:
    sessions = {session.session: session for session in records_of(lab_run, SessionRecord)}
    assert len(sessions) == len(records_of(lab_run, SessionRecord))
    for name, session in sessions.items():
        survey = sessions.get(f"{session.target}.{session.attempt}.survey")
        first = sessions.get(f"{session.target}.1.survey")
        assert survey is not None, name
        assert first is not None, name
        if session.variant is Variant.small_hello:
            assert needs_small_hello(survey), name
        elif session.attempt > 1:
            assert needs_second_attempt(first, frozenset(RetryOn)), name


def test_every_target_that_failed_has_its_second_attempt(lab_run: Path) -> None:
    sessions = {session.session: session for session in records_of(lab_run, SessionRecord)}
    withdrawn = {
        address.address
        for record in domains_of(lab_run)
        for host in record.mail_hosts
        for address in host.addresses
        if AddressFlag.address_withdrawn in address.flags
    }
    # An address that was given up because it asked for less is left alone.
    too_much = {session.address for session in sessions.values() if asks_for_less(session)}
    failed = [one for one in sessions.values() if one.attempt == 1 and needs_second_attempt(one, frozenset(RetryOn))]
    assert len(failed) > 30
    for session in failed:
        if session.address in too_much:
            continue
        assert session.address in withdrawn or f"{session.target}.2.survey" in sessions, session.session


def test_a_second_attempt_comes_with_more_patience_and_after_a_new_lookup(lab_run: Path) -> None:
    sessions = records_of(lab_run, SessionRecord)
    first = {session.target: session for session in sessions if session.attempt == 1}
    second = [session for session in sessions if session.attempt == 2]
    fired = [session for session in second if session.limit_s and session.limit == first[session.target].limit]
    assert fired
    for session in fired:
        assert session.limit_s == pytest.approx(1.6 * (first[session.target].limit_s or 0))
    for session in second:
        assert (session.host_asked_at or "") > (first[session.target].host_asked_at or ""), session.session


def test_names_from_standard_input_give_a_record_each(tmp_path: Path) -> None:
    out = tmp_path / "run2"
    result = mxscan("scan", "-", "--lab", "--out", out, stdin="a\0b.test\nexample..test\nmünchen.lab\n".encode())
    assert result.returncode == 0, result.stderr.decode()
    nul, dots, munich = domains_of(out)
    assert (nul.domain, nul.input) == (None, "a\\x00b.test")
    assert "0x00 at position 2" in nul.findings[0].evidence
    assert (dots.domain, dots.line) == (None, 2)
    assert "empty label" in dots.findings[0].evidence
    assert (munich.domain, munich.input) == ("xn--mnchen-3ya.lab", "m\\xC3\\xBCnchen.lab")
    assert munich.verdicts.starttls.value == "yes"


def test_judging_again_gives_the_same_file(lab_run: Path) -> None:
    before = (lab_run / "domains.jsonl").read_bytes()
    (lab_run / "domains.jsonl").unlink()
    result = mxscan("judge", lab_run)
    assert result.returncode == 0, result.stderr.decode()
    assert (lab_run / "domains.jsonl").read_bytes() == before


def test_partitions_change_nothing_but_the_parts(lab_run: Path, tmp_path: Path) -> None:
    config = tmp_path / "parts.toml"
    config.write_text("[run]\npartitions = 4\n")
    out = tmp_path / "parts"
    result = mxscan("scan", "--lab", "--config", config, "--out", out, "--quiet")
    assert result.returncode == 0, result.stderr.decode()
    assert len(list(out.glob("sessions-*.jsonl"))) == 4
    records = {record.domain or record.input: record for record in domains_of(out)}
    assert {entry.domain: differences(entry, records[_key(entry)]) for entry in WORLD.entries} == {
        entry.domain: [] for entry in WORLD.entries
    }
    assert [record.input for record in domains_of(out)] == [record.input for record in domains_of(lab_run)]


def test_plaintext_after_the_reply_to_starttls_is_kept_and_never_parsed(lab_run: Path) -> None:
    injected = [
        session for session in records_of(lab_run, SessionRecord) if session.outcome == "plaintext_after_starttls"
    ]
    assert len(injected) == 2
    transcripts = (lab_run / "transcripts-000.jsonl").read_text()
    for session in injected:
        said = next(line for line in transcripts.splitlines() if session.session in line)
        assert session.replies.starttls is not None
        assert session.replies.starttls.code == 220
        assert session.extensions_after_tls is None
        assert session.replies.ehlo_after_tls is None
        assert "INJECTED" in said
        assert "INJECTED" not in " ".join(session.extensions or {})
