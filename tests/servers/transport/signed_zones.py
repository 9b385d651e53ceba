"""Zones signed by ldns: with a chain of trust from the root, without one, with one that is broken."""

import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.servers.programs import find_program

#: Every zone is served by NSD, whatever its NS says: unbound is told so.
_ZONE = """\
$ORIGIN {origin}
$TTL 300
@ SOA ns.test. hostmaster.test. 1 3600 600 86400 60
@ NS ns.test.
{lines}
"""


Delegation = Literal["secure", "insecure", "wrong"]


@dataclass(frozen=True)
class Zone:
    """Whether the root vouches for its key; `spoilt` are RRsets (`OWNER. TYPE`) whose signatures are wrong."""

    origin: str
    lines: tuple[str, ...]
    delegation: Delegation = "secure"
    spoilt: tuple[str, ...] = ()


@dataclass(frozen=True)
class SignedWorld:
    """What NSD serves, by zone, and the DS record of the root's key."""

    zones: Mapping[str, str]
    trust_anchor: str


def sign_world(directory: Path, zones: Iterable[Zone]) -> SignedWorld:
    """The zones below a signed root; the keys are made in `directory`."""
    served: dict[str, str] = {}
    at_root = ["ns.test. A 127.0.0.1"]
    for zone in zones:
        at_root.append(f"{zone.origin} NS ns.test.")
        if zone.delegation == "insecure":
            served[zone.origin] = _text(zone)
            continue
        key = _make_key(directory, zone.origin)
        served[zone.origin] = _sign(directory, zone, key)
        vouched_for = key if zone.delegation == "secure" else _make_key(directory, zone.origin)
        at_root.append(_ds(directory, vouched_for))
    key = _make_key(directory, ".")
    root = _sign(directory, Zone(".", tuple(at_root)), key)
    return SignedWorld({".": root, **served}, _ds(directory, key))


def _text(zone: Zone) -> str:
    return _ZONE.format(origin=zone.origin, lines="\n".join(zone.lines))


def _make_key(directory: Path, origin: str) -> str:
    """One key that signs all of a zone → what the names of its files begin with."""
    return _ldns(directory, "ldns-keygen", "-k", "-a", "ECDSAP256SHA256", origin).strip()


def _ds(directory: Path, key: str) -> str:
    return (directory / f"{key}.ds").read_text(encoding="ascii").strip()


def _sign(directory: Path, zone: Zone, key: str) -> str:
    unsigned, signed = directory / "unsigned", directory / "signed"
    unsigned.write_text(_text(zone), encoding="ascii")
    _ldns(directory, "ldns-signzone", "-o", zone.origin, "-f", str(signed), str(unsigned), key)
    text = signed.read_text(encoding="ascii")
    for rrset in zone.spoilt:
        text = _spoil(text, *rrset.split())
    return text


def _spoil(text: str, owner: str, covered: str) -> str:
    """Another first character for the signature of one RRset."""
    signature = re.compile(rf"^({re.escape(owner)}\s.*\sRRSIG\s+{covered}\s.*\s)(\S)(\S+)$", re.MULTILINE)
    spoilt, times = signature.subn(lambda found: f"{found[1]}{'B' if found[2] == 'A' else 'A'}{found[3]}", text)
    assert times == 1, f"{times} signatures of {owner} {covered}"
    return spoilt


def _ldns(directory: Path, program: str, *arguments: str) -> str:
    found = find_program(program)
    assert found is not None
    done = subprocess.run([found, *arguments], cwd=directory, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, f"{program}: {done.stderr}"
    return done.stdout
