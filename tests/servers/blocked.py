"""A process in a network of its own where connections to far addresses never come up: what both commands say there.

`python -m tests.servers.blocked DIRECTORY`, by root within `unshare --net`, leaves there what each command said, and
what the one server that answers saw. The ports are the real ones: 25 and 53.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson

from . import name_servers
from .foreground import Arguments, run_all
from .postfix import Postfix, configured_postfix
from .scans import write_settings
from .smtpds import Smtpd

CABLE = "ip link add wall type veth peer name nowhere"

#: Addresses for examples (RFC 5737). What goes to the first two vanishes here; to the third no route leads.
FAR, FAR_TOO, NO_ROUTE = "192.0.2.25", "198.51.100.25", "203.0.113.25"
#: Who answers; and who serves the zones.
NEAR, AUTHORITY = "127.80.70.1", "127.81.3.1"

_ZONE = f"""\
$ORIGIN {{zone}}
$TTL 300
@   SOA  ns hostmaster 7 3600 600 86400 60
@   NS   ns
ns  A    {AUTHORITY}
@   MX   10 mx
mx  A    {{address}}
"""
_ADDRESSES = {"far.test.": FAR, "far-too.test.": FAR_TOO, "no-route.test.": NO_ROUTE, "near.test.": NEAR}
_ZONES = {zone: _ZONE.format(zone=zone, address=address) for zone, address in _ADDRESSES.items()}

_SERVICES = (Smtpd("near", NEAR, "good", ("smtpd_tls_security_level=may",)),)
_NETWORKS = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "127.80.70.0/24", f"{AUTHORITY}/32")

_SENDER = ("--from", "me@near.test")


def _check(domain: str, *more: str) -> tuple[str, ...]:
    return ("check", f"you@{domain}", *_SENDER, *more)


def _send(domain: str, *more: str) -> tuple[str, ...]:
    return ("send", "--to", f"you@{domain}", *_SENDER, *more)


#: Name → what is run, with or without somebody to compare with.
COMMANDS: dict[str, tuple[str, ...]] = {
    "check, nobody to compare with": _check("far.test"),
    "check, the canary is silent too": _check("far.test", "--canary", FAR_TOO),
    "check, the canary answers": _check("far.test", "--canary", NEAR),
    "check, no route": _check("no-route.test"),
    "send, nobody to compare with": _send("far.test"),
    "send, the canary is silent too": _send("far.test", "--canary", FAR_TOO),
    "send, the canary answers": _send("far.test", "--canary", NEAR),
    "send, no route": _send("no-route.test"),
    "send, a relay on another port": _send("far.test", "--relay", FAR, "--canary", FAR_TOO),
}
#: The same, where a domain that receives mail for sure is named instead of an address.
WITH_DOMAINS: dict[str, tuple[str, ...]] = {
    "check, the canary domain is silent too": _check("far.test"),
    "check, a canary domain answers": _check("far.test"),
}
_CANARY_DOMAINS = {
    "check, the canary domain is silent too": ["far-too.test"],
    "check, a canary domain answers": ["far-too.test", "near.test"],
}


def main(directory: Path) -> None:
    """All of it; what fails ends the process with an exception, and the namespace with all servers in it."""
    _bring_up_the_network()
    for name in ("nsd", "unbound"):
        (directory / name).mkdir()
    with _servers(directory) as postfix:
        commands = {name: (*command, *_options(directory, postfix)) for name, command in COMMANDS.items()}
        for name, command in WITH_DOMAINS.items():
            commands[name] = (*command, *_options(directory, postfix, canary_domains=_CANARY_DOMAINS[name]))
        ran = run_all(commands)
        seen = postfix.ends("near")
    found = {name: (it.exit_code, it.said, it.complained.decode()) for name, it in ran.items()}
    (directory / "ran.json").write_bytes(orjson.dumps(found))
    (directory / "seen.json").write_bytes(orjson.dumps(seen))


def _bring_up_the_network() -> None:
    """Loopback; and a cable to a place where nobody is: what is sent to a known address there is gone."""
    for command in (
        "ip link set lo up",
        CABLE,
        "ip link set wall up",
        "ip link set nowhere up",
        "ip address add 192.0.2.1/24 dev wall",
        "ip address add 198.51.100.1/24 dev wall",
        f"ip neighbour add {FAR} lladdr 02:00:00:00:00:01 dev wall",
        f"ip neighbour add {FAR_TOO} lladdr 02:00:00:00:00:01 dev wall",
    ):
        subprocess.run(command.split(), check=True)


@contextlib.contextmanager
def _servers(directory: Path) -> Iterator[Postfix]:
    with (
        name_servers.nsd(directory / "nsd", _ZONES, address=AUTHORITY, port=53),
        name_servers.unbound(directory / "unbound", 53, _ZONES, authority_address=AUTHORITY, port=53),
        configured_postfix(_SERVICES, port=25) as postfix,
    ):
        postfix.start()
        yield postfix


def _options(directory: Path, postfix: Postfix, canary_domains: list[str] | None = None) -> Arguments:
    """The options of both commands, with settings of their own."""
    place = directory / "-".join(canary_domains or ["none"])
    place.mkdir(exist_ok=True)
    settings = write_settings(place, vantage={"canary_domains": canary_domains or []})
    allowed = [word for network in _NETWORKS for word in ("--allow-network", network)]
    options = ("--dns", "127.0.0.1", "--ca-file", postfix.ca_file, "--ehlo-name", "scanner.near.test")
    return (*options, "--config", settings, *allowed)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
