"""What is never contacted: addresses that are not public, our own, and whoever opted out. Nothing arrives there.

Shown twice: by listeners on loopback, and in a network of the test's own whose only way out counts packets. Each
time a control shows that what does not arrive would have been seen: with another setting it does arrive.
"""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from scanner.lab.log import SessionLine, TripwireLine, read_log
from scanner.records import Domain, Event, Host, Route, SessionRecord
from tests.acceptance.counted_network import (
    OUR_IPV4,
    OUR_IPV6,
    OURS,
    PORT,
    Counted,
    accepted_connections,
    listen_at,
)
from tests.acceptance.running import domains_of, mxscan, records_of, start_mxscan

# A world of our own ---------------------------------------------------------------------------------------

_WORLD = "[behaviours.good]\n[certificates.good]\n"
_ENTRY = """
[[entries]]
domain = "{domain}"
why = "{why}"
records = {records}
servers = [{servers}]
[entries.expect]
kind = "mx"
reachable = ""
smtp = ""
starttls = ""
certificate_trusted = ""
certificate_name = ""
"""


def entry(domain: str, why: str, *addresses: str, host: str = "", alias_of: str = "") -> str:
    """A domain with one mail host (`mx.` and its name) with these addresses; those of the lab have a good server."""
    host = host or f"mx.{domain}"
    owner = alias_of or host
    records = [f"{domain}. MX 10 {host}."]
    records += [f"{host}. CNAME {alias_of}."] if alias_of else []
    records += [f"{owner}. {'AAAA' if ':' in address else 'A'} {address}" for address in addresses]
    servers = [
        f'{{ address = "{address}", host = "{owner}" }}'
        for address in addresses
        if address.startswith("127.") and not address.startswith("127.0.")
    ]
    return _ENTRY.format(domain=domain, why=why, records=json.dumps(records), servers=", ".join(servers))


def write(path: Path, *parts: str) -> Path:
    path.write_text("".join(parts))
    return path


def reasons(record: Domain) -> dict[str, str | None]:
    """Why each address of a domain was not contacted; None for one that was."""
    return {address.address: address.reason for host in record.mail_hosts for address in host.addresses}


def visited(run: Path) -> set[str]:
    """The lab's addresses that somebody came to."""
    lines = read_log(run / "lab" / "log.jsonl")
    assert not [line for line in lines if isinstance(line, TripwireLine)]
    return {line.address for line in lines if isinstance(line, SessionLine)}


# On loopback ----------------------------------------------------------------------------------------------

HOME = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1")

LOOPBACK_WORLD = (
    _WORLD,
    entry("visited.lab", "nothing against it", "127.64.1.1"),
    entry("home.lab", "every way to point back at us, and into private networks", *HOME),
    entry("ours.lab", "where our DNS server is", "127.64.0.1"),
    entry("left-alone.lab", "the domain opted out", "127.64.1.2", host="mx.elsewhere.lab"),
    entry("by-host.lab", "the mail host opted out", "127.64.1.3", host="mx.quiet.lab"),
    entry("by-alias.lab", "whom the mail host is an alias of opted out", "127.64.1.4", alias_of="a.quiet.lab"),
    entry("by-address.lab", "the address opted out", "127.64.1.5", "::ffff:127.64.1.5"),
    entry("by-network.lab", "the network opted out", "127.64.2.7"),
)

OPT_OUT = """\
# by mail, on the phone, and by lawyer
Left-Alone.LAB.
quiet.lab
127.64.1.5
127.64.2.0/24      # all of it
"""

#: What the lab's servers see without an opt-out file. The DNS server's address is ours all the same.
WITHOUT_OPT_OUT = {"127.64.1.1", "127.64.1.2", "127.64.1.3", "127.64.1.4", "127.64.1.5", "127.64.2.7"}


@pytest.fixture
def listeners(tmp_path: Path) -> Iterator[tuple[Path, list[socket.socket]]]:
    """Sockets that listen on 127.0.0.1 and ::1, and settings by which the lab's servers have the same port."""
    with ExitStack() as stack:
        ipv4 = stack.enter_context(listen_at("127.0.0.1", 0))
        port = ipv4.getsockname()[1]
        both = [ipv4]
        if Path("/proc/net/if_inet6").exists():
            both.append(stack.enter_context(listen_at("::1", port)))
        yield write(tmp_path / "settings.toml", f"[lab]\nsmtp_port = {port}\n[second_attempt]\nretry_on = []\n"), both


def test_nobody_comes_to_loopback_to_us_or_to_whoever_opted_out(
    tmp_path: Path, listeners: tuple[Path, list[socket.socket]]
) -> None:
    config, listening = listeners
    world, out = write(tmp_path / "world.toml", *LOOPBACK_WORLD), tmp_path / "run"
    opt_out = write(tmp_path / "opt-out.txt", OPT_OUT)
    arguments = ("--lab-world", world, "--config", config)
    result = mxscan("scan", *arguments, "--opt-out", opt_out, "--out", out)
    assert result.returncode == 0, result.stderr.decode()
    assert visited(out) == {"127.64.1.1"}
    assert [accepted_connections(each) for each in listening] == [0] * len(listening)
    assert {session.address for session in records_of(out, SessionRecord)} == {"127.64.1.1"}
    assert (out / "opt_out.txt").read_text() == OPT_OUT
    _the_records_say_why(out)

    control = mxscan("scan", *arguments, "--out", tmp_path / "control")
    assert control.returncode == 0, control.stderr.decode()
    assert visited(tmp_path / "control") == WITHOUT_OPT_OUT
    assert [accepted_connections(each) for each in listening] == [0] * len(listening)
    for each in listening:
        with socket.create_connection(each.getsockname()[:2]):
            assert accepted_connections(each) == 1


def _the_records_say_why(run: Path) -> None:
    records = {record.domain: record for record in domains_of(run)}
    assert {name: reasons(record) for name, record in records.items()} == {
        "visited.lab": {"127.64.1.1": None},
        "home.lab": dict.fromkeys(HOME, "not_public"),
        "ours.lab": {"127.64.0.1": "own_address"},
        "left-alone.lab": {},
        "by-host.lab": {},
        "by-alias.lab": {"127.64.1.4": "opted_out"},
        "by-address.lab": {"127.64.1.5": "opted_out", "::ffff:127.64.1.5": "opted_out"},
        "by-network.lab": {"127.64.2.7": "opted_out"},
    }
    assert records["left-alone.lab"].mail_route.kind == "skipped"
    told = {
        name: (record.verdicts.reachable.value, record.verdicts.reachable.reasons) for name, record in records.items()
    }
    assert told["home.lab"][0] == "no"
    for name in ("left-alone.lab", "by-host.lab", "by-alias.lab", "by-address.lab", "by-network.lab"):
        assert told[name] == ("unknown", ("opted_out",)), name
    assert told["ours.lab"] == ("unknown", ("own_address",))
    # Neither the domain nor the mail host that opted out by name was asked for in the DNS.
    asked = {route.domain: route.asked_at is not None for route in records_of(run, Route)}
    assert [name for name, was_asked in asked.items() if not was_asked] == ["left-alone.lab"]
    hosts = {host.exchange: host.a.asked_at is not None for host in records_of(run, Host)}
    assert [name for name, was_asked in hosts.items() if not was_asked] == ["mx.quiet.lab"]
    assert "mx.elsewhere.lab" not in hosts


SLOW_PACE = """\
[pace]
network_per_s = 1.0
network_sessions = 1
[second_attempt]
retry_on = []
"""


@pytest.mark.parametrize("line", ["127.64.3.0/24", "many.lab"])
def test_whoever_opts_out_while_the_run_goes_on_is_left_alone_from_then_on(tmp_path: Path, line: str) -> None:
    addresses = [f"127.64.3.{number}" for number in range(1, 9)]
    entries = [
        entry(f"d{number}.lab", "one of many", address, host=f"mx{number}.many.lab")
        for number, address in enumerate(addresses)
    ]
    world, out = write(tmp_path / "world.toml", _WORLD, *entries), tmp_path / "run"
    opt_out, config = write(tmp_path / "opt-out.txt", "# nobody yet\n"), write(tmp_path / "slow.toml", SLOW_PACE)
    arguments = ("--lab-world", world, "--config", config, "--opt-out", opt_out, "--out", out, "--quiet")
    process = start_mxscan("scan", *arguments)
    until = time.monotonic() + 60
    while not any(path.stat().st_size for path in out.glob("sessions-*.jsonl")):
        assert time.monotonic() < until
        time.sleep(0.01)
    opt_out.write_text(f"{line}\n")
    assert process.wait(60) == 0
    # One session a second; the file is looked at once a second, and taken when it has been quiet for one.
    assert 1 <= len(visited(out)) <= 5
    values = [next(iter(reasons(record).values())) for record in domains_of(out)]
    assert values.count("opted_out") == len(addresses) - len(visited(out))
    assert set(values) == {None, "opted_out"}
    assert "opt_out_changed" in {event.event for event in records_of(out, Event)}
    assert (out / "opt_out.txt").read_text() == f"{line}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("good.lab\n10.0.0.1/8\n", "line 2: expected a domain, a host name, an address or a network"),
        (None, "can't be read: No such file or directory"),
    ],
)
def test_an_opt_out_file_that_cannot_be_used_stops_the_run_before_it_begins(
    tmp_path: Path, text: str | None, told: str
) -> None:
    opt_out = tmp_path / "opt-out.txt"
    if text is not None:
        opt_out.write_text(text)
    result = mxscan("scan", "--lab", "--opt-out", opt_out, "--out", tmp_path / "run")
    assert result.returncode == 2
    assert f"the opt-out file {opt_out}" in result.stderr.decode()
    assert told in result.stderr.decode()
    assert not (tmp_path / "run").exists()


# In a network of the test's own --------------------------------------------------------------------------

UNSHARE = ("unshare", "-rn")
IN_COUNTED_NETWORK = (*UNSHARE, sys.executable, "-m", "tests.acceptance.counted_network")


def _can_count() -> bool:
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    made = "from tests.acceptance.counted_network import make_network; make_network()"
    return subprocess.run([*UNSHARE, sys.executable, "-c", made], capture_output=True, check=False).returncode == 0


#: Each would leave by the way out of that network; none is public.
NOT_PUBLIC = (
    *("10.0.0.1", "100.64.0.1", "100.100.100.200", "168.63.129.16", "169.254.169.254", "172.16.0.1", "192.0.0.192"),
    *("192.0.2.1", "192.88.99.2", "192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
    *("::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::", "2001:0:7f00:1::"),
    *("100::1", "2001:2::1", "2001:db8::1", "3fff::1", "5f00::1", "fd00::1", "fd00:ec2::254", "fec0::1"),
)
#: Looks public; their owners opted out, in one way or another.
LISTED = ("9.9.9.4", "9.9.8.77", "64:ff9b::909:904", "2620:fe::9")
BY_NAME = ("9.9.9.2", "9.9.9.3")
LISTED_THERE = "left-alone.lab\nquiet.lab\n9.9.9.4\n9.9.8.0/24\n2620:fe::/48\n"


def _counted_scan(tmp_path: Path, *more: str | Path) -> tuple[Counted, Path]:
    world = write(
        tmp_path / "world.toml",
        _WORLD,
        entry("visited.lab", "nothing against it", "127.64.1.1"),
        *(entry(f"n{number}.lab", "not public", address) for number, address in enumerate(NOT_PUBLIC)),
        *(entry(f"l{number}.lab", "opted out", address) for number, address in enumerate(LISTED)),
        entry("left-alone.lab", "the domain opted out", BY_NAME[0], host="mx.elsewhere.lab"),
        entry("by-host.lab", "the mail host opted out", BY_NAME[1], host="mx.quiet.lab"),
        entry("ours.lab", "this machine itself", OUR_IPV4, OUR_IPV6),
        entry("home.lab", "and its loopback", "127.0.0.1", "::1"),
    )
    config = write(tmp_path / "settings.toml", f"[lab]\nsmtp_port = {PORT}\n[second_attempt]\nretry_on = []\n")
    out = tmp_path / "run"
    addresses = ",".join((*NOT_PUBLIC, *LISTED, *BY_NAME))
    arguments = ("--lab-world", world, "--config", config, "--out", out, "--quiet", *more)
    result = mxscan("scan", *arguments, prefix=(*IN_COUNTED_NETWORK, addresses))
    assert result.returncode == 0, result.stderr.decode()
    counted = msgspec.json.decode(result.stdout, type=Counted)
    assert counted.returncode == 0, counted.stderr
    assert counted.not_counted == ()
    return counted, out


def _talked_to(run: Path) -> set[str]:
    return {session.address for session in records_of(run, SessionRecord)}


def _all_reasons(run: Path, addresses: Iterable[str]) -> set[str | None]:
    found = {address: why for record in domains_of(run) for address, why in reasons(record).items()}
    return {found[address] for address in addresses}


@pytest.mark.skipif(not _can_count(), reason="no user and network namespaces here (unshare -rn, ip link add)")
def test_not_one_packet_leaves_for_them(tmp_path: Path) -> None:
    counted, out = _counted_scan(tmp_path, "--opt-out", write(tmp_path / "opt-out.txt", LISTED_THERE))
    assert counted.sent == 0
    assert counted.accepted == dict.fromkeys(OURS, 0)
    assert _talked_to(out) == {"127.64.1.1"}
    assert _all_reasons(out, NOT_PUBLIC) == {"not_public"}
    assert _all_reasons(out, LISTED) == {"opted_out"}
    assert _all_reasons(out, (OUR_IPV4, OUR_IPV6)) == {"own_address"}


@pytest.mark.skipif(not _can_count(), reason="no user and network namespaces here (unshare -rn, ip link add)")
def test_and_there_they_would_be_counted(tmp_path: Path) -> None:
    # The control: nobody opted out, so packets leave for those who had, and for nobody else.
    counted, out = _counted_scan(tmp_path)
    assert counted.sent >= len(LISTED) + len(BY_NAME)
    assert counted.accepted == dict.fromkeys(OURS, 0)
    assert _talked_to(out) == {"127.64.1.1", *LISTED, *BY_NAME}
    assert _all_reasons(out, NOT_PUBLIC) == {"not_public"}
