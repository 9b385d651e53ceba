"""A network of its own for one command: its only way out counts packets, listeners count who comes to us.

    unshare -rn python -m tests.acceptance.counted_network ADDRESS,ADDRESS… COMMAND…

makes the network, runs the command in it, and prints a `Counted` as JSON. Afterwards it sends a datagram to each
of the addresses itself, to show that a packet for that address would have been counted. Whatever is sent ends at
an interface with nothing behind it. In a new network every port is free, so this one may be fixed.
"""

import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

#: Where the servers of the scanned world are, and where we listen on addresses of ours.
PORT = 2525

#: Addresses of this network's only machine, besides loopback. They look public and are nobody's within it.
OUR_IPV4, OUR_IPV6 = "9.9.9.1", "2606:4700::1"
OURS = ("127.0.0.1", "::1", OUR_IPV4, OUR_IPV6)

#: The way out: an interface that sends without asking for a neighbour. What the kernel has of the two.
_WAY_OUT = ("link add out type dummy", "link add out type veth peer name nowhere")

_SETUP = f"""
link set lo up
address add {OUR_IPV4}/32 dev lo
-6 address add {OUR_IPV6}/128 dev lo nodad
link set out arp off addrgenmode none up
route add default dev out src {OUR_IPV4}
-6 route add default dev out src {OUR_IPV6}
"""


class Counted(msgspec.Struct, frozen=True):
    """What the command did, and what left or came in while it ran.

    `sent`: packets on the way out; `accepted`: connections to each of our own addresses; `not_counted`: the
    addresses given for which a datagram of ours was not seen on the way out.
    """

    returncode: int
    stderr: str
    sent: int
    accepted: dict[str, int]
    not_counted: tuple[str, ...]


def make_network() -> None:
    """Raises CalledProcessError if the kernel does not let us."""
    for way in _WAY_OUT:
        if not subprocess.run(["ip", *way.split()], capture_output=True, check=False).returncode:
            break
    with suppress(subprocess.CalledProcessError):  # a dummy has no other end
        _ip("link set nowhere arp off addrgenmode none up")
    for line in _SETUP.strip().splitlines():
        _ip(line)


def _ip(arguments: str) -> None:
    subprocess.run(["ip", *arguments.split()], capture_output=True, check=True)


def sent_packets() -> int:
    """How many packets were sent on the way out."""
    lines = Path("/proc/net/dev").read_text("ascii").splitlines()
    counters = next(line.partition(":")[2].split() for line in lines if line.strip().startswith("out:"))
    return int(counters[9])


def accepted_connections(listening: socket.socket) -> int:
    """How many connections wait at a listening socket."""
    listening.setblocking(False)
    count = 0
    with suppress(BlockingIOError):
        while True:
            listening.accept()[0].close()
            count += 1
    return count


def is_counted(address: str) -> bool:
    """True if a datagram to the address is seen on the way out."""
    before = sent_packets()
    with socket.socket(_family(address), socket.SOCK_DGRAM) as sender:
        sender.sendto(b"", (address, PORT))
    return sent_packets() == before + 1


def listen_at(address: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one."""
    listening = socket.socket(_family(address), socket.SOCK_STREAM)
    listening.bind((address, port))
    listening.listen()
    return listening


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def main(addresses: str, command: Sequence[str]) -> None:
    make_network()
    listeners = {address: listen_at(address, PORT) for address in OURS}
    before = sent_packets()
    ran = subprocess.run(command, capture_output=True, check=False)
    counted = Counted(
        returncode=ran.returncode,
        stderr=ran.stderr.decode(errors="replace"),
        sent=sent_packets() - before,
        accepted={address: accepted_connections(listening) for address, listening in listeners.items()},
        not_counted=tuple(address for address in addresses.split(",") if not is_counted(address)),
    )
    sys.stdout.buffer.write(msgspec.json.encode(counted))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
