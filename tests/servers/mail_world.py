"""The whole world of `mxscan check` and `mxscan send`: NSD, unbound, Postfix; and the options that lead there."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from socket import SOCK_DGRAM, SOCK_STREAM

from . import name_servers
from .delivering import DeliveringPostfix
from .delivering_zones import NO_TCP, NOBODY, OLD_ZONES, PRIMARY, SECONDARY, WITHOUT_TCP, ZONES
from .name_servers import Unbound
from .programs import free_port

RESOLVER = "127.0.0.1"
OUR_NETWORKS = ("127.80.0.0/16", "127.81.2.0/24")


@dataclass(frozen=True)
class MailWorld:
    """The servers, as a command of ours is led to them."""

    dns_port: int
    mail: DeliveringPostfix
    settings: Path

    @property
    def resolver(self) -> str:
        """The unbound."""
        return f"{RESOLVER}:{self.dns_port}"

    def options(self, *more: str | Path) -> list[str | Path]:
        """The options of both commands."""
        allowed = [word for network in OUR_NETWORKS for word in ("--allow-network", network)]
        place = ("--dns", self.resolver, *allowed, "--ehlo-name", "scanner.real.test")
        return ["--config", self.settings, "--ca-file", self.mail.postfix.ca_file, *place, *more]

    @property
    def port(self) -> tuple[str, str]:
        """The option that names the port of all its mail servers."""
        return ("--port", str(self.mail.postfix.port))


@contextlib.contextmanager
def two_nsd(directory: Path) -> Iterator[int]:
    """The primary of all zones, and a secondary; their port, which others can have too at their addresses."""
    port = free_port([RESOLVER, PRIMARY, SECONDARY, WITHOUT_TCP, NOBODY], (SOCK_STREAM, SOCK_DGRAM))
    for name in ("primary", "secondary"):
        (directory / name).mkdir()
    with (
        name_servers.nsd(directory / "primary", ZONES, address=PRIMARY, port=port),
        name_servers.nsd(directory / "secondary", OLD_ZONES, address=SECONDARY, port=port),
    ):
        yield port


@contextlib.contextmanager
def two_unbound(directory: Path, port: int) -> Iterator[Unbound]:
    """Who asks the primary; and who serves a zone himself, by UDP alone."""
    for name in ("resolver", "without_tcp"):
        (directory / name).mkdir()
    zone = directory / "without_tcp/zone"
    zone.write_text(ZONES[NO_TCP], encoding="utf-8")
    by_udp = ("do-tcp: no", "auth-zone:", f'name: "{NO_TCP}"', f'zonefile: "{zone}"', "for-upstream: no")
    start = name_servers.unbound
    with (
        start(directory / "without_tcp", port, [NO_TCP], address=WITHOUT_TCP, port=port, more=by_udp),
        start(directory / "resolver", port, ZONES, authority_address=PRIMARY, port=port) as resolver,
    ):
        yield resolver
