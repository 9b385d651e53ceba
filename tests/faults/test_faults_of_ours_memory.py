"""Faults of ours, the third table: hostile servers, 5,000 at a time, within the memory that README promises."""

import resource
import subprocess
import time
from itertools import accumulate
from pathlib import Path

import pytest

from scanner.records import SessionRecord
from tests.acceptance.running import ENVIRONMENT, MXSCAN
from tests.faults.invariant import assert_invariant, records_of
from tests.faults.scanning import Scanning, Settings
from tests.faults.worlds import ADDRESSES_OF_A_HOST, write_world

pytestmark = pytest.mark.acceptance

WIDTH = 5000
HOSTS = WIDTH // ADDRESSES_OF_A_HOST

#: README, "What it costs".
BASE_BYTES = 50 << 20
SESSION_BYTES = 96 << 10
MAX_BYTES = BASE_BYTES + WIDTH * SESSION_BYTES

#: What is mapped is more than what is used: the interpreter, its libraries, stacks.
ADDRESS_SPACE_BYTES = MAX_BYTES + (512 << 20)

BEHAVIOURS = ("silent", "silent_later", "holds_tls", "drips", "hoards", "endless_line", "endless_reply", "keywords")
DESCRIBED = r"""
[behaviours.good]
[behaviours.silent]
greeting = ["silence"]
[behaviours.silent_later]
ehlo = ["silence"]
[behaviours.holds_tls]
ehlo_after_tls = ["silence"]
[behaviours.drips]
greeting = ['drip 0.1 220 one octet after the other']
[behaviours.hoards]
greeting = ['repeat 190 220-HOARD\r\n', "silence"]
[behaviours.endless_line]
greeting = ['send 220 ', 'repeat 200000 x', "silence"]
[behaviours.endless_reply]
greeting = ['repeat 20000 220-{host} more\r\n', "silence"]
[behaviours.keywords]
ehlo = ['repeat 10000 250-X-{host}\r\n']
""".replace("HOARD", 330 * "x")

#: All the sessions of a minute at once: they last as long as it takes to begin them.
LIMITS = {"connect_s": 20.0, "greeting_s": 11.0, "reply_s": 11.0, "tls_s": 11.0, "session_s": 12.0}
UNHURRIED: Settings = {
    "limits": LIMITS,
    "probe": {"width": WIDTH},
    "pace": {
        "address_per_s": 1000.0,
        "network_sessions": WIDTH,
        "network_per_s": 100000.0,
        "group_sessions": WIDTH,
        "group_per_s": 100000.0,
    },
    "second_attempt": {"retry_on": []},
}


def test_hostile_servers_5000_wide_under_a_memory_limit(tmp_path: Path) -> None:
    world = tmp_path / "world.toml"
    scanning = Scanning(tmp_path, None, write_world(world, HOSTS, BEHAVIOURS, DESCRIBED))
    run, home = scanning.run("hostile"), scanning.home("hostile")
    home.mkdir()
    arguments = scanning.arguments("hostile", {"lab": {"world": f"{world}"}, **UNHURRIED})
    environment = {**ENVIRONMENT, "HOME": f"{home}", "TMPDIR": f"{home}"}
    process = subprocess.Popen([*MXSCAN, *arguments, "--quiet"], cwd=home, env=environment)
    resource.prlimit(process.pid, resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    peak_bytes = _peak_of(process)
    assert_invariant(run)
    sessions = records_of(run, SessionRecord)
    assert len({session.target for session in sessions}) == WIDTH
    # A machine that is busy with other things is late, and says so of itself instead of blaming a server.
    ours = sum(session.outcome == "local_fault" for session in sessions)
    assert {session.outcome for session in sessions} <= {"timed_out", "deadline", "too_long", "local_fault"}
    assert ours < len(sessions) / 10
    assert _most_at_once(sessions) > WIDTH / 2
    assert peak_bytes < MAX_BYTES, f"{peak_bytes >> 20} MiB instead of {MAX_BYTES >> 20}"


def _peak_of(process: "subprocess.Popen[bytes]") -> int:
    """The resident memory of a process at its highest, which must end well."""
    # Not ru_maxrss: that has the memory of this process too, from before it became the other.
    peak_kib = 0
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        if "VmHWM:" in status:
            peak_kib = max(peak_kib, int(status.partition("VmHWM:")[2].split()[0]))
        time.sleep(0.05)
    assert process.returncode == 0
    return peak_kib << 10


def _most_at_once(sessions: list[SessionRecord]) -> int:
    changes = sorted([(each.started_at, 1) for each in sessions] + [(each.ended_at, -1) for each in sessions])
    return max(accumulate(change for _, change in changes))
