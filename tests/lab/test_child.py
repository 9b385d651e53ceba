"""The lab as a child process: its whole life, as commands start and end it."""

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import dns.exception
import dns.message
import dns.query
import msgspec
import pytest

from scanner.lab.child import LabChild
from scanner.lab.log import DnsLine, SessionLine, read_log
from scanner.lab.order import LabError, LabFaults, LabPorts
from scanner.lab.ports import FIRST_PORT, LAST_PORT
from scanner.settings import Limits

ADDRESS = "127.64.200.1"
WORLD = f"""
[behaviours.good]
[certificates.good]
[[entries]]
domain = "münchen.lab"
why = "a name to be kept as it is written"
records = ["xn--mnchen-3ya.lab. MX 10 mx.here.lab.", "mx.here.lab. A {ADDRESS}"]
servers = [{{ address = "{ADDRESS}", host = "mx.here.lab" }}]
[entries.expect]
kind = "mx"
reachable = "yes 1/0/0"
smtp = "yes 1/0/0"
starttls = "yes 1/0/0"
certificate_trusted = "yes 1/0/0"
certificate_name = "yes 1/0/0"
"""


@pytest.fixture
def world(tmp_path: Path) -> str:
    path = tmp_path / "world.toml"
    path.write_text(WORLD)
    return str(path)


def start(directory: Path, world: str = "", domains: int = 0, **options: Any) -> LabChild:
    return LabChild.start(directory, world=world, domains=domains, seed=7, limits=Limits(), **options)


def greeting(smtp_port: int) -> bytes:
    with socket.create_connection((ADDRESS, smtp_port), 5) as client:
        return client.recv(100)


def answers_dns(dns_server: str) -> bool:
    address, _, port = dns_server.partition(":")
    query = dns.message.make_query("xn--mnchen-3ya.lab", "MX")
    return len(dns.query.udp(query, address, 5, int(port)).answer) == 1


def test_an_open_lab_serves_and_its_files_are_there(tmp_path: Path, world: str) -> None:
    with start(tmp_path / "lab", world) as lab:
        assert greeting(lab.smtp_port) == b"220 mx.here.lab ESMTP\r\n"
        assert answers_dns(lab.dns_server)
        assert lab.roots.read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")
        assert lab.domain_list.read_text(encoding="utf-8") == "münchen.lab\n"
        assert FIRST_PORT <= lab.smtp_port <= LAST_PORT
        assert FIRST_PORT <= lab.https_port <= LAST_PORT
        assert (lab.ready.servers, lab.ready.domains) == (1, 1)
    (session, counts) = read_log(tmp_path / "lab" / "log.jsonl")
    assert isinstance(session, SessionLine)
    assert isinstance(counts, DnsLine)
    with pytest.raises(ConnectionRefusedError):
        greeting(lab.smtp_port)


def test_a_directory_has_the_same_ports_ever_after(tmp_path: Path, world: str) -> None:
    with start(tmp_path, world) as first:
        pass
    with start(tmp_path, world) as second:
        assert (second.dns_server, second.smtp_port) == (first.dns_server, first.smtp_port)
        assert second.https_port == first.https_port
        assert greeting(second.smtp_port)


def test_a_lab_waits_for_its_ports_while_its_predecessor_ends(tmp_path: Path, world: str) -> None:
    with start(tmp_path, world) as first:
        smtp_port = first.smtp_port
    with socket.socket() as predecessor:
        predecessor.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        predecessor.bind((ADDRESS, smtp_port))
        predecessor.listen()
        closes = subprocess.Popen(["sleep", "0.7"], pass_fds=[predecessor.fileno()])
        predecessor.close()
        with start(tmp_path, world) as second:
            assert greeting(second.smtp_port).startswith(b"220")
        closes.wait()


def test_ports_that_are_asked_for_win(tmp_path: Path, world: str) -> None:
    with start(tmp_path / "first", world) as first:
        pass
    dns_port = int(first.dns_server.partition(":")[2])
    with start(
        tmp_path / "second", world, ports=LabPorts(dns=dns_port, smtp=first.smtp_port, https=first.https_port)
    ) as second:
        assert (second.dns_server, second.smtp_port) == (first.dns_server, first.smtp_port)


def test_a_lab_leaves_the_session_of_its_terminal(tmp_path: Path, world: str) -> None:
    with start(tmp_path, world) as lab:
        assert os.getsid(lab._process.pid) == lab._process.pid


PARENT = """
    import sys, time
    from pathlib import Path
    from scanner.lab.child import LabChild
    from scanner.settings import Limits
    lab = LabChild.start(Path(sys.argv[1]), world=sys.argv[2], domains=0, seed=7, limits=Limits())
    print(lab.smtp_port, lab._process.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_lab_ends_with_its_parent_however_that_ends(tmp_path: Path, world: str, how: signal.Signals) -> None:
    command = [sys.executable, "-c", textwrap.dedent(PARENT), str(tmp_path / "lab"), world]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    smtp_port, child = map(int, parent.stdout.readline().split())
    with socket.create_connection((ADDRESS, smtp_port), 5) as client:
        assert client.recv(100)
        parent.send_signal(how)
        parent.wait(10)
        parent.stdout.close()
        wait_until_gone(child)
    session = read_log(tmp_path / "lab" / "log.jsonl")[0]
    assert isinstance(session, SessionLine)
    assert session.end == "lab_stopped"
    with start(tmp_path / "lab", world) as again:
        assert again.smtp_port == smtp_port


def wait_until_gone(process: int) -> None:
    """A process that nobody waits for is gone, or a zombie of init, within five seconds."""
    until_s = time.monotonic() + 5
    while time.monotonic() < until_s:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.01)
    pytest.fail(f"process {process} is still there")


def test_another_lab_is_refused_in_the_same_directory(tmp_path: Path, world: str) -> None:
    start(tmp_path, world).stop()
    with pytest.raises(
        LabError, match=r"belongs to another lab \(world .*world.toml', 0 domains, seed 7, shape mixed\)"
    ) as refused:
        start(tmp_path, domains=10)
    assert refused.value.exit_code == 2


BAD_WORLDS = [
    ("[behaviours", "is no TOML: Expected", "no TOML"),
    ("behaviours = 1", "Expected `object`, got `int` - at `$.behaviours`", "a wrong type"),
    (WORLD + "colour = 3", "contains unknown field `colour` - at `$.entries[0].expect`", "an unknown field"),
    (WORLD.replace(ADDRESS, "127.0.0.5"), "'127.0.0.5' is no address in 127.64.0.0/10", "a foreign address"),
]


@pytest.mark.parametrize(("text", "message", "why"), BAD_WORLDS, ids=[row[-1] for row in BAD_WORLDS])
def test_a_bad_world_is_refused_with_what_was_expected(tmp_path: Path, text: str, message: str, why: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(LabError) as refused:
        start(tmp_path / "lab", str(path))
    assert str(path) in str(refused.value)
    assert message in str(refused.value)
    assert "Traceback" not in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_port_that_stays_taken_is_told(tmp_path: Path, world: str) -> None:
    with start(tmp_path / "first", world) as first:
        address = f"{ADDRESS}:{first.smtp_port}"
        command = [sys.executable, "-c", IMPATIENT, msgspec.json.encode(
            {"directory": str(tmp_path / "second"), "world": world, "ports": {"smtp": first.smtp_port}}
        ).decode()]  # fmt: skip
        ended = subprocess.run(command, capture_output=True, text=True, timeout=20, stdin=subprocess.PIPE, check=False)
    assert ended.returncode == 4
    assert address in ended.stderr


#: A lab's process without the ten seconds of patience.
IMPATIENT = """
import sys
import scanner.lab.ports
scanner.lab.ports.PATIENCE_S = 0.1
from scanner.lab.__main__ import main
sys.exit(main())
"""


def test_a_lab_that_needs_too_many_descriptors_says_so(tmp_path: Path) -> None:
    order = msgspec.json.encode({"directory": str(tmp_path), "domains": 2000, "seed": 1}).decode()
    limited = f"ulimit -n 600 && exec {sys.executable} -m scanner.lab '{order}'"
    ended = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, stdin=subprocess.PIPE, check=False)
    assert ended.returncode == 4
    assert "the hard limit is 600" in ended.stderr


def test_the_shape_and_the_faults_that_are_asked_for_reach_the_labs_process(tmp_path: Path) -> None:
    directory = tmp_path / "lab"
    with start(
        directory, domains=10, shape="one_address", faults=LabFaults(dns_silent_after=1, dns_silent_s=60)
    ) as lab:
        assert len(re.findall(r"customer-\d{6}\.lab", lab.domain_list.read_text())) == 10
        address, _, port = lab.dns_server.partition(":")
        query = dns.message.make_query("customer-000001.lab", "MX")
        assert dns.query.udp(query, address, 5, int(port)).answer
        with pytest.raises(dns.exception.Timeout):
            dns.query.udp(query, address, 0.2, int(port))
    with pytest.raises(LabError, match=r"seed 7, shape one_address\) than was asked for \(.*, shape mixed\)"):
        start(directory, domains=10)


def test_twenty_thousand_domains_are_open_in_seconds(tmp_path: Path) -> None:
    started_s = time.monotonic()
    with start(tmp_path, domains=20_000) as lab:
        took_s = time.monotonic() - started_s
        assert lab.ready.domains == 20_000
        assert len(lab.domain_list.read_text().splitlines()) == 20_000
    assert took_s < 10  # 1.5 s where nothing else runs


def test_the_lab_inherits_no_password_that_stands_in_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELAY_PASSWORD", "correct horse")
    with LabChild.start(tmp_path / "lab", world="", domains=1, seed=1, limits=Limits()) as lab:
        inherited = Path(f"/proc/{lab._process.pid}/environ").read_bytes()
    assert b"PATH=" in inherited
    assert b"correct horse" not in inherited
