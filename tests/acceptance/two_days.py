"""A provider and its customers on two days, as worlds of the lab: what changes in between is listed in `TUESDAY`."""

import json
from pathlib import Path

from tests.acceptance.running import mxscan

CUSTOMERS = [f"customer-{number:02}.lab" for number in range(1, 41)]

_BEHAVIOURS = """
[behaviours.good]
[behaviours.without_starttls]
offers_starttls = false
[behaviours.silent]
greeting = ["silence"]
[behaviours.no_listener]
listener = false
[certificates.good]
[certificates.expired]
starts_days = -95
ends_days = -5
"""

_SERVER = """
[[servers]]
host = "{}"
address = "{}"
behaviour = "{}"
certificate = "{}"
"""

#: Mail host → its address, its behaviour and its certificate on the first day.
MONDAY = {
    "mx1.provider.lab": ("127.64.8.1", "good", "good"),
    "mx2.provider.lab": ("127.64.8.2", "good", "good"),
    "mx.elsewhere.lab": ("127.64.9.1", "good", "good"),
    "mx.renews.lab": ("127.64.10.1", "good", "expired"),
    "mx.silent.lab": ("127.64.11.1", "good", "good"),
    "mx.stopped.lab": ("127.64.12.1", "good", "good"),
}

#: The same on the second day.
TUESDAY = MONDAY | {
    "mx1.provider.lab": ("127.64.8.1", "without_starttls", "good"),
    "mx.renews.lab": ("127.64.10.1", "good", "good"),
    "mx.silent.lab": ("127.64.11.1", "silent", "good"),
    "mx.stopped.lab": ("127.64.12.1", "no_listener", "good"),
}
GONE = "customer-07.lab"
MOVED = ("customer-19.lab", "customer-23.lab")


def scan_two_days(place: Path) -> tuple[Path, Path]:
    """Scans both days; the directories of the runs."""
    others = ["renews.lab", "silent.lab", "stopped.lab"]
    first = [*CUSTOMERS, *others, "former-customer.lab"]
    second = [*CUSTOMERS, *others, "new-customer.lab"]
    monday = _scan(place / "monday", MONDAY, _mx(CUSTOMERS, ()), first)
    staying = [name for name in CUSTOMERS if name not in (GONE, *MOVED)]
    return monday, _scan(place / "tuesday", TUESDAY, _mx(staying, MOVED), second)


def _mx(customers: list[str], moved: tuple[str, ...]) -> list[str]:
    records = [f"{name}. MX {mx}" for name in customers for mx in ("10 mx1.provider.lab.", "20 mx2.provider.lab.")]
    records += [f"{name}. MX 10 mx.elsewhere.lab." for name in moved]
    return records + [f"{name}.lab. MX 10 mx.{name}.lab." for name in ("renews", "silent", "stopped")]


def _scan(run: Path, hosts: dict[str, tuple[str, str, str]], records: list[str], domains: list[str]) -> Path:
    records = [*records, *(f"{host}. A {address}" for host, (address, _, _) in hosts.items())]
    servers = "".join(_SERVER.format(host, *described) for host, described in hosts.items())
    world, listed = run.with_suffix(".toml"), run.with_suffix(".txt")
    # A JSON array of strings is TOML too.
    world.write_text(f"entries = []\nrecords = {json.dumps(records)}\n{servers}{_BEHAVIOURS}")
    listed.write_text("\n".join(domains) + "\n")
    result = mxscan("scan", "--lab", "--lab-world", world, listed, "--out", run, "--quiet")
    assert result.returncode == 0, result.stderr.decode()
    return run
