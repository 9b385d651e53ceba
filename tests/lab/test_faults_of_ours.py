"""Faults that the lab acts out and that are ours: our port is shut, our resolver is gone, our line loses."""

import time

import dns.exception
import pytest

from scanner.lab.dns_trouble import DnsTrouble
from scanner.lab.order import LabFaults, faults_of
from scanner.lab.world import Behaviour, PolicyBehaviour, PolicyHost, Server
from scanner.settings import LabSettings

from .conftest import OpenLab
from .running import ADDRESS, HOST, RunningLab, entry, world_of
from .test_dns_answers import over_tcp, over_udp

#: A second server, and an address where none listens.
OTHER, NOBODY = "127.64.201.1", "127.64.202.1"
POLICY = "127.64.203.1"
SERVERS = (
    Server(address=ADDRESS, host=HOST, behaviour="good", certificate="this"),
    Server(address=OTHER, host=HOST, behaviour="good", certificate="this"),
    Server(address=NOBODY, host=HOST, behaviour="gone", certificate="this"),
)
WORLD = world_of(
    behaviours={"good": Behaviour(), "gone": Behaviour(listener=False)},
    servers=SERVERS,
    policy_behaviours={"good": PolicyBehaviour()},
    policy_hosts=(PolicyHost(address=POLICY, host="mta-sts.here.lab", certificate="this", policy=""),),
    entries=(entry("here.lab", "here.lab. MX 10 mx.here.lab."),),
)


def greeting(lab: RunningLab, address: str = ADDRESS) -> bytes:
    with lab.connect(address) as client:
        return client.hear_reply()


def wait_until_blocked(lab: RunningLab) -> None:
    until_s = time.monotonic() + 5
    while not (lab.directory / "was-blocked").exists():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def use_up(lab: RunningLab) -> None:
    """Holds the two sessions that there are before everything is blocked, and brings that about."""
    assert greeting(lab)[:3] == b"220"
    assert greeting(lab)[:3] == b"220"
    lab.connect(OTHER)
    wait_until_blocked(lab)


def test_after_so_many_sessions_nothing_is_reached_any_more(open_lab: OpenLab) -> None:
    lab = open_lab(WORLD, faults=LabFaults(blocked_after=2))
    with pytest.raises(ConnectionRefusedError):
        lab.connect(NOBODY)
    lab.connect(POLICY, port=lab.lab.ports.https).close()
    use_up(lab)
    for address, port in ((ADDRESS, 0), (OTHER, 0), (NOBODY, 0), (POLICY, lab.lab.ports.https)):
        for _ in range(2):
            with pytest.raises(TimeoutError):
                lab.connect(address, timeout_s=0.15, port=port)


def test_sessions_in_progress_fall_silent(open_lab: OpenLab) -> None:
    lab = open_lab(WORLD, faults=LabFaults(blocked_after=1))
    with lab.connect() as client:
        client.hear_reply()
        assert client.ask(b"NOOP")[:3] == b"250"
        lab.connect(OTHER)
        wait_until_blocked(lab)
        client.say(b"NOOP\r\n")
        assert client.hears_nothing_for(0.3)


def test_a_lab_that_is_started_again_is_not_blocked_again(open_lab: OpenLab) -> None:
    lab = open_lab(WORLD, faults=LabFaults(blocked_after=2))
    use_up(lab)
    lab.stop()
    again = open_lab(WORLD, faults=LabFaults(blocked_after=2))
    assert [greeting(again)[:3] for _ in range(5)] == [b"220"] * 5


def test_a_lab_that_has_not_been_blocked_yet_is_after_it_is_started_again(open_lab: OpenLab) -> None:
    lab = open_lab(WORLD, faults=LabFaults(blocked_after=2))
    assert greeting(lab)[:3] == b"220"
    lab.stop()
    use_up(open_lab(WORLD, faults=LabFaults(blocked_after=2)))


# The resolver ----------------------------------------------------------------------------------------


def trouble(faults: LabFaults, times: list[float], seed: int = 1) -> tuple[DnsTrouble, list[str]]:
    """By a clock that is read from `times`, and the list in which it is told that the silence began."""
    told: list[str] = []
    return DnsTrouble(faults, seed, lambda: times[0], lambda: told.append("silent")), told


def test_after_so_many_questions_none_is_answered_for_a_while() -> None:
    times = [10.0]
    line, told = trouble(LabFaults(dns_silent_after=2, dns_silent_s=3.0), times)
    lost = []
    for now_s in (10.0, 10.1, 10.2, 13.1, 13.3, 99.0):
        times[0] = now_s
        lost.append(line.loses_question(by_udp=now_s != 13.1))
    assert lost == [False, False, True, True, False, False]
    assert told == ["silent"]


def test_a_share_of_the_questions_by_udp_gets_lost_and_none_by_tcp() -> None:
    line, _ = trouble(LabFaults(dns_loss=0.3), [0.0])
    assert 250 < sum(line.loses_question(by_udp=True) for _ in range(1000)) < 350
    assert not any(line.loses_question(by_udp=False) for _ in range(1000))


def test_a_seed_loses_the_same_questions() -> None:
    losses = [
        [line.loses_question(by_udp=True) for _ in range(50)]
        for line, _ in (trouble(LabFaults(dns_loss=0.5), [0.0], seed) for seed in (1, 1, 2))
    ]
    assert losses[0] == losses[1] != losses[2]


def test_without_faults_nothing_is_lost() -> None:
    line, told = trouble(LabFaults(), [0.0])
    assert not any(line.loses_question(by_udp=True) for _ in range(1000))
    assert told == []


def test_the_labs_resolver_is_gone_for_a_while_and_comes_back_once(open_lab: OpenLab) -> None:
    faults = LabFaults(dns_silent_after=1, dns_silent_s=0.5)
    lab = open_lab(WORLD, faults=faults)
    assert over_udp(lab, "here.lab", "MX").answer
    for ask in (over_udp, over_tcp):
        with pytest.raises(dns.exception.Timeout):
            ask(lab, "here.lab", "MX", 0.1)
    time.sleep(0.5)  # as long as it is gone
    assert over_udp(lab, "here.lab", "MX").answer
    lab.stop()
    again = open_lab(WORLD, faults=faults)
    assert [len(over_udp(again, "here.lab", "MX").answer) for _ in range(3)] == [1, 1, 1]


def test_the_labs_line_loses_answers(open_lab: OpenLab) -> None:
    lab = open_lab(WORLD, faults=LabFaults(dns_loss=1.0))
    with pytest.raises(dns.exception.Timeout):
        over_udp(lab, "here.lab", "MX", 0.1)
    assert over_tcp(lab, "here.lab", "MX").answer


def test_the_settings_of_the_lab_are_its_faults() -> None:
    settings = LabSettings(blocked_after=1, dns_silent_after=2, dns_silent_s=3.0, dns_loss=0.4)
    assert faults_of(settings) == LabFaults(blocked_after=1, dns_silent_after=2, dns_silent_s=3.0, dns_loss=0.4)
    assert faults_of(LabSettings()) == LabFaults()
