"""A process in a network of its own: starts the servers, asks every tool about every host, keeps what they say.

`python -m tests.servers.transport.namespace DIRECTORY`, by root within `unshare --net --mount`, leaves there
`said/NAME.TOOL` and the run of mxscan. posttls-finger can not be told which resolver to ask: here the system's is ours.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.servers import name_servers
from tests.servers.postfix import configured_postfix
from tests.servers.programs import find_program
from tests.servers.scans import scan
from tests.servers.smtpds import Smtpd

from .opinions import Tool
from .signed_zones import SignedWorld, sign_world
from .world import Place, World

#: posttls-finger reads it instead of the machine's.
_MAIN_CF = """\
compatibility_level = 3.6
myhostname = scanner.signed.test
inet_protocols = ipv4
"""

#: So many tools at a time, each a process that mostly waits.
_AT_A_TIME = 4


def main(directory: Path) -> None:
    """All of it; what fails ends the process with an exception, and the namespace with all servers in it."""
    for name in ("keys", "nsd", "unbound", "postfix", "said", "mxscan"):
        (directory / name).mkdir()
    world = World()
    (directory / "ca.pem").write_bytes(world.authorities.roots_pem)
    (directory / "main.cf").write_text(_MAIN_CF, encoding="ascii")
    _bring_up_the_network(directory)
    with _servers(directory, world) as port:
        with ThreadPoolExecutor(_AT_A_TIME) as tools:
            list(tools.map(lambda place: _ask_tools(directory, place, port), world.places))
        domains = [place.configuration.domain for place in world.places]
        scan(directory / "mxscan", domains, 53, port, "--ca-file", directory / "ca.pem")


def _bring_up_the_network(directory: Path) -> None:
    """Only loopback, and a resolv.conf that names it: nothing here can reach anything else."""
    resolv_conf = directory / "resolv.conf"
    resolv_conf.write_text("nameserver 127.0.0.1\n", encoding="ascii")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "--bind", resolv_conf, "/etc/resolv.conf"], check=True)


@contextlib.contextmanager
def _servers(directory: Path, world: World) -> Iterator[int]:
    """NSD, unbound at 127.0.0.1:53, and a Postfix whose one port this gives."""
    smtpds = [_smtpd(directory / "postfix", place) for place in world.places]
    with configured_postfix(smtpds) as postfix:
        signed = sign_world(directory / "keys", world.zones(postfix.port))
        with (
            name_servers.nsd(directory / "nsd", signed.zones) as nsd,
            _unbound(directory / "unbound", nsd.port, signed),
        ):
            postfix.start()
            yield postfix.port


def _unbound(
    directory: Path, authority: int, signed: SignedWorld
) -> contextlib.AbstractContextManager[name_servers.Unbound]:
    """An unbound that validates, where the system looks for its resolver."""
    return name_servers.unbound(
        directory,
        authority,
        signed.zones,
        port=53,
        modules="validator iterator",
        more=[f'trust-anchor: "{signed.trust_anchor}"'],
    )


def _smtpd(directory: Path, place: Place) -> Smtpd:
    name = place.configuration.name
    if place.served is None:
        return Smtpd(name, place.address)
    chain = directory / f"{name}.pem"
    chain.write_bytes(place.served.pem)
    # The last of equal parameters counts: this is the one certificate that it has.
    parameters = ("smtpd_tls_security_level=may", f"smtpd_tls_chain_files={chain}")
    return Smtpd(name, place.address, parameters=parameters)


def _ask_tools(directory: Path, place: Place, port: int) -> None:
    it = place.configuration
    trusting = ("-F", str(directory / "ca.pem"))
    domain, host = f"{it.domain}:{port}", f"{it.host}:{port}"
    finger = ("posttls-finger", "-L", "summary,verbose", *trusting)
    s_client = ("openssl", "s_client", "-brief", "-starttls", "smtp", "-CAfile", trusting[1])
    commands = {
        Tool.posttls_finger_dane: (*finger, "-l", "dane", domain),
        Tool.posttls_finger_secure: (*finger, "-l", "secure", domain, "hostname"),
        Tool.openssl: (*s_client, "-4", "-connect", host, "-servername", it.host, "-verify_hostname", it.host),
    }
    for tool, command in commands.items():
        said = _run(directory, command)
        (directory / "said" / f"{it.name}.{tool.name}").write_text(said, encoding="utf-8")


def _run(directory: Path, command: tuple[str, ...]) -> str:
    """What a tool says; its exit code says nothing (posttls-finger's is always 0)."""
    program = find_program(command[0])
    assert program is not None
    ended = subprocess.run(
        [program, *command[1:]],
        env={**os.environ, "MAIL_CONFIG": str(directory), "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=30,
    )
    return ended.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]))
