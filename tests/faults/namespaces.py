"""Preparations of a fork that take something of the machine away from it: the network, ports, disk, files.

None needs root: a user namespace of the fork's own gives it the right to change what is its own.
"""

import ctypes
import fcntl
import os
import resource
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
_MS_RDONLY = 0x1
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1
_LIBC = ctypes.CDLL(None, use_errno=True)

#: As many source ports as a machine that has used up the others.
FEW_PORTS = range(40000, 40100)


def _can_unshare() -> bool:
    child = os.fork()
    if child == 0:
        os._exit(_LIBC.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWNS) != 0)
    return os.waitpid(child, 0)[1] == 0


needs_namespaces = pytest.mark.skipif(not _can_unshare(), reason="no namespaces for this user (unshare -rnm)")


def _unshare(kinds: int) -> None:
    user, group = os.getuid(), os.getgid()
    if _LIBC.unshare(_CLONE_NEWUSER | kinds) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")


def without_network() -> None:
    """Not even loopback: nothing can be sent to anybody."""
    _unshare(_CLONE_NEWNET)


def with_loopback_only() -> None:
    """A loopback of the fork's own, where nobody listens but what the fork starts."""
    _unshare(_CLONE_NEWNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def with_few_ports() -> None:
    """The same, with a hundred source ports for everything that it opens."""
    with_loopback_only()
    ports = f"{FEW_PORTS.start} {FEW_PORTS.stop - 1}"
    Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(ports)


def without_ports() -> None:
    """The same, all of which somebody else has taken."""
    with_few_ports()
    for port in FEW_PORTS:
        taken = socket.socket()
        taken.bind(("0.0.0.0", port))
        taken.listen()
        taken.detach()  # open for as long as the fork lives


def with_disk_of(size_bytes: int, directory: Path, *, read_only: bool = False) -> Callable[[], None]:
    """A disk of that size at a directory, which only the fork sees."""

    def mount() -> None:
        _unshare(_CLONE_NEWNS)
        flags, options = _MS_RDONLY if read_only else 0, f"size={size_bytes}".encode()
        if _LIBC.mount(b"tmpfs", os.fsencode(directory), b"tmpfs", flags, options) != 0:
            raise OSError(ctypes.get_errno(), "mount")
        os.chdir(directory)

    return mount


def with_limit(kind: int, number: int) -> Callable[[], None]:
    """A limit of the kernel's (`resource.RLIMIT_…`) that the fork can't raise again."""
    return lambda: resource.setrlimit(kind, (number, number))
