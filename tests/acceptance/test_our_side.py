"""What is our fault is said to be ours: no network, no name, no file. More of them: `tests/faults`."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.running import ENVIRONMENT, MXSCAN, domains_of, mxscan, start_mxscan

UNSHARE = ("unshare", "-rn")


def _can_unshare() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0


def test_a_scan_of_real_servers_needs_an_ehlo_name(tmp_path: Path) -> None:
    domains = tmp_path / "list.txt"
    domains.write_text("example.org\n")
    result = mxscan("scan", domains, "--out", tmp_path / "r")
    assert result.returncode == 2
    assert b"--ehlo-name mx.example.org" in result.stderr
    assert not (tmp_path / "r").exists()


def test_scan_without_a_list_says_how_it_is_used() -> None:
    result = mxscan("scan")
    assert result.returncode == 2
    assert b"name a FILE with domains" in result.stderr


UNUSABLE = [
    ("a missing list", ["nowhere.txt"], "nowhere.txt"),
    ("a directory", ["."], "directory"),
]


@pytest.mark.parametrize(("why", "arguments", "told"), UNUSABLE, ids=[row[0] for row in UNUSABLE])
def test_a_list_that_cannot_be_read_leaves_nothing_behind(
    tmp_path: Path, why: str, arguments: list[str], told: str
) -> None:
    out = tmp_path / "r"
    result = mxscan("scan", *arguments, "--ehlo-name", "mx.example.org", "--dns", "127.64.0.1:9", "--out", out)
    assert result.returncode == 2, result.stderr.decode()
    assert told in result.stderr.decode()
    assert not out.exists()


def test_a_directory_that_cannot_be_made_is_our_side(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = mxscan("scan", "--lab", "--out", tmp_path / "file" / "run")
    assert result.returncode == 4
    assert b"can't be made" in result.stderr


def test_a_directory_that_is_no_run_is_told_from_one_of_another_format(tmp_path: Path) -> None:
    result = mxscan("judge", tmp_path)
    assert result.returncode == 2
    assert b"is no run directory" in result.stderr
    (tmp_path / "run.json").write_text('{"format": 99}')
    result = mxscan("judge", tmp_path)
    assert result.returncode == 2
    assert b"has format 99" in result.stderr


@pytest.fixture
def served_lab(tmp_path: Path) -> Iterator[list[str]]:
    """`mxscan lab` in the foreground of a process of its own; gives the arguments it says to scan it with."""
    process = subprocess.Popen(
        [*MXSCAN, "lab", "--directory", str(tmp_path / "served")], stdout=subprocess.PIPE, env=ENVIRONMENT
    )
    assert process.stdout is not None
    line = b""
    while not line.startswith(b"scan it: mxscan scan "):
        line = process.stdout.readline()
        assert line, "the lab ended"
    try:
        yield line.decode().split()[4:]
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        process.stdout.close()


@pytest.mark.skipif(not _can_unshare(), reason="no user and network namespaces here (unshare -rn)")
def test_without_a_network_nothing_is_said_about_anybody_and_the_run_goes_on_elsewhere(
    served_lab: list[str], tmp_path: Path
) -> None:
    options = served_lab[1:]
    few = tmp_path / "list.txt"
    few.write_text("good.lab\nsender.lab\nnull-mx.lab\nxn--mnchen-3ya.lab\n")
    out = tmp_path / "r"
    # In a namespace of its own there is not even loopback: nothing can be sent to anybody.
    result = mxscan("scan", few, *options, "--out", out, prefix=UNSHARE)
    assert result.returncode == 4, result.stderr.decode()
    assert b"no answer to any question" in result.stderr
    assert not (out / "domains.jsonl").exists()
    assert sum(path.stat().st_size for path in out.glob("routes-*.jsonl")) == 0
    judged = mxscan("judge", out)
    assert judged.returncode == 3
    values = {record.verdicts.reachable.value for record in domains_of(out)}
    assert values == {"unknown"}

    result = mxscan("scan", "--resume", out)
    assert result.returncode == 0, result.stderr.decode()
    good, sender, null_mx, munich = domains_of(out)
    assert [record.verdicts.starttls.value for record in (good, sender, munich)] == ["yes"] * 3
    assert null_mx.mail_route.kind == "null_mx"


def test_a_list_that_never_ends_can_be_left_and_nothing_stays(tmp_path: Path) -> None:
    fifo, run = tmp_path / "fifo", tmp_path / "run"
    os.mkfifo(fifo)
    process = start_mxscan("scan", fifo, "--lab", "--out", run)
    with fifo.open("wb") as writer:
        writer.write(b"good.lab\n" * 1000)
        writer.flush()
        until = time.monotonic() + 60
        while not any(run.glob("input.jsonl.*.new")):
            assert time.monotonic() < until
            time.sleep(0.01)
        process.terminate()
        assert process.wait(60) == 143
    assert not run.exists()


def test_the_labs_own_servers_cannot_be_named_otherwise(tmp_path: Path) -> None:
    arguments = ("--dns", "127.0.0.99", "--port", "2525", "--allow-network", "10.0.0.0/8")
    result = mxscan("scan", "--lab", *arguments, "--out", tmp_path / "r")
    assert result.returncode == 2
    assert b"leave out --dns, --port, --allow-network" in result.stderr


def test_a_lab_is_never_served_over_a_run(lab_run: Path) -> None:
    before = (lab_run / "roots.pem").read_bytes()
    result = mxscan("lab", "--directory", lab_run)
    assert result.returncode == 2
    assert b"neither empty nor a lab's" in result.stderr
    assert (lab_run / "roots.pem").read_bytes() == before


def test_an_expected_column_that_the_list_has_not_is_refused(tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("domain,mx\ngood.lab,*.good.lab\n")
    out = tmp_path / "r"
    result = mxscan("scan", listed, "--lab", "--expect-mx", "metadata:nope", "--out", out)
    assert result.returncode == 2
    assert b"no such column; it has: mx" in result.stderr
    assert not out.exists()
    result = mxscan("scan", listed, "--lab", "--expect-mx", "metadata:MX", "--out", out)
    assert result.returncode == 0
    (record,) = domains_of(out)
    assert record.verdicts.expected_mx is not None
    assert record.verdicts.expected_mx.value == "yes"


def _shell(command: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["bash", "-c", command], capture_output=True, env=ENVIRONMENT, check=False, timeout=120)


def test_closed_and_full_outputs_change_no_result(lab_run: Path, tmp_path: Path) -> None:
    words = " ".join(MXSCAN)
    for arguments in ("schema", f"show {lab_run} good.lab", f"judge {lab_run}"):
        closed = _shell(f"{words} {arguments} >&-")
        assert (closed.returncode, closed.stderr) == (0, b""), arguments
        full = _shell(f"{words} {arguments} >/dev/full")
        assert full.returncode == 4, arguments
        assert b"could not be written" in full.stderr
    # Nobody reads stderr any more when the remark about the list comes.
    listed = tmp_path / "list.csv"
    listed.write_text("domain,customer\ngood.lab,1\n")
    gone = _shell(f"{words} scan {listed} --lab --out {tmp_path / 'r'} 2> >(exec true)")
    assert gone.returncode == 0
    assert len(domains_of(tmp_path / "r")) == 1


def test_a_reader_that_has_had_enough_is_no_error() -> None:
    process = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {' '.join(MXSCAN)} schema sessions | head -c 10"],
        capture_output=True,
        env=ENVIRONMENT,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert process.stderr == b""


def test_what_a_hostile_server_says_is_inert_when_it_is_shown(lab_run: Path) -> None:
    result = mxscan("show", lab_run, "hostile-greeting.lab")
    assert result.returncode == 0, result.stderr.decode()
    assert {octet for octet in result.stdout if octet < 0x20} == {0x0A}
    assert b"\\x1B" in result.stdout


def test_help_imports_nothing_that_it_does_not_need() -> None:
    heavy = {"aiodns", "OpenSSL", "msgspec", "orjson", "dns", "rich", "uvloop", "asyncio", "ssl"}
    code = f"import sys; from scanner.cli import run; run(['--help']); print(sorted({heavy} & set(sys.modules)))"
    result = subprocess.run([MXSCAN[0], "-c", code], capture_output=True, env=ENVIRONMENT, check=True)
    assert result.stdout.decode().splitlines()[-1] == "[]"
