"""What a command and the lab's process say to each other: an order, and the answer when the lab is open."""

from typing import Annotated

from msgspec import Meta, Struct

from scanner.exit_codes import OURS
from scanner.settings import LabSettings, Limits

_OptionalPort = Annotated[int, Meta(ge=0, le=65535)]


class LabFaults(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Faults that look like the world's and are ours; each of the first two happens once over a lab's directory.

    After `blocked_after` sessions in all nothing is reached any more; after `dns_silent_after` questions no answer
    comes for `dns_silent_s` seconds (0: never); `dns_loss` is the share of answers that get lost on the way.
    """

    blocked_after: int = 0
    dns_silent_after: int = 0
    dns_silent_s: float = 0.0
    dns_loss: float = 0.0


NO_FAULTS = LabFaults()


def faults_of(settings: LabSettings) -> LabFaults:
    """The faults that the settings ask for."""
    return LabFaults(
        blocked_after=settings.blocked_after,
        dns_silent_after=settings.dns_silent_after,
        dns_silent_s=settings.dns_silent_s,
        dns_loss=settings.dns_loss,
    )


class LabPorts(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One port of each protocol for all addresses; 0 is the one kept in the lab's directory, or a free one."""

    dns: _OptionalPort = 0
    smtp: _OptionalPort = 0
    https: _OptionalPort = 0


ANY_PORTS = LabPorts()


def ports_of(settings: LabSettings) -> LabPorts:
    """The ports that the settings ask for."""
    return LabPorts(dns=settings.dns_port, smtp=settings.smtp_port, https=settings.https_port)


class LabOrder(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which lab is wanted, and where.

    `world` is a TOML file, '' the embedded world; `domains` above 0 a grown world of `seed` and `shape`.
    """

    directory: str
    world: str = ""
    domains: Annotated[int, Meta(ge=0)] = 0
    seed: int = 0
    shape: str = "mixed"
    limits: Limits = Limits()
    faults: LabFaults = NO_FAULTS
    ports: LabPorts = ANY_PORTS


class ReadyLab(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an open lab is. `tripwires` are the forbidden addresses that it could bind and watches."""

    dns_server: str
    smtp_port: int
    https_port: int
    servers: int
    domains: int
    tripwires: tuple[str, ...]


class LabError(Exception):
    """A lab that cannot be opened. The message is for its user, `exit_code` for the command."""

    def __init__(self, message: str, exit_code: int = OURS) -> None:
        super().__init__(message)
        self.exit_code = exit_code
