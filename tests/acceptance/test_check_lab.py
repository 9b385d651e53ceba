"""`mxscan check` of every domain of the lab: its record is the one that `mxscan scan` writes."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from scanner.commands.settings_source import LAB_LAYER
from scanner.lab.child import LabChild
from scanner.lab.world import Entry
from scanner.lab.world_file import EMBEDDED_WORLD, load_world
from scanner.names import parse_domain
from scanner.outcomes import RouteKind
from scanner.records import Domain
from scanner.settings import Limits
from tests.acceptance.checking import Checked, check_all, config_of
from tests.acceptance.running import domains_of
from tests.expectation import differences, differences_between

#: Where a run of one domain knows less than one of a whole list, and why: a scan of it alone says the same.
ALONE = {
    "incomplete-chain.lab": "the missing intermediate is known from another domain's server",
    "asks-for-less.lab": "its patience comes back in the time that a scan spends on others",
}

ENTRIES = [entry for entry in load_world(EMBEDDED_WORLD).entries if entry.expect.kind is not RouteKind.invalid_name]


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Checked]]:
    """Every domain of the lab, checked once, in a lab that nobody has visited before."""
    directory = tmp_path_factory.mktemp("check")
    limits = msgspec.convert(LAB_LAYER["limits"], Limits)
    with LabChild.start(directory / "lab", world="", domains=0, seed=0, limits=limits) as lab:
        config = config_of(lab, directory / "lab.toml")
        arguments = ("--json", "--config", str(config))
        yield check_all({entry.domain: (entry.domain, *arguments) for entry in ENTRIES}, directory / "outputs")


def record_in(checked: Checked) -> Domain:
    return msgspec.convert(checked.found["domain"], Domain)


def test_every_record_is_as_the_world_says_and_as_a_scan_writes_it(checked: dict[str, Checked], lab_run: Path) -> None:
    scanned = {record.domain: record for record in domains_of(lab_run)}
    wrong = {}
    for entry in ENTRIES:
        record = record_in(checked[entry.domain])
        told = [*differences(entry, record), *_unlike(entry, scanned[parse_domain(entry.domain)], record)]
        if told:
            wrong[entry.domain] = told
    assert wrong.keys() <= ALONE.keys(), wrong


@pytest.mark.parametrize("domain", ALONE)
def test_what_a_list_would_have_told_is_unknown_and_never_no(
    checked: dict[str, Checked], lab_run: Path, domain: str
) -> None:
    scanned = next(record for record in domains_of(lab_run) if record.domain == domain)
    verdicts, whole = (msgspec.to_builtins(record.verdicts) for record in (record_in(checked[domain]), scanned))
    for name in ("reachable", "smtp", "starttls", "certificate_trusted", "certificate_name"):
        assert verdicts[name]["no"] == whole[name]["no"], name


def _unlike(entry: Entry, scanned: Domain, record: Domain) -> list[str]:
    # Where several records are right, chance decides which of them comes.
    return [] if entry.or_expect else differences_between(entry, scanned, record)


def test_the_exit_code_is_that_of_the_answer_and_never_a_bug(checked: dict[str, Checked]) -> None:
    codes = {domain: each.exit_code for domain, each in checked.items()}
    assert set(codes.values()) <= {0, 1, 3, 4}
    assert codes == {domain: each.found["answer"]["exit_code"] for domain, each in checked.items()}


def test_a_domain_of_which_all_is_well_is_answered_with_yes(checked: dict[str, Checked]) -> None:
    assert checked["good.lab"].exit_code == 0
    assert checked["good.lab"].found["answer"]["result"] == "passed"


def test_no_is_only_said_where_a_verdict_or_a_finding_says_so(checked: dict[str, Checked]) -> None:
    for domain, each in checked.items():
        if each.exit_code == 1:
            record = record_in(each)
            verdicts = (record.verdicts.reachable, record.verdicts.smtp, record.verdicts.starttls)
            is_no = any(verdict.no for verdict in verdicts) or any(
                found.severity == "error" for found in record.findings
            )
            is_no = is_no or any(step["result"] == "failed" for step in each.found["steps"])  # of the zone, say
            is_silent = each.found["canaries"] == "heard"
            assert is_no or is_silent or record.mail_route.kind == "null_mx", domain
