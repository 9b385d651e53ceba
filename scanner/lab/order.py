"""What a command and the lab's process say to each other: an order, and the answer when the lab is open."""

from typing import Annotated

from msgspec import Meta, Struct

from scanner.exit_codes import OURS
from scanner.settings import Limits

_OptionalPort = Annotated[int, Meta(ge=0, le=65535)]


class LabOrder(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which lab is wanted, and where.

    `world` is a TOML file, '' the embedded world; `domains` above 0 a grown world of `seed`. Port 0 is the
    one kept in the directory, or a free one.
    """

    directory: str
    world: str = ""
    domains: Annotated[int, Meta(ge=0)] = 0
    seed: int = 0
    limits: Limits = Limits()
    dns_port: _OptionalPort = 0
    smtp_port: _OptionalPort = 0


class ReadyLab(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an open lab is. `tripwires` are the forbidden addresses that it could bind and watches."""

    dns_server: str
    smtp_port: int
    servers: int
    domains: int
    tripwires: tuple[str, ...]


class LabError(Exception):
    """A lab that cannot be opened. The message is for its user, `exit_code` for the command."""

    def __init__(self, message: str, exit_code: int = OURS) -> None:
        super().__init__(message)
        self.exit_code = exit_code
