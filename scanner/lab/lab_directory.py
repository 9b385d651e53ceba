"""The lab's directory: where its files are, and `lab.json`, by which a resumed run gets the same lab."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec.structs import replace

from scanner.exit_codes import USAGE
from scanner.lab.order import LabError, LabFaults, LabOrder, LabPorts


class KeptLab(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`lab.json`."""

    world: str
    domains: int
    seed: int
    shape: str = "mixed"
    ports: LabPorts


class OnceOnly(StrEnum):
    """Faults that happen once over a directory, however often a lab is started there: files of these names."""

    blocked = "was-blocked"
    dns_silent = "dns-was-silent"


@dataclass(frozen=True)
class LabDirectory:
    """Names and contents of the files of one lab."""

    path: Path

    @property
    def log(self) -> Path:
        return self.path / "log.jsonl"

    @property
    def roots(self) -> Path:
        """The certificates that a scan of this lab trusts, in PEM."""
        return self.path / "roots.pem"

    @property
    def domain_list(self) -> Path:
        """One domain a line, in the order of the world, as its entries write them."""
        return self.path / "domains.txt"

    @property
    def authority(self) -> Path:
        """The private keys."""
        return self.path / "authority"

    @property
    def messages(self) -> Path:
        """The messages that its servers took (mail_store)."""
        return self.path / "messages"

    @property
    def errors(self) -> Path:
        """What the lab's process said on its standard error."""
        return self.path / "errors.txt"

    def kept_ports(self, order: LabOrder) -> LabPorts:
        """The ports for an order: its own, those kept here, or 0.

        Raises LabError if this is the directory of another lab.
        """
        kept = self._read()
        if kept is None:
            return order.ports
        if _world_of(kept) != _world_of(order):
            raise LabError(
                f"{self.path} belongs to another lab ({_world_of(kept)}) than was asked for ({_world_of(order)})", USAGE
            )
        return LabPorts(
            dns=order.ports.dns or kept.ports.dns,
            smtp=order.ports.smtp or kept.ports.smtp,
            https=order.ports.https or kept.ports.https,
        )

    def keep(self, order: LabOrder, ports: LabPorts) -> None:
        """Writes `lab.json`."""
        kept = KeptLab(
            world=order.world,
            domains=order.domains,
            seed=order.seed,
            shape=order.shape,
            ports=ports,
        )
        write_whole(self.path / "lab.json", msgspec.json.encode(kept) + b"\n")

    def remember(self, fault: OnceOnly) -> None:
        """Says that a fault has begun: it will not come again."""
        (self.path / fault).touch()

    def left_of(self, faults: LabFaults) -> LabFaults:
        """The faults without those that have been here."""
        if (self.path / OnceOnly.blocked).exists():
            faults = replace(faults, blocked_after=0)
        if (self.path / OnceOnly.dns_silent).exists():
            faults = replace(faults, dns_silent_after=0)
        return faults

    def _read(self) -> KeptLab | None:
        path = self.path / "lab.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=KeptLab)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise LabError(f"{path}: {error}", USAGE) from error


def _world_of(lab: KeptLab | LabOrder) -> str:
    return f"world {lab.world!r}, {lab.domains} domains, seed {lab.seed}, shape {lab.shape}"


def write_whole(path: Path, octets: bytes) -> None:
    """Writes a file so that nobody ever sees half of it."""
    half = path.with_name(path.name + ".new")
    half.write_bytes(octets)
    os.replace(half, path)
