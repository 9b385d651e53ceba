"""A world file (TOML) → a checked world: what its names refer to exists, every part of it can be served."""

import ipaddress
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from scanner.lab.script import parse_script
from scanner.lab.turns import Turns
from scanner.lab.world import Behaviour, DnsAnswers, Server, World
from scanner.lab.zone_lines import ZoneError, expand_line, parse_owner, parse_record
from scanner.settings import Limits

#: Where the servers of a world may be.
LAB_NETWORK = ipaddress.IPv4Network("127.64.0.0/10")
EMBEDDED_WORLD = Path(__file__).with_name("world.toml")


class WorldError(ValueError):
    """A world that cannot be served: the message says where, and what was expected."""


def load_world(path: Path) -> World:
    """The world in a file. Raises WorldError."""
    try:
        with path.open("rb") as file:
            world = msgspec.convert(tomllib.load(file), World)
    except OSError as error:
        raise WorldError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WorldError(f"{path} is no TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise WorldError(f"{path}: {error}") from error
    problems = list(find_problems(world))
    if problems:
        raise WorldError("\n".join([f"{path}: {problem}" for problem in problems]))
    return world


def servers_of(world: World) -> tuple[Server, ...]:
    """All servers, the shared ones first."""
    return (*world.servers, *[server for entry in world.entries for server in entry.servers])


def find_problems(world: World) -> Iterator[str]:
    """What makes a world impossible to serve: where, and what was expected."""
    for name, behaviour in world.behaviours.items():
        yield from _behaviour_problems(name, behaviour)
        yield from _memory_problems(name, behaviour, world.behaviours)
    seen: dict[str, str] = {}
    for where, servers, records, answers in _places(world):
        for server in servers:
            yield from _server_problems(where, server, world)
            if server.address in seen:
                yield f"{where}: server {server.address} is already one of {seen[server.address]}"
            seen[server.address] = where
        yield from _record_problems(where, records, answers)


def _places(world: World) -> Iterator[tuple[str, tuple[Server, ...], tuple[str, ...], dict[str, DnsAnswers]]]:
    yield "the world", world.servers, world.records, {}
    for entry in world.entries:
        yield f"entry {entry.domain!r}", entry.servers, entry.records, entry.dns


def _behaviour_problems(name: str, behaviour: Behaviour) -> Iterator[str]:
    try:
        parse_script(behaviour, "host.lab", Limits())
    except ValueError as error:
        yield f"behaviour {name!r}: {error}"
    if behaviour.tls_min > behaviour.tls_max:
        yield f"behaviour {name!r}: tls_min {behaviour.tls_min} is above tls_max {behaviour.tls_max}"


def _memory_problems(name: str, behaviour: Behaviour, behaviours: dict[str, Behaviour]) -> Iterator[str]:
    """A server that remembers can only change its manners, not whether it listens; and it has one memory."""
    if bool(behaviour.allows) != bool(behaviour.otherwise):
        yield f"behaviour {name!r}: allows and otherwise go together"
    if behaviour.allows and behaviour.visits:
        yield f"behaviour {name!r} has both visits and allows"
    for other in (*behaviour.visits, *([behaviour.otherwise] if behaviour.otherwise else [])):
        if other not in behaviours:
            yield f"behaviour {name!r} refers to the unknown behaviour {other!r}"
            continue
        met = behaviours[other]
        if met.visits or met.allows or met.blackhole or not met.listener:
            yield f"behaviour {name!r} refers to {other!r}, which remembers itself or does not listen"


def _server_problems(where: str, server: Server, world: World) -> Iterator[str]:
    try:
        is_ours = ipaddress.IPv4Address(server.address) in LAB_NETWORK
    except ValueError:
        is_ours = False
    if not is_ours:
        yield f"{where}: server {server.address!r} is no address in {LAB_NETWORK}"
    if server.behaviour not in world.behaviours:
        yield f"{where}: server {server.address} has the unknown behaviour {server.behaviour!r}"
    for kind in (server.certificate, *server.by_server_name.values()):
        if kind not in world.certificates:
            yield f"{where}: server {server.address} has the unknown certificate {kind!r}"


def _record_problems(where: str, records: tuple[str, ...], answers: dict[str, DnsAnswers]) -> Iterator[str]:
    for line in records:
        try:
            for each in expand_line(line):
                parse_owner(each)
                parse_record(each)
        except ZoneError as error:
            yield f"{where}: {error}"
    for key, said in answers.items():
        try:
            Turns(key, said)
        except ZoneError as error:
            yield f"{where}: {error}"
