"""Writes that wait for the peer: until it has taken what was written, or has something to say first."""

import asyncio
import threading

import pytest

from scanner.net.streams import TcpStream, connect
from scanner.net.tls import TlsStream, probing_context
from tests.conftest import Run
from tests.net.certificates import HOST, Served, server_context
from tests.net.scripted import PATIENCE_S, Conversation, Server

#: More than two kernels and an event loop hold.
FLOOD = bytes(8 << 20)

#: Long enough for octets to come over loopback, were they on their way.
A_WHILE_S = 0.1


class Reads:
    """A server that begins to read when it is told to."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.taken = 0

    def __call__(self, conversation: Conversation) -> None:
        assert self.go.wait(PATIENCE_S)
        while octets := conversation.socket.recv(65536):
            self.taken += len(octets)


def buffered(stream: TcpStream) -> int:
    assert stream._writer is not None
    size: int = stream._writer.transport.get_write_buffer_size()
    return size


def test_a_flush_waits_until_the_peer_has_taken_what_was_written(run: Run) -> None:
    reads = Reads()

    async def main() -> None:
        stream = await connect(server.address, server.port)
        stream.write(FLOOD)
        flushing = asyncio.create_task(stream.flush())
        await asyncio.sleep(A_WHILE_S)
        assert not flushing.done()
        assert buffered(stream) > 0
        reads.go.set()
        assert await flushing is True
        assert buffered(stream) < 65536
        stream.abort()

    with Server(reads) as server:
        run(main())
    assert reads.taken > len(FLOOD) - 65536


def test_what_is_small_is_taken_at_once(run: Run) -> None:
    async def main() -> None:
        stream = await connect(server.address, server.port)
        stream.write(b"EHLO me.test\r\n")
        assert await stream.flush() is True
        stream.abort()

    with Server(Conversation.hear_all) as server:  # type: ignore[arg-type]
        run(main())


def test_a_peer_that_speaks_meanwhile_ends_the_wait_and_another_may_follow(run: Run) -> None:
    reads = Reads()

    def speak_first(conversation: Conversation) -> None:
        conversation.hear()
        conversation.say(b"250-wait\r\n")
        reads(conversation)

    async def main() -> None:
        stream = await connect(server.address, server.port)
        stream.write(FLOOD)
        assert await stream.flush() is False
        assert not stream.has_ended
        assert await stream.read() == b"250-wait\r\n"
        reads.go.set()
        assert await stream.flush() is True
        stream.abort()

    with Server(speak_first) as server:
        run(main())


def test_while_something_is_unread_nothing_is_waited_for(run: Run) -> None:
    async def main() -> None:
        stream = await connect(server.address, server.port)
        while await stream.flush():
            pass  # nothing has come yet
        stream.write(FLOOD)
        assert await stream.flush() is False
        stream.abort()

    with Server(lambda conversation: conversation.say(b"421 bye\r\n")) as server:
        run(main())


@pytest.mark.parametrize("goes", [Conversation.close, Conversation.reset])
def test_a_peer_that_goes_meanwhile_ends_the_wait_too(run: Run, goes: object) -> None:
    def hear_and_go(conversation: Conversation) -> None:
        conversation.hear()
        goes(conversation)  # type: ignore[operator]

    async def main() -> None:
        stream = await connect(server.address, server.port)
        stream.write(FLOOD)
        while await stream.flush():
            stream.write(FLOOD)
        assert stream.has_ended
        assert await stream.read() == b""
        assert await stream.flush() is False
        stream.abort()

    with Server(hear_and_go) as server:
        run(main())


def test_a_flush_that_is_cancelled_leaves_the_stream_as_it_was(run: Run) -> None:
    reads = Reads()

    async def main() -> None:
        stream = await connect(server.address, server.port)
        stream.write(FLOOD)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(A_WHILE_S):
                await stream.flush()
        reads.go.set()
        assert await stream.flush() is True
        stream.abort()

    with Server(reads) as server:
        run(main())


def test_a_reply_before_a_reset_is_kept_though_a_write_fails_first(run: Run) -> None:
    """We write without listening, so the write is what finds the reset."""

    def refuse_and_reset(conversation: Conversation) -> None:
        conversation.hear()
        conversation.say(b"552 too large\r\n")
        conversation.reset()

    async def main() -> None:
        stream = await connect(server.address, server.port)
        assert stream._writer is not None
        transport = stream._writer.transport
        transport.pause_reading()  # type: ignore[attr-defined]
        while not stream.has_ended:
            stream.write(FLOOD[:65536])
            await asyncio.sleep(0.001)
        assert await stream.read() == b"552 too large\r\n"
        assert await stream.read() == b""
        assert stream.ended_by is not None
        stream.abort()

    with Server(refuse_and_reset) as server:
        for _ in range(10):
            run(main())


def test_under_tls_a_flush_waits_in_the_same_way(run: Run, served: Served) -> None:
    reads = Reads()

    def secure(conversation: Conversation) -> None:
        conversation.secure(server_context(served))
        reads(conversation)

    async def main() -> None:
        tcp = await connect(server.address, server.port)
        tls = TlsStream(tcp, probing_context(), HOST)
        await tls.handshake()
        tls.write(FLOOD)
        while not await (flushing := asyncio.create_task(within(A_WHILE_S, tls))):
            # A session ticket is something to read that says nothing.
            assert await tls.read_available() == b""
            if flushing.result() is None:
                reads.go.set()
        assert buffered(tcp) < 65536
        tls.abort()

    with Server(secure) as server:
        run(main())
    assert reads.taken > len(FLOOD) - (2 << 20)


async def within(seconds: float, stream: TlsStream) -> bool | None:
    """What a flush gives, or None if it has not ended by then."""
    try:
        async with asyncio.timeout(seconds):
            return await stream.flush()
    except TimeoutError:
        return None
