"""The lab's own process: an order in JSON as its argument, a line of JSON once open, until stdin ends."""

import asyncio
import gc
import os
import resource
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec

from scanner.exit_codes import OK, OURS, USAGE
from scanner.lab.grown import grow_world
from scanner.lab.lab_directory import LabDirectory
from scanner.lab.order import LabError, LabOrder, ReadyLab
from scanner.lab.service import Lab
from scanner.lab.world import World
from scanner.lab.world_file import EMBEDDED_WORLD, WorldError, load_world, policy_addresses_of, servers_of

FLUSH_EVERY_S = 1.0
#: Descriptors for what is no listener: sessions, DNS, files.
SPARE_DESCRIPTORS = 512


def main() -> int:
    """Serves until standard input ends or a signal comes; the exit code."""
    try:
        order = msgspec.json.decode(sys.argv[1], type=LabOrder)
        _run(_serve(order))
    except LabError as error:
        return _refuse(error, error.exit_code)
    except (WorldError, msgspec.DecodeError, IndexError) as error:
        return _refuse(error, USAGE)
    except OSError as error:
        return _refuse(error, OURS)
    return OK


def _refuse(reason: object, exit_code: int) -> int:
    sys.stderr.write(f"{reason}\n")
    return exit_code


def _run(serving: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop  # noqa: PLC0415  # used where there is one
    except ImportError:
        asyncio.run(serving)
    else:
        uvloop.run(serving)


async def _serve(order: LabOrder) -> None:
    files = LabDirectory(Path(order.directory))
    ports = files.kept_ports(order)
    world = _world(order)
    servers, domains = len(servers_of(world)) + len(policy_addresses_of(world)), len(world.entries)
    # A server that is to become unreachable needs a second socket, to keep others out.
    _raise_descriptor_limit(servers, servers * 2 if order.faults.blocked_after else servers)
    lab = Lab(world, files.path, order.limits, faults=order.faults, seed=order.seed)
    del world
    await lab.open(ports)
    try:
        files.keep(order, lab.ports)
        # What there is now stays to the end: the collector need not look at it again.
        gc.freeze()
        ready = ReadyLab(
            dns_server=lab.dns_server,
            smtp_port=lab.ports.smtp,
            https_port=lab.ports.https,
            servers=servers,
            domains=domains,
            tripwires=lab.tripwires,
        )
        sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
        sys.stdout.flush()
        await _until_told_to_end(lab)
    finally:
        await lab.close()


def _world(order: LabOrder) -> World:
    if order.domains:
        return grow_world(order.domains, order.seed, order.shape)
    return load_world(Path(order.world) if order.world else EMBEDDED_WORLD)


def _raise_descriptor_limit(servers: int, sockets: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < sockets + SPARE_DESCRIPTORS:
        raise LabError(
            f"{servers} servers need {sockets + SPARE_DESCRIPTORS} descriptors, the hard limit is {hard}:"
            " ask for fewer domains or raise it (ulimit -Hn)"
        )


async def _until_told_to_end(lab: Lab) -> None:
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    stdin = sys.stdin.fileno()

    def read() -> None:
        if not os.read(stdin, 4096):
            loop.remove_reader(stdin)
            end.set()

    loop.add_reader(stdin, read)
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, end.set)
    while not end.is_set():
        lab.log.flush()
        try:
            async with asyncio.timeout(FLUSH_EVERY_S):
                await end.wait()
        except TimeoutError:
            continue


if __name__ == "__main__":
    sys.exit(main())
