"""A world of which a tenth insists on TLS, scanned: every record as the world says, every policy fetched once."""

from collections import Counter
from pathlib import Path

import pytest

from scanner.lab.grown import grow_world
from scanner.lab.log import FetchLine, SessionLine, read_log
from tests.acceptance.running import domains_of, mxscan
from tests.expectation import differences

DOMAINS, SEED = 1000, 7
WORLD = grow_world(DOMAINS, SEED, "secured")


@pytest.fixture(scope="module")
def secured_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("secured")
    (directory / "settings.toml").write_text('[lab]\nshape = "secured"\n')
    arguments = ("--lab", "--lab-domains", str(DOMAINS), "--seed", str(SEED), "--config", directory / "settings.toml")
    result = mxscan("scan", *arguments, "--out", directory / "run", "--quiet")
    assert result.returncode == 0, result.stderr.decode()
    return directory / "run"


def test_every_record_is_as_the_world_says(secured_run: Path) -> None:
    records = {record.domain: record for record in domains_of(secured_run)}
    wrong = {entry.domain: found for entry in WORLD.entries if (found := differences(entry, records.pop(entry.domain)))}
    assert wrong == {}
    assert records == {}


def test_every_policy_is_fetched_once_however_many_share_an_address(secured_run: Path) -> None:
    fetches = [line for line in read_log(secured_run / "lab" / "log.jsonl") if isinstance(line, FetchLine)]
    times = Counter(line.sni for line in fetches)
    promised = {
        host.host for entry in WORLD.entries for host in entry.policy_hosts if "id=20261122;" in entry.records[1]
    }
    assert times.keys() == promised
    assert set(times.values()) == {1}
    assert len({line.address for line in fetches}) < len(promised) / 5


def test_a_mail_host_is_asked_by_the_name_at_which_its_records_stand(secured_run: Path) -> None:
    sessions = [line for line in read_log(secured_run / "lab" / "log.jsonl") if isinstance(line, SessionLine)]
    asked = {line.host: line.sni for line in sessions if line.host.endswith("dane-provider.lab")}
    assert asked
    assert all(host == sni for host, sni in asked.items())
