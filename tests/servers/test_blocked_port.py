"""A network that lets no connection out is never told as the servers' fault, and a server's fault never as its."""

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import NamedTuple

import orjson
import pytest

from scanner.exit_codes import INCONCLUSIVE, OURS, PROBLEM
from tests.acceptance.running import ROOT

from .blocked import CABLE, COMMANDS, WITH_DOMAINS
from .programs import cannot_run, require_programs

_PROGRAMS = ("unshare", "ip", "nsd", "nsd-control", "unbound", "postfix")
#: With a process 1 of its own, which takes everything with it when it ends.
_OF_ITS_OWN = ("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
_WITHIN_S = 120


class Blocked(NamedTuple):
    """What commands came to: exit code, words, complaints. And what the server that answers saw of its sessions."""

    ran: Mapping[str, tuple[int, str, str]]
    seen: list[str]


@pytest.fixture(scope="module")
def blocked_postfix(tmp_path_factory: pytest.TempPathFactory) -> Blocked:
    """All of it, in a network of its own."""
    require_programs(*_PROGRAMS)
    if os.geteuid() != 0:
        cannot_run("Postfix is started by root only")
    tried = subprocess.run([*_OF_ITS_OWN, *CABLE.split()], capture_output=True, text=True, check=False, timeout=30)
    if tried.returncode != 0:
        cannot_run(f"no network of its own with a cable in it: {tried.stderr.strip()}")
    directory = tmp_path_factory.mktemp("blocked")
    command = [*_OF_ITS_OWN, sys.executable, "-m", "tests.servers.blocked", str(directory)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=_WITHIN_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return Blocked(*(orjson.loads((directory / name).read_bytes()) for name in ("ran.json", "seen.json")))


BLOCKS = "Your network blocks port 25"
NOT_THROUGH = "does not get through"
PROVIDER = "Mostly that is the provider of this host"

CASES: dict[str, tuple[int, tuple[str, ...], tuple[str, ...]]] = {
    "check, nobody to compare with": (OURS, (BLOCKS, "no other server to compare with (--canary"), (NOT_THROUGH,)),
    "check, the canary is silent too": (OURS, (BLOCKS, "nor to other servers that should be up"), (NOT_THROUGH,)),
    "check, the canary answers": (PROBLEM, (NOT_THROUGH, "while other servers can be reached"), (BLOCKS,)),
    "check, no route": (OURS, ("this host could not connect at all", "Check this host's network"), (NOT_THROUGH,)),
    "check, the canary domain is silent too": (OURS, (BLOCKS, "nor to other servers"), (NOT_THROUGH,)),
    "check, a canary domain answers": (PROBLEM, (NOT_THROUGH, "while other servers can be reached"), (BLOCKS,)),
    "send, nobody to compare with": (OURS, (PROVIDER, "block port 25 outwards", "--relay HOST"), ()),
    "send, the canary is silent too": (OURS, (PROVIDER, "block port 25 outwards", "--relay HOST"), ()),
    "send, the canary answers": (INCONCLUSIVE, ("the server is down, or a firewall on the way",), (PROVIDER,)),
    "send, no route": (OURS, ("This host could not talk to mx.no-route.test",), (PROVIDER,)),
    "send, a relay on another port": (INCONCLUSIVE, ("No connection to", "on port 587 within 1 s"), (PROVIDER,)),
}


def test_every_command_is_a_case() -> None:
    assert set(CASES) == {*COMMANDS, *WITH_DOMAINS}


@pytest.mark.parametrize("name", CASES)
def test_who_is_to_blame_is_told(name: str, blocked_postfix: Blocked) -> None:
    exit_code, words, never = CASES[name]
    found, said, complained = blocked_postfix.ran[name]
    assert (found, complained) == (exit_code, ""), said
    assert [word for word in words if word not in said] == [], said
    assert [word for word in never if word in said] == [], said


def test_a_canary_is_greeted_and_left_in_peace(blocked_postfix: Blocked) -> None:
    assert blocked_postfix.seen
    counted = {line.partition("] ")[2] for line in blocked_postfix.seen}
    assert counted == {"ehlo=2 starttls=1 quit=1 commands=4"}
