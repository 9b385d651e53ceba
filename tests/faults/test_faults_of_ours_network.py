"""Faults of ours, the third table: the network or the resolver is not there, or goes away in the middle."""

from pathlib import Path

import pytest

from scanner.exit_codes import INCONCLUSIVE, OK, OURS
from scanner.lab.child import LabChild
from scanner.records import Domain, Event, Route, SessionRecord
from tests.faults.command import Preparation, mxscan
from tests.faults.essence import essence_of
from tests.faults.invariant import assert_invariant, records_of
from tests.faults.namespaces import needs_namespaces, with_loopback_only, without_network
from tests.faults.scanning import Scanning
from tests.faults.worlds import write_world

pytestmark = pytest.mark.acceptance

PLACES = [("not even loopback", without_network), ("a loopback without our resolver", with_loopback_only)]


@needs_namespaces
@pytest.mark.parametrize("preflight", [True, False], ids=["preflight", "no preflight"])
@pytest.mark.parametrize(("place", "preparation"), PLACES, ids=[row[0] for row in PLACES])
def test_no_network_at_all(
    place: str, preparation: Preparation, preflight: bool, tmp_path: Path, lab: LabChild, whole: Path
) -> None:
    scanning = Scanning(tmp_path, lab)
    run = scanning.run("alone")
    ended = scanning.scan("alone", preparations=[preparation], settings={"vantage": {"preflight": preflight}})
    assert ended.exit_code == OURS, ended.said
    assert "can go on: mxscan scan --resume" in ended.said
    assert_invariant(run)
    assert not (run / "domains.jsonl").exists()
    assert records_of(run, Route) == []
    assert mxscan(run.parent, "judge", run).exit_code == INCONCLUSIVE
    names = {record.verdicts.reachable.value for record in records_of(run, Domain) if record.domain is not None}
    assert names == {"unknown"}
    assert scanning.resume("alone").exit_code == OK
    assert_invariant(run)
    assert essence_of(run) == essence_of(whole)


@needs_namespaces
def test_no_network_for_a_long_list_is_told_after_twenty_lookups(tmp_path: Path, lab: LabChild) -> None:
    scanning = Scanning(tmp_path, lab, [f"d{number}.example" for number in range(1000)])
    ended = scanning.scan("alone", preparations=[without_network])
    assert ended.exit_code == OURS
    assert "failed in a row: 20" in ended.said
    assert_invariant(scanning.run("alone"))


# The resolver ------------------------------------------------------------------------------------------

#: c-ares asks again after 2 s, or after 0.25 s once it knows how fast answers come, and then waits twice as long:
#: 0.9 s without an answer are the end of a lookup of 1 s, and 15 s are enough that hardly any loses all its tries.
TROUBLES = [
    ("the resolver dies in the middle and comes back", {"dns_silent_after": 10, "dns_silent_s": 0.9}, 1.0),
    ("30 % of DNS answers are lost", {"dns_loss": 0.3}, 15.0),
]


@pytest.mark.parametrize(("trouble", "settings", "lookup_s"), TROUBLES, ids=[row[0] for row in TROUBLES])
def test_a_resolver_in_trouble(
    trouble: str, settings: dict[str, object], lookup_s: float, tmp_path: Path, whole: Path
) -> None:
    scanning = Scanning(tmp_path, None)
    run = scanning.run("troubled")
    ended = scanning.scan("troubled", settings={"lab": settings, "dns": {"lookup_s": lookup_s}})
    assert ended.exit_code == OK, ended.said
    assert_invariant(run)
    assert max(route.ms for route in records_of(run, Route)) > 200, "there was no trouble: nothing is shown"
    assert "no_mail_host" not in {record.mail_route.kind for record in records_of(run, Domain)}
    assert essence_of(run) == essence_of(whole)


# The way out -------------------------------------------------------------------------------------------

#: One address after the other is asked, none of which is down.
HOSTS = 40
SESSIONS = 8 * HOSTS


def test_the_network_is_lost_in_the_middle(tmp_path: Path) -> None:
    world = tmp_path / "world.toml"
    scanning = Scanning(tmp_path, None, write_world(world, HOSTS, ["good"]))
    ended = scanning.scan("whole", settings={"lab": {"world": f"{world}"}})
    assert ended.exit_code == OK, ended.said
    run = scanning.run("lost")
    lab = {"world": f"{world}", "blocked_after": SESSIONS // 2}
    ended = scanning.scan("lost", settings={"lab": lab, "vantage": {"pause_s": 0.1, "pauses": 1}})
    assert ended.exit_code == OURS, ended.said
    assert "our own IPv4 network is the problem" in ended.said
    assert_invariant(run)
    _assert_nobody_is_judged_by_it(run)
    ended = scanning.resume("lost")  # the lab, started again, lets us out
    assert ended.exit_code == OK, ended.said
    assert_invariant(run)
    assert essence_of(run) == essence_of(scanning.run("whole"))


def _assert_nobody_is_judged_by_it(run: Path) -> None:
    """A stopped run, judged: what was lost is unknown, because of our vantage or because it was not asked."""
    assert mxscan(run.parent, "judge", run).exit_code == INCONCLUSIVE
    assert any(event.event == "vantage_lost" for event in records_of(run, Event))
    reasons = {reason for record in records_of(run, Domain) for reason in record.verdicts.reachable.reasons}
    assert reasons <= {"vantage", "not_yet_probed"}
    assert sum(record.verdicts.reachable.no for record in records_of(run, Domain)) == 0
    assert len(records_of(run, SessionRecord)) > 0
