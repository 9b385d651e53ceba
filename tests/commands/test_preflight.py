"""`mxscan preflight`: the same checks as before a scan, as a list, with an exit code."""

import functools
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from scanner.cli import run as run_command
from tests.acceptance.running import ENVIRONMENT, mxscan
from tests.net.name_server import NameServer, Table
from tests.net.scripted import Conversation, Server, new_address, unused_port

NAME = "mx.scanner.test"
DNS: Table = {
    f"{NAME} A": [f"{NAME} 60 A 127.0.0.1"],
    "1.0.0.127.in-addr.arpa PTR": [f"1.0.0.127.in-addr.arpa 60 PTR {NAME}."],
    "listed.test MX": ["listed.test 60 MX 10 mx.listed.test."],
}
#: Every network of loopback that tests use, and a resolver that is given up soon.
CONFIG = '[dns]\nlookup_s = 0.5\n[probe]\nallow_networks = ["127.64.0.0/10"]\n'

Preflight = Callable[..., tuple[int, dict[str, dict[str, str]]]]


def greet(conversation: Conversation) -> None:
    """A server with the least to say."""
    conversation.say(b"220 mx.listed.test ESMTP\r\n")
    conversation.answer(b"250 mx.listed.test\r\n", b"221 bye\r\n")


@pytest.fixture
def preflight(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Preflight:
    """Runs the command in this process; its exit code and its checks by name."""
    config = tmp_path / "config.toml"
    config.write_text(CONFIG)

    def run(*arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
        code = run_command(["preflight", "--json", "--config", str(config), *arguments])
        told = orjson.loads(capsys.readouterr().out)
        assert told["fit"] is (code == 0)
        return code, {check["name"]: check for check in told["checks"]}

    return run


def results(checks: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: check["result"] for name, check in checks.items() if name not in ("ipv4", "ipv6")}


def test_without_a_list_the_place_is_looked_at_and_nobody_else(preflight: Preflight) -> None:
    with NameServer(DNS) as server:
        code, checks = preflight("--dns", server.server, "--ehlo-name", NAME)
        asked = {asked.question.partition(" ")[2] for asked in server.asked}
    assert code == 0
    assert results(checks) == {
        "descriptors": "ok",
        "ehlo_name": "not_known",  # before a session, nobody knows from where it will come
        "resolver": "ok",
        "resolver_honest": "ok",
        "resolver_validates": "not_known",
        "resolver_size": "ok",
        "port_open": "not_known",
        "not_intercepted": "not_known",
    }
    assert "MX" not in asked


def test_the_servers_of_a_list_are_talked_to(preflight: Preflight, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("listed.test\nother.test\n")
    with Server(greet) as mail:
        table = {**DNS, "mx.listed.test A": [f"mx.listed.test 60 A {mail.address}"]}
        with NameServer(table) as server:
            code, checks = preflight(str(listed), "--dns", server.server, "--ehlo-name", NAME, "--port", str(mail.port))
    assert code == 0
    assert checks["port_open"]["said"] == f"port {mail.port}: 1 of 1 canaries reached"
    assert checks["ehlo_name"]["said"] == f"{NAME} is 127.0.0.1 and back"
    assert checks["not_intercepted"]["result"] == "not_known"
    assert mail.heard == f"EHLO {NAME}\r\nQUIT\r\n".encode()


def test_a_canary_stands_for_the_list(preflight: Preflight, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("listed.test\n")
    with Server(greet) as mail, NameServer(DNS) as server:
        arguments = ("--dns", server.server, "--ehlo-name", NAME, "--port", str(mail.port))
        code, checks = preflight(str(listed), *arguments, "--canary", str(mail.address))
        assert "listed.test MX" not in {asked.question for asked in server.asked}
    assert code == 0
    assert checks["port_open"]["result"] == "ok"


def test_who_opted_out_is_no_canary(preflight: Preflight, tmp_path: Path) -> None:
    opt_out = tmp_path / "opt-out.txt"
    with Server(greet) as mail, NameServer(DNS) as server:
        opt_out.write_text(f"{mail.address}\n")
        arguments = ("--dns", server.server, "--ehlo-name", NAME, "--port", str(mail.port))
        _, checks = preflight(*arguments, "--canary", str(mail.address), "--opt-out", str(opt_out))
    assert checks["port_open"]["said"] == "no canary was asked"
    assert mail.conversations == []


def test_five_dead_servers_are_a_blocked_port(preflight: Preflight) -> None:
    addresses = [f"127.64.{number}.250" for number in range(200, 205)]
    port = unused_port(addresses[0])
    canaries = [argument for address in addresses for argument in ("--canary", address)]
    with NameServer(DNS) as server:
        code, checks = preflight("--dns", server.server, "--ehlo-name", NAME, "--port", str(port), *canaries)
    assert code == 4
    assert checks["port_open"]["result"] == "failed"
    assert "ask the provider" in checks["port_open"]["what_to_do"]


def test_a_place_without_a_resolver_is_unfit_and_nobody_is_talked_to(preflight: Preflight) -> None:
    address = new_address()
    with Server(greet) as mail:
        dead = f"{address}:{unused_port(address)}"
        arguments = ("--dns", dead, "--ehlo-name", NAME, "--port", str(mail.port), "--canary", str(mail.address))
        code, checks = preflight(*arguments)
    assert code == 4
    assert checks["resolver"]["result"] == "failed"
    assert mail.conversations == []


def test_without_a_name_nobody_is_talked_to(preflight: Preflight) -> None:
    with Server(greet) as mail, NameServer(DNS) as server:
        code, checks = preflight("--dns", server.server, "--port", str(mail.port), "--canary", str(mail.address))
    assert code == 4
    assert checks["ehlo_name"]["said"] == "no name is set"
    assert mail.conversations == []


def test_it_is_a_list_for_people_too(capsys: pytest.CaptureFixture[str]) -> None:
    with NameServer(DNS) as server:
        assert run_command(["preflight", "--dns", server.server, "--ehlo-name", NAME]) == 0
    shown = capsys.readouterr().out
    assert "names that can't exist do not" in shown
    assert "\x1b" not in shown


REFUSED: list[tuple[str, list[str], str]] = [
    ("it makes no run", ["--out", "x"], "leave out --out"),
    ("nor goes on with one", ["--resume", "x"], "leave out --resume"),
    ("the lab has its own servers", ["--lab", "--dns", "127.0.0.1"], "leave out --dns"),
    ("a missing list", ["nowhere.txt"], "nowhere.txt"),
]


@pytest.mark.parametrize(("arguments", "told"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_makes_no_sense_is_usage(capsys: pytest.CaptureFixture[str], arguments: list[str], told: str) -> None:
    assert run_command(["preflight", *arguments]) == 2
    assert told in capsys.readouterr().err


# The lab, and places that only a namespace has --------------------------------------------------------


@pytest.mark.acceptance
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_the_lab_is_a_good_place(loop: str) -> None:
    result = mxscan("preflight", "--lab", "--loop", loop, "--json")
    assert result.returncode == 0, result.stderr.decode()
    checks = {check["name"]: check["result"] for check in orjson.loads(result.stdout)["checks"]}
    del checks["ipv6"]  # what it may not have
    assert set(checks.values()) == {"ok"}


@functools.cache
def _can_make_a_network() -> bool:
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    return subprocess.run(["unshare", "-rn", "sh", "-c", _WIRE], capture_output=True, check=False).returncode == 0


#: Loopback, and a wire that leads nowhere: nothing can leave the namespace.
_WIRE = (
    "ip link set lo up && ip link add e0 type veth peer name e1 && ip link set e0 up && ip link set e1 up"
    " && ip addr add 198.51.100.2/24 dev e0 && ip route add default via 198.51.100.1"
)
#: Every address there is, is this machine: whatever listens here is what a proxy on the way is elsewhere.
_PROXIED = "ip link set lo up && ip route add local 0.0.0.0/0 dev lo"

_IN_A_NAMESPACE = """
import sys
from scanner.cli import run
from tests.commands.test_preflight import DNS, NAME, greet
from tests.net.name_server import NameServer
from tests.net.scripted import Server

PUBLIC = ["198.41.0.4", "192.33.4.12", "199.7.91.13", "192.203.230.10", "192.5.5.241"]

with NameServer(DNS) as server, Server(greet, "0.0.0.0") as mail:
    canaries = [argument for address in PUBLIC for argument in ("--canary", address)]
    port = str(mail.port) if sys.argv[1] == "proxied" else "25"
    sys.exit(run(["preflight", "--json", "--dns", server.server, "--ehlo-name", NAME, "--port", port, *canaries]))
"""


def _checks_in(commands: str, kind: str) -> tuple[int, dict[str, dict[str, Any]]]:
    if not _can_make_a_network():
        pytest.skip("no namespaces with a network of their own here (unshare -rn, ip link add type veth)")
    script = ["sh", "-c", f'{commands} && exec "$0" -c "$1" {kind}', sys.executable, _IN_A_NAMESPACE]
    result = subprocess.run(["unshare", "-rn", *script], capture_output=True, env=ENVIRONMENT, check=False, timeout=100)
    assert result.stdout, result.stderr.decode()
    return result.returncode, {check["name"]: check for check in orjson.loads(result.stdout)["checks"]}


@pytest.mark.acceptance
def test_a_place_from_which_nobody_is_reached_is_unfit() -> None:
    code, checks = _checks_in(_WIRE, "blocked")
    assert code == 4
    assert checks["port_open"]["said"] == "port 25 outwards seems to be blocked: none of 5 networks was reached"
    assert (checks["ipv4"]["result"], checks["ipv6"]["result"]) == ("ok", "warning")


@pytest.mark.acceptance
def test_a_place_in_which_somebody_else_answers_is_unfit() -> None:
    code, checks = _checks_in(_PROXIED, "proxied")
    assert code == 4
    assert checks["port_open"]["result"] == "ok"
    assert checks["not_intercepted"]["result"] == "failed"
    assert "a connection came up to 192.0.2.1" in checks["not_intercepted"]["said"]


@pytest.mark.acceptance
def test_a_place_without_any_network_is_unfit() -> None:
    if shutil.which("unshare") is None:
        pytest.skip("no unshare here")
    result = mxscan("preflight", "--ehlo-name", NAME, "--dns", "127.0.0.1:9", prefix=("unshare", "-rn"))
    if b"unshare" in result.stderr:
        pytest.skip("no user and network namespaces here (unshare -rn)")
    assert result.returncode == 4
    assert b"this machine has no network" in result.stdout
