"""`mxscan diff` of two real runs: a provider of forty domains on two days, and the lab against itself."""

import re
import shutil
from pathlib import Path

import orjson
import pytest

from scanner.exit_codes import INCONCLUSIVE, OK, PROBLEM
from scanner.passes.partitions import partition_of
from tests.acceptance.running import mxscan
from tests.acceptance.two_days import CUSTOMERS, GONE, MOVED, scan_two_days

COUNTS = """\
before  monday  TIME  44 domains
after   tuesday  TIME  44 domains

43 domains in both, 1 added, 1 gone; 43 changed
domains by what that means: 39 worse, 1 not known, 42 other, 0 known now, 1 better

what changed (domains)             worse  not known  other  known now  better
mail of senders that obey DANE        39          1      0          0       0
mail of senders that obey MTA-STS     39          1      0          0       0
mail of any sender                    39          1      0          0       0
verdict starttls                      37          1      0          0       0
STARTTLS lost                         37          0      0          0       0
new starttls-not-supported            37          0      0          0       0
verdict reachable                      2          0      0          0       0
domain does not exist any more         1          0      0          0       0
new connection-refused                 1          0      0          0       0
new domain-does-not-exist              1          0      0          0       0
verdict certificate_trusted            0          1      0          0       1
new timed-out                          0          1      0          0       0
verdict certificate_domain_name        0          1      0          0       0
verdict certificate_name               0          1      0          0       0
verdict smtp                           0          1      0          0       0
certificate                            0          0     38          0       0
MX                                     0          0      2          0       0
added to the list                      0          0      1          0       0
gone from the list                     0          0      1          0       0
certificate-expired gone               0          0      0          0       1
"""

#: What heads each group, and its lines without the domains and what is below them.
GROUPS = """\
provider.lab: 40 domains
  mx1.provider.lab
    worse      STARTTLS lost (starttls-not-supported) - 37 domains
  mx1.provider.lab, mx2.provider.lab
    worse      domain does not exist any more mx → nxdomain - 1 domain
    worse      verdict starttls yes → mixed - 37 domains
    other      MX → 10 mx.elsewhere.lab - 2 domains
  mx2.provider.lab
    other      certificate CERTIFICATE → CERTIFICATE - 37 domains

stopped.lab: 1 domain
  mx.stopped.lab
    worse      new connection-refused at [127.64.12.1] - 1 domain

silent.lab: 1 domain
  mx.silent.lab
    not known  new timed-out at [127.64.11.1] - 1 domain

without a mail host: 2 domains
    other      gone from the list - 1 domain
    other      added to the list - 1 domain

renews.lab: 1 domain
  mx.renews.lab
    other      certificate CERTIFICATE → CERTIFICATE - 1 domain
    better     certificate-expired gone at [127.64.10.1] - 1 domain
"""


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The runs of Monday and of Tuesday."""
    return scan_two_days(tmp_path_factory.mktemp("days"))


def comparable(text: str) -> str:
    """Without what differs from day to day, and with the number of domains alone."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    text = re.sub(r"sha256 [0-9a-f]{16} until \d{4}-\d\d-\d\d", "CERTIFICATE", text)
    lines = [line for line in text.splitlines() if not line.startswith(" " * 15)]
    return "".join(f"{_DOMAINS.sub(_counted, line)}\n" for line in lines)


_DOMAINS = re.compile(r": (?:(\d+ domains): )?[a-z0-9-]+\.lab(?:, [a-z0-9.-]+)*(?: and \d+ more)?$")


def _counted(match: "re.Match[str]") -> str:
    return f" - {match[1] or '1 domain'}"


def test_two_days_are_told_with_counts_first_and_then_by_whose_servers_changed(days: tuple[Path, Path]) -> None:
    result = mxscan("diff", *days)
    text = result.stdout.decode().replace(f"{days[0].parent}/", "")
    counts, _, groups = text.partition("\n\nprovider.lab:")
    assert result.returncode == PROBLEM
    assert comparable(counts) == COUNTS
    assert comparable(f"provider.lab:{groups}".rstrip()) == GROUPS


def test_one_host_that_changed_is_one_line_with_the_number_of_its_domains_and_the_first(
    days: tuple[Path, Path],
) -> None:
    text = mxscan("diff", *days).stdout.decode()
    first = ", ".join(CUSTOMERS[:3])
    assert f"STARTTLS lost (starttls-not-supported): 37 domains: {first} and 34 more\n" in text
    assert text.count("STARTTLS lost (") == 1


def test_json_names_every_domain_of_a_change(days: tuple[Path, Path]) -> None:
    changes = orjson.loads(mxscan("diff", *days, "--json").stdout)["changes"]
    (lost,) = [change for change in changes if change["kind"] == "starttls_lost"]
    assert [one["domain"] for one in lost["domains"]] == [name for name in CUSTOMERS if name not in (GONE, *MOVED)]
    assert (lost["provider"], lost["hosts"], lost["domains_total"]) == ("provider.lab", ["mx1.provider.lab"], 37)
    silent = [change for change in changes if change["hosts"] == ["mx.silent.lab"]]
    assert {change["effect"] for change in silent} == {"not_known"}


def test_the_session_that_a_change_names_is_one_of_its_run(days: tuple[Path, Path]) -> None:
    changes = orjson.loads(mxscan("diff", *days, "--json").stdout)["changes"]
    for change in changes:
        run = days[0] if change["kind"] == "finding_fixed" else days[1]
        written = b"".join(part.read_bytes() for part in run.glob("sessions-*.jsonl"))
        for session in {one["session"] for one in change["domains"]} - {None}:
            assert f'"session":"{session}"'.encode() in written


def test_a_run_that_was_judged_again_elsewhere_has_not_changed(lab_run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(lab_run, tmp_path / "copy")
    assert mxscan("judge", copy, "--quiet").returncode == OK
    result = mxscan("diff", lab_run, copy)
    assert (result.returncode, result.stderr) == (OK, b"")
    assert result.stdout.decode().rstrip().endswith("0 added, 0 gone; 0 changed")


@pytest.mark.parametrize(
    ("name", "key", "least"),
    [
        ("sessions", "target", 50),
        ("hosts", "exchange", 50),
        ("routes", "domain", 50),
        ("policies", "policy_domain", 10),
    ],
)
def test_the_same_world_half_seen_is_neither_worse_nor_better(
    lab_run: Path, tmp_path: Path, name: str, key: str, least: int
) -> None:
    halves = [_half(lab_run, tmp_path / str(rest), name, key, rest) for rest in range(2)]
    for before, after in ((lab_run, halves[0]), (halves[1], lab_run), halves):
        result = mxscan("diff", before, after, "--json")
        told = orjson.loads(result.stdout)
        assert [change for change in told["changes"] if change["effect"] in ("worse", "better")] == []
        assert told["counts"]["effects"]["not_known"] + told["counts"]["effects"]["known_now"] > least
        assert result.returncode == INCONCLUSIVE


def _half(run: Path, copy: Path, name: str, key: str, rest: int) -> Path:
    """The run as it would be judged if every second of its records were still to come."""
    shutil.copytree(run, copy)
    for part in copy.glob(f"{name}-*.jsonl"):
        lines = part.read_bytes().splitlines(keepends=True)
        part.write_bytes(b"".join(line for line in lines if partition_of(orjson.loads(line)[key], 2) == rest))
    assert mxscan("judge", copy, "--quiet").returncode == INCONCLUSIVE
    return copy
