"""`mxscan scan --lab` at the hosts of MTA-STS policies: they saw a visitor who asks once, and for nothing else."""

import re
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from scanner.lab.log import FetchLine, read_log
from scanner.lab.world_file import EMBEDDED_WORLD, load_world, policy_addresses_of

POLICY_HOSTS = {host.host: host for hosts in policy_addresses_of(load_world(EMBEDDED_WORLD)) for host in hosts}
_REQUEST = re.compile(r"GET /\.well-known/mta-sts\.txt HTTP/1\.1\r\nHost: (?P<host>[a-z0-9.-]+):\d+\r\n.*", re.DOTALL)


@pytest.fixture(scope="module")
def fetches(lab_run: Path) -> list[FetchLine]:
    return [line for line in read_log(lab_run / "lab" / "log.jsonl") if isinstance(line, FetchLine)]


def asked(fetch: FetchLine) -> list[str]:
    """The hosts whose policy was asked for."""
    return [found["host"] if (found := _REQUEST.fullmatch(text)) else text for text in fetch.requests]


def test_every_policy_host_that_listens_was_asked(fetches: list[FetchLine]) -> None:
    behaviours = load_world(EMBEDDED_WORLD).policy_behaviours
    listening = {
        host.address
        for host in POLICY_HOSTS.values()
        if behaviours[host.behaviour].listener and not behaviours[host.behaviour].blackhole
    }
    assert {fetch.address for fetch in fetches} == listening


def test_a_connection_asks_once_for_the_policy_of_the_host_that_it_came_for(fetches: list[FetchLine]) -> None:
    for fetch in fetches:
        assert asked(fetch) in ([], [fetch.sni]), fetch
        assert fetch.requests or fetch.tls is None, fetch


def test_a_request_wants_no_compression_and_no_second_one(fetches: list[FetchLine]) -> None:
    for fetch in fetches:
        for request in fetch.requests:
            fields = {
                line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in request.split("\r\n")[1:]
            }
            assert fields["accept-encoding"] == "identity"
            assert fields["connection"] == "close"


def test_a_policy_that_was_had_is_not_asked_for_again_and_no_redirect_is_followed(fetches: list[FetchLine]) -> None:
    times = Counter(host for fetch in fetches for host in asked(fetch))
    good = {name for name, host in POLICY_HOSTS.items() if host.behaviour == "good"}
    assert {times[name] for name in good} == {1}
    assert {times[name] for name, host in POLICY_HOSTS.items() if host.behaviour.startswith("redirects")} == {1}
    assert max(times.values()) == 2


def test_never_two_connections_at_once_with_one_address(fetches: list[FetchLine]) -> None:
    by_address = defaultdict(list)
    for fetch in fetches:
        by_address[fetch.address].append((fetch.started_s, fetch.ended_s))
    assert max(map(len, by_address.values())) > 1, "no address was asked twice: nothing is shown"
    for address, spans in by_address.items():
        spans.sort()
        assert [pair for pair in pairwise(spans) if pair[1][0] < pair[0][1] - 0.05] == [], address
