"""TCP streams: no word is lost, nothing waits for ever, and the address dialled is the one decided on."""

import asyncio
import errno
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from scanner.net import streams
from scanner.net.streams import TcpStream, connect
from tests.conftest import Run
from tests.net.scripted import Conversation, Server, blackhole, new_address, unused_port

REFUSAL = b"554 5.7.1 go away\r\n"


def greet(conversation: Conversation) -> None:
    conversation.say(b"220 x\r\n")
    conversation.hear_all()


def greet_late(conversation: Conversation) -> None:
    conversation.wait()
    greet(conversation)


def listen(conversation: Conversation) -> None:
    conversation.hear_all()


async def read_all(stream: TcpStream) -> bytes:
    octets = b""
    while more := await stream.read():
        octets += more
    return octets


def socket_of(stream: TcpStream) -> socket.socket:
    assert stream._writer is not None
    found = stream._writer.get_extra_info("socket")
    return socket.socket(fileno=socket.dup(found.fileno()))


# What a server says before it resets --------------------------------------------------------------------


def test_a_refusal_before_a_reset_is_never_lost(run: Run) -> None:
    def refuse(conversation: Conversation) -> None:
        conversation.say(REFUSAL)
        conversation.reset()

    async def main() -> None:
        for _ in range(100):
            stream = await connect(server.address, server.port)
            assert await read_all(stream) == REFUSAL
            assert stream.ended_by is not None
            assert stream.ended_by.errno == errno.ECONNRESET
            assert stream.octets_read == len(REFUSAL)
            stream.abort()

    with Server(refuse) as server:
        run(main())


def test_a_reset_without_a_word_is_a_reset(run: Run) -> None:
    async def main() -> None:
        for _ in range(20):
            stream = await connect(server.address, server.port)
            assert await read_all(stream) == b""
            assert stream.ended_by is not None
            assert stream.ended_by.errno == errno.ECONNRESET
            stream.abort()

    with Server(Conversation.reset) as server:
        run(main())


def test_what_was_said_before_a_reset_that_overtook_the_connect_is_read_from_the_socket() -> None:
    # The kernel tells the connect's success and the reset in one: the reset is taken for the connect's failure.
    def refuse(conversation: Conversation) -> None:
        conversation.wait()
        conversation.say(REFUSAL)
        conversation.reset()

    async def main(sock: socket.socket) -> None:
        stream = streams._said_before_the_reset(sock, ConnectionResetError(errno.ECONNRESET, "reset"))
        stream.write(b"QUIT\r\n")
        assert await stream.read_available() == REFUSAL
        assert await stream.read() == b""
        assert stream.ended_by is not None
        assert stream.ended_by.errno == errno.ECONNRESET
        stream.abort()

    with Server(refuse) as server, socket.create_connection((str(server.address), server.port)) as sock:
        server.speak_while_the_loop_stands_still(sock)
        asyncio.run(main(sock))


def test_an_end_without_a_word_is_an_end(run: Run) -> None:
    async def main() -> None:
        stream = await connect(server.address, server.port)
        assert await stream.read() == b""
        assert await stream.read() == b""
        assert stream.ended_by is None
        stream.abort()

    with Server(Conversation.close) as server:
        run(main())


# Connecting -----------------------------------------------------------------------------------------------


def test_where_nothing_listens_the_connection_is_refused(run: Run) -> None:
    address = new_address()
    port = unused_port(address)

    async def main() -> None:
        tried_from: list[str] = []
        with pytest.raises(ConnectionRefusedError) as refused:
            await connect(ip_address(address), port, None, tried_from.append)
        assert refused.value.errno == errno.ECONNREFUSED
        assert tried_from == ["127.0.0.1"]

    run(main())


def test_a_connect_that_nobody_answers_can_be_given_up(run: Run) -> None:
    async def main(address: str, port: int) -> None:
        tried_from: list[str] = []
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await connect(ip_address(address), port, None, tried_from.append)
        assert len(tried_from) == 1, "of ours it is known"

    with blackhole() as (address, port):
        run(main(address, port))  # a socket left open would be a warning, and that an error


def test_a_connect_that_is_cancelled_anywhere_ends_as_cancelled(run: Run) -> None:
    """The loop may have closed the socket already; to note where it was tried from must not make an error of that."""

    async def main() -> None:
        for turns in range(12):
            connecting = asyncio.ensure_future(connect(server.address, server.port, None, lambda _: None))
            for _ in range(turns):
                await asyncio.sleep(0)
            connecting.cancel()
            ended = (await asyncio.gather(connecting, return_exceptions=True))[0]
            if isinstance(ended, TcpStream):
                ended.abort()
            else:
                assert isinstance(ended, asyncio.CancelledError), f"after {turns} turns: {ended!r}"

    with Server(listen) as server:
        run(main())


@pytest.mark.parametrize(
    ("listens", "dialled", "source"),
    [
        ("127.64.255.1", "127.64.255.1", "127.0.0.1"),
        ("::1", "::1", "::1"),
        ("127.64.255.2", "::ffff:127.64.255.2", "::ffff:127.0.0.1"),
    ],
)
def test_every_form_of_address_is_dialled_as_it_is(run: Run, listens: str, dialled: str, source: str) -> None:
    async def main() -> bytes:
        stream = await connect(ip_address(dialled), server.port)
        assert stream.source_address == source
        octets = await stream.read()
        stream.abort()
        return octets

    with Server(lambda conversation: conversation.say(b"220 x\r\n"), listens) as server:
        assert run(main()) == b"220 x\r\n"


def test_the_source_address_is_bound(run: Run) -> None:
    source = new_address()

    async def main() -> None:
        stream = await connect(server.address, server.port, source)
        assert stream.source_address == source
        assert await stream.read() == source.encode()
        stream.abort()

    with Server(lambda conversation: conversation.say(conversation.socket.getpeername()[0].encode())) as server:
        run(main())


def test_the_same_source_port_serves_many_targets(run: Run) -> None:
    """Without IP_BIND_ADDRESS_NO_PORT a port is taken at bind, for all targets together."""
    source = new_address()
    bound: list[int] = []

    class Watched(socket.socket):
        def bind(self, address: object) -> None:
            super().bind(address)  # type: ignore[arg-type]
            bound.append(self.getsockname()[1])

    async def main() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(socket, "socket", Watched)
            stream = await connect(server.address, server.port, source)
        stream.abort()

    with Server(listen) as server:
        run(main())
    assert bound == [0]


@pytest.mark.parametrize("source", ["192.0.2.1", "::1"])
def test_a_source_address_that_is_not_ours_is_our_fault(run: Run, source: str) -> None:
    async def main() -> None:
        with pytest.raises(OSError):  # noqa: PT011 - which number it has is the system's
            await connect(server.address, server.port, source)

    with Server(Conversation.close) as server:
        run(main())
    assert server.conversations == []


class Peer:
    """A socket that says where it is connected to."""

    def __init__(self, name: str | OSError) -> None:
        self._name = name

    def getpeername(self) -> tuple[str, int]:
        if isinstance(self._name, OSError):
            raise self._name
        return self._name, 25


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (IPv4Address("192.0.2.1"), "192.0.2.1"),
        (IPv6Address("2001:db8::1"), "2001:db8::1"),
        (IPv6Address("fe80::1"), "fe80::1%eth0"),
        (IPv6Address("::ffff:192.0.2.1"), "::ffff:192.0.2.1"),
    ],
)
def test_the_address_dialled_is_the_one_connected_to(address: IPv4Address | IPv6Address, name: str) -> None:
    streams._check_peer(Peer(name), address)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("192.0.2.2", errno.EADDRNOTAVAIL),
        ("::ffff:192.0.2.1", errno.EADDRNOTAVAIL),
        (OSError(errno.ENOTCONN, "x"), errno.ECONNRESET),
        (OSError(errno.EBADF, "x"), errno.EBADF),
    ],
)
def test_another_one_is_an_error(name: str | OSError, number: int) -> None:
    with pytest.raises(OSError) as raised:  # noqa: PT011 - its number is looked at
        streams._check_peer(Peer(name), IPv4Address("192.0.2.1"))  # type: ignore[arg-type]
    assert raised.value.errno == number


# Reading and writing --------------------------------------------------------------------------------------


def test_what_has_arrived_while_the_loop_stood_still_is_available(run: Run) -> None:
    async def main() -> None:
        stream = await connect(server.address, server.port)
        with socket_of(stream) as sock:
            server.speak_while_the_loop_stands_still(sock)
        assert await stream.read_available() == b"220 x\r\n"
        assert await stream.read_available() == b""
        assert stream.octets_read == 7
        stream.abort()

    with Server(greet_late) as server:
        run(main())


def test_where_nothing_has_arrived_nothing_is_waited_for(run: Run) -> None:
    async def main() -> None:
        stream = await connect(server.address, server.port)
        async with asyncio.timeout(1):
            assert await stream.read_available() == b""
        stream.abort()

    with Server(listen) as server:
        run(main())


def test_after_the_end_nothing_is_available(run: Run) -> None:
    async def main() -> None:
        stream = await connect(server.address, server.port)
        assert await stream.read() == b""
        assert await stream.read_available() == b""
        stream.abort()

    with Server(Conversation.close) as server:
        run(main())


def test_a_flood_comes_in_bounded_pieces_and_is_counted(run: Run) -> None:
    async def main() -> None:
        stream = await connect(server.address, server.port)
        pieces = []
        while octets := await stream.read():
            pieces.append(len(octets))
            assert stream._reader.unread < 1 << 20, "what nobody reads must stay with the server"
        assert max(pieces) <= TcpStream.CHUNK
        assert sum(pieces) == stream.octets_read == 3 << 20
        stream.abort()

    with Server(lambda conversation: conversation.say(bytes(3 << 20))) as server:
        run(main())


def test_what_was_written_is_sent_before_an_abort(run: Run) -> None:
    async def main() -> None:
        stream = await connect(server.address, server.port)
        assert await stream.read() == b"220 x\r\n"
        stream.write(b"EHLO me.test\r\n")
        stream.write(b"QUIT\r\n")
        assert stream.octets_written == 20
        stream.abort()
        stream.abort()

    with Server(greet) as server:
        run(main())
    assert server.heard == b"EHLO me.test\r\nQUIT\r\n"


def test_writing_after_the_server_has_gone_raises_nothing(run: Run) -> None:
    async def main() -> None:
        stream = await connect(server.address, server.port)
        assert await stream.read() == b""
        for _ in range(3):
            stream.write(b"QUIT\r\n")
            await asyncio.sleep(0)
        assert await stream.read() == b""
        stream.abort()

    with Server(Conversation.reset) as server:
        run(main())
