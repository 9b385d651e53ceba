"""Sockets that listen, and such as let nobody in."""

import socket


def listen(address: str, port: int, backlog: int) -> socket.socket:
    """A non-blocking listening socket. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted sockets inherit it: what a step says leaves at once.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.bind((address, port))
        listening.listen(backlog)
    except OSError as error:
        listening.close()
        raise OSError(error.errno, f"{address}:{port}: {error.strerror}") from error
    return listening


def open_blackhole(address: str, port: int) -> list[socket.socket]:
    """Sockets that make every connect to the address go unanswered while they are open. Raises OSError."""
    listening = listen(address, port, 0)
    try:
        return [listening, close_gate(listening)]
    except OSError:
        listening.close()
        raise


def close_gate(listening: socket.socket) -> socket.socket:
    """Makes every later connect to a listening socket go unanswered while it and the result are open.

    A queue of length 0 holds one connection. It is ours, or somebody's who came before, and nobody accepts it: so
    Linux drops every SYN. Raises OSError.
    """
    listening.listen(0)
    filling = socket.socket()
    filling.setblocking(False)  # noqa: FBT003  # socket's signature
    try:
        filling.connect(listening.getsockname())
    except BlockingIOError:  # on its way, or never to arrive because the queue is full
        return filling
    except OSError:
        filling.close()
        raise
    return filling
