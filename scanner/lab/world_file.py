"""A world file (TOML) → a checked world: what its names refer to exists, every part of it can be served."""

import ipaddress
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from scanner.lab.policy_script import parse_response, parse_stage
from scanner.lab.script import parse_script
from scanner.lab.security import Security
from scanner.lab.tlsa_lines import ANCHORS, named_certificate
from scanner.lab.turns import Turns
from scanner.lab.world import Behaviour, DnsAnswers, Manners, NameServer, PolicyBehaviour, PolicyHost, Server, World
from scanner.lab.zone_lines import ZoneError, expand_line, parse_owner, parse_record
from scanner.settings import Limits

#: Where the servers of a world may be.
LAB_NETWORK = ipaddress.IPv4Network("127.64.0.0/10")
#: The resolver of every world, and the name servers of its zone `lab`.
DNS_ADDRESS = "127.64.0.1"
TOP_LEVEL_SERVERS = tuple([NameServer(address=address, zones=("lab",)) for address in ("127.64.0.2", "127.64.0.3")])
EMBEDDED_WORLD = Path(__file__).with_name("world.toml")


class WorldError(ValueError):
    """A world that cannot be served: the message says where, and what was expected."""


def load_world(path: Path) -> World:
    """The world in a file, and in those beside it that it names in `include`. Raises WorldError."""
    tables = read_tables(path)
    try:
        world = msgspec.convert(tables, World)
    except msgspec.ValidationError as error:
        raise WorldError(f"{path}: {error}") from error
    problems = list(find_problems(world))
    if problems:
        raise WorldError("\n".join([f"{path}: {problem}" for problem in problems]))
    return world


def read_tables(path: Path) -> dict[str, Any]:
    """The tables of a world's files together: what they list is one list, what they name stands side by side."""
    tables = _read_file(path)
    names = tables.pop("include", [])
    if not isinstance(names, list):
        raise WorldError(f"{path}: include: expected a list of files")
    for other in [path.with_name(str(name)) for name in names]:
        for key, value in _read_file(other).items():
            tables[key] = _joined(tables[key], value, f"{path}: {other.name}: {key}") if key in tables else value
    return tables


def _read_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise WorldError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WorldError(f"{path} is no TOML: {error}") from error


def _joined(here: Any, there: Any, where: str) -> Any:
    if isinstance(here, list) and isinstance(there, list):
        return here + there
    if isinstance(here, dict) and isinstance(there, dict) and not here.keys() & there.keys():
        return here | there
    raise WorldError(f"{where} stands in two files")


def servers_of(world: World) -> tuple[Server, ...]:
    """All servers, the shared ones first."""
    return (*world.servers, *[server for entry in world.entries for server in entry.servers])


def name_servers_of(world: World) -> tuple[NameServer, ...]:
    """All name servers, those that every world has first."""
    return (*TOP_LEVEL_SERVERS, *[server for entry in world.entries for server in entry.name_servers])


def policy_addresses_of(world: World) -> list[list[PolicyHost]]:
    """All policy hosts, those that share an address together."""
    by_address: dict[str, list[PolicyHost]] = {}
    for host in (*world.policy_hosts, *[host for entry in world.entries for host in entry.policy_hosts]):
        by_address.setdefault(host.address, []).append(host)
    return list(by_address.values())


def security_of(world: World) -> Security:
    """Which names of a world are secure. Raises ZoneError."""
    return Security(
        [*world.signed, *[zone for entry in world.entries for zone in entry.signed]],
        [*world.insecure, *[zone for entry in world.entries for zone in entry.insecure]],
        validates=world.validates,
    )


def find_problems(world: World) -> Iterator[str]:
    """What makes a world impossible to serve: where, and what was expected."""
    for name, behaviour in world.behaviours.items():
        yield from _behaviour_problems(name, behaviour)
        yield from _memory_problems(name, behaviour, world.behaviours)
    for name, manners in world.policy_behaviours.items():
        yield from _memory_problems(name, manners, world.policy_behaviours)
    for hosts in policy_addresses_of(world):
        yield from _policy_host_problems(hosts, world)
    yield from _zone_problems(world)
    yield from _name_server_problems(world)
    seen: dict[str, str] = {}
    for where, servers, records, answers in _places(world):
        for server in servers:
            yield from _server_problems(where, server, world)
            if server.address in seen:
                yield f"{where}: server {server.address} is already one of {seen[server.address]}"
            seen[server.address] = where
        yield from _record_problems(where, records, answers)
        yield from _named_certificate_problems(where, records, world)


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


def _zone_problems(world: World) -> Iterator[str]:
    try:
        security_of(world)
    except ZoneError as error:
        yield f"signed or insecure zones: {error}"


def _name_server_problems(world: World) -> Iterator[str]:
    seen = {DNS_ADDRESS}
    for server in name_servers_of(world):
        where = f"name server {server.address}"
        if not _is_ours(server.address):
            yield f"{where} is no address in {LAB_NETWORK}"
        if server.address in seen:
            yield f"{where} is there twice"
        seen.add(server.address)
        yield from _record_problems(where, server.records, {f"{zone} SOA": ("ok",) for zone in server.zones})


def _policy_host_problems(hosts: list[PolicyHost], world: World) -> Iterator[str]:
    where = f"policy host {hosts[0].address}"
    if len({host.behaviour for host in hosts}) > 1:
        yield f"{where}: those who share an address share a behaviour"
    for host in hosts:
        if not _is_ours(host.address):
            yield f"{where} is no address in {LAB_NETWORK}"
        if host.certificate not in world.certificates:
            yield f"{where} has the unknown certificate {host.certificate!r}"
        behaviour = world.policy_behaviours.get(host.behaviour)
        if behaviour is None:
            yield f"{where} has the unknown policy behaviour {host.behaviour!r}"
            continue
        for met in (behaviour, *[world.policy_behaviours.get(name, behaviour) for name in behaviour.visits]):
            yield from _policy_script_problems(where, met, host)


def _policy_script_problems(where: str, behaviour: PolicyBehaviour, host: PolicyHost) -> Iterator[str]:
    try:
        parse_response(behaviour, host, Limits())
        parse_stage((*behaviour.opening, *(behaviour.tls or ())), host.host, Limits())
    except ValueError as error:
        yield f"{where}: {error}"


def _memory_problems(name: str, behaviour: Manners, behaviours: Mapping[str, Manners]) -> Iterator[str]:
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
    if not _is_ours(server.address):
        yield f"{where}: server {server.address!r} is no address in {LAB_NETWORK}"
    if server.behaviour not in world.behaviours:
        yield f"{where}: server {server.address} has the unknown behaviour {server.behaviour!r}"
    for kind in (server.certificate, *server.by_server_name.values()):
        if kind not in world.certificates:
            yield f"{where}: server {server.address} has the unknown certificate {kind!r}"


def _is_ours(address: str) -> bool:
    try:
        return ipaddress.IPv4Address(address) in LAB_NETWORK
    except ValueError:
        return False


def _record_problems(where: str, records: tuple[str, ...], answers: dict[str, DnsAnswers]) -> Iterator[str]:
    for line in records:
        try:
            for each in expand_line(line):
                parse_owner(each)
                if named_certificate(each) is None:
                    parse_record(each)
        except ZoneError as error:
            yield f"{where}: {error}"
    for key, said in answers.items():
        try:
            Turns(key, said)
        except ZoneError as error:
            yield f"{where}: {error}"


def _named_certificate_problems(where: str, records: tuple[str, ...], world: World) -> Iterator[str]:
    hosts = {server.host for server in servers_of(world)}
    for line in records:
        named = named_certificate(line)
        if named is None:
            continue
        is_leaf = named.host in hosts and (named.kind is None or named.kind in world.certificates)
        if named.issuer not in ANCHORS and not is_leaf:
            yield f"{where}: {line!r} names no certificate of this world"
