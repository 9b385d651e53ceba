"""The TLS pump, against Python's own server side: what a handshake gives, and every way in which it fails."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable, Coroutine

import pytest
from OpenSSL import SSL

from scanner.net.streams import TcpStream, connect
from scanner.net.tls import (
    EndOfStream,
    PlaintextAfterStarttls,
    TlsError,
    TlsStream,
    is_tls_record,
    probing_context,
)
from tests.conftest import Run
from tests.net.certificates import HOST, VERSIONS, Served, server_context
from tests.net.scripted import Conversation, Script, Server

CONTEXT = probing_context()
Talk = Callable[[TlsStream, Server], Coroutine[None, None, None]]


def hold(run: Run, script: Script, talk: Talk, name: str = HOST) -> Server:
    """Connects to a server with this script, and talks over a TLS stream that has not shaken hands yet."""

    async def main() -> None:
        tcp = await connect(server.address, server.port)
        try:
            await talk(TlsStream(tcp, CONTEXT, name), server)
        finally:
            tcp.abort()

    with Server(script) as server:
        run(main())
    return server


def kernel_socket(tls: TlsStream) -> socket.socket:
    tcp = tls._stream
    assert isinstance(tcp, TcpStream)
    assert tcp._writer is not None
    return socket.socket(fileno=socket.dup(tcp._writer.get_extra_info("socket").fileno()))


def stand_still(tls: TlsStream, server: Server) -> None:
    """Blocks the loop until the server has said what it waited with."""
    with kernel_socket(tls) as sock:
        server.speak_while_the_loop_stands_still(sock)


# Handshakes that come to something ------------------------------------------------------------------------


@pytest.mark.parametrize("version", list(VERSIONS))
def test_every_version_is_spoken_and_described(run: Run, served: Served, version: str) -> None:
    def echo(conversation: Conversation) -> None:
        conversation.secure(server_context(served, version))
        conversation.say(b"you said " + conversation.hear())

    async def talk(tls: TlsStream, _: Server) -> None:
        summary = await tls.handshake()
        assert summary.version == version
        assert summary.chain == served.chain
        assert summary.cipher
        assert summary.group
        tls.write(b"EHLO me.test\r\n")
        assert await tls.read() == b"you said EHLO me.test\r\n"
        assert await tls.read() == b""
        assert tls.ended_by is None

    hold(run, echo, talk)


def test_the_server_name_is_sent_as_it_is(run: Run, served: Served) -> None:
    names: list[str | None] = []
    context = server_context(served)
    context.sni_callback = lambda _, name, __: names.append(name)

    async def talk(tls: TlsStream, _: Server) -> None:
        await tls.handshake()

    hold(run, lambda conversation: conversation.secure(context), talk, "mx.münchen.test".encode("idna").decode())
    assert names == ["mx.xn--mnchen-3ya.test"]


def test_no_certificate_is_refused_for_its_name_or_its_issuer(run: Run, served: Served) -> None:
    async def talk(tls: TlsStream, _: Server) -> None:
        assert (await tls.handshake()).chain == served.chain

    hold(run, lambda conversation: conversation.secure(server_context(served)), talk, "another.test")


def test_what_is_larger_than_a_record_comes_whole(run: Run, served: Served) -> None:
    def flood(conversation: Conversation) -> None:
        conversation.secure(server_context(served))
        conversation.say(bytes(300_000))
        conversation.hear_all()

    async def talk(tls: TlsStream, _: Server) -> None:
        await tls.handshake()
        size = 0
        while size < 300_000:
            size += len(await tls.read())
        assert size == 300_000
        tls.write(b"x" * 100_000)

    server = hold(run, flood, talk)
    assert server.heard == b"x" * 100_000


@pytest.mark.parametrize("with_close_notify", [True, False])
def test_the_end_is_an_end_with_close_notify_and_without(run: Run, served: Served, with_close_notify: bool) -> None:
    def leave(conversation: Conversation) -> None:
        conversation.secure(server_context(served))
        conversation.say(b"221 bye\r\n")
        assert isinstance(conversation.socket, ssl.SSLSocket)
        if with_close_notify:
            conversation.socket.settimeout(0)
            with pytest.raises(ssl.SSLWantReadError):
                conversation.socket.unwrap()

    async def talk(tls: TlsStream, _: Server) -> None:
        await tls.handshake()
        assert await tls.read() == b"221 bye\r\n"
        assert await tls.read() == b""
        assert await tls.read() == b""
        assert tls.ended_by is None

    hold(run, leave, talk)


def test_a_reset_under_tls_comes_after_what_was_said(run: Run, served: Served) -> None:
    def refuse(conversation: Conversation) -> None:
        conversation.secure(server_context(served))
        conversation.say(b"554 go away\r\n")
        conversation.reset()

    async def talk(tls: TlsStream, _: Server) -> None:
        await tls.handshake()
        assert await tls.read() == b"554 go away\r\n"
        assert await tls.read() == b""
        assert tls.ended_by is not None
        assert tls.ended_by.errno == errno.ECONNRESET

    hold(run, refuse, talk)


def test_what_has_arrived_while_the_loop_stood_still_is_available_decrypted(run: Run, served: Served) -> None:
    context = server_context(served, "TLSv1.2")  # no tickets after the handshake that would come first

    def greet(conversation: Conversation) -> None:
        conversation.secure(context)
        conversation.wait()
        conversation.say(b"220 x\r\n")
        conversation.hear_all()

    async def talk(tls: TlsStream, server: Server) -> None:
        await tls.handshake()
        assert await tls.read_available() == b""
        stand_still(tls, server)
        assert await tls.read_available() == b"220 x\r\n"

    hold(run, greet, talk)


def test_a_server_that_wants_to_renegotiate_is_told_no_and_holds_nothing_up(run: Run, served: Served) -> None:
    def renegotiate(conversation: Conversation) -> None:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.use_certificate_chain_file(str(served.file))
        context.use_privatekey_file(str(served.file))
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        conversation.socket.settimeout(None)
        connection = SSL.Connection(context, conversation.socket)
        connection.set_accept_state()
        connection.do_handshake()
        connection.renegotiate()
        connection.do_handshake()
        connection.send(b"220 x\r\n")
        with pytest.raises(SSL.Error, match="no renegotiation"):
            connection.recv(100)

    async def talk(tls: TlsStream, _: Server) -> None:
        await tls.handshake()
        assert await tls.read() == b"220 x\r\n"
        tls.write(b"QUIT\r\n")  # waits for nothing

    hold(run, renegotiate, talk)


# Plaintext ------------------------------------------------------------------------------------------------

INJECTED = b"250-mx.test\r\n250 AUTH PLAIN\r\n"


def test_plaintext_in_the_segment_of_the_220_is_given_back_and_nothing_is_read_after_it(run: Run) -> None:
    async def talk(tls: TlsStream, _: Server) -> None:
        with pytest.raises(PlaintextAfterStarttls) as plaintext:
            await tls.handshake(INJECTED)
        assert plaintext.value.data == INJECTED
        assert isinstance(tls._stream, TcpStream)
        assert tls._stream.octets_read == 0

    hold(run, listen, talk)


def test_plaintext_in_a_later_segment_is_given_back(run: Run) -> None:
    async def talk(tls: TlsStream, _: Server) -> None:
        with pytest.raises(PlaintextAfterStarttls) as plaintext:
            await tls.handshake()
        assert plaintext.value.data == INJECTED

    hold(run, inject, talk)


def test_plaintext_that_came_while_the_loop_stood_still_is_given_back(run: Run) -> None:
    async def talk(tls: TlsStream, server: Server) -> None:
        stand_still(tls, server)
        with pytest.raises(PlaintextAfterStarttls) as plaintext:
            await tls.handshake_from_what_is_here()
        assert plaintext.value.data == INJECTED

    hold(run, inject_late, talk)


def listen(conversation: Conversation) -> None:
    conversation.hear_all()


def inject(conversation: Conversation) -> None:
    conversation.say(INJECTED)
    conversation.hear_all()


def inject_late(conversation: Conversation) -> None:
    conversation.wait()
    inject(conversation)


@pytest.mark.parametrize(
    ("octets", "is_record"),
    [
        (b"\x16\x03\x03", True),
        (b"\x15\x03\x01", True),
        (b"\x16", True),
        (b"\x17\x03\x03", False),
        (b"\x14\x03\x03", False),
        (b"250 x", False),
        (b"", False),
    ],
)
def test_a_server_begins_with_a_handshake_or_an_alert(octets: bytes, is_record: bool) -> None:
    assert is_tls_record(octets) is is_record


# Handshakes that come to nothing --------------------------------------------------------------------------


def test_an_alert_of_the_servers_is_told_by_its_name(run: Run, served: Served) -> None:
    context = server_context(served)
    context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    async def talk(tls: TlsStream, _: Server) -> None:
        with pytest.raises(TlsError) as failed:
            await tls.handshake()
        assert failed.value.alert == "unrecognized name"

    def refuse(conversation: Conversation) -> None:
        with pytest.raises(ssl.SSLError):
            conversation.secure(context)

    hold(run, refuse, talk)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"\x16\x03\x03\x00\x05hello", "a record that is no handshake"),
        (b"\x16\x03\x03\xff\xffhello" + b"x" * 70_000, "a record that is too long"),
        (b"\x16SMTP is spoken here\r\n", "no record at all"),
    ],
)
def test_what_only_looks_like_tls_is_an_error_of_the_librarys(run: Run, octets: bytes, why: str) -> None:
    def confuse(conversation: Conversation) -> None:
        conversation.hear()
        conversation.say(octets)
        conversation.hear_all()

    async def talk(tls: TlsStream, _: Server) -> None:
        with pytest.raises(TlsError) as failed:
            await tls.handshake()
        assert failed.value.code, why
        assert failed.value.alert is None, why

    hold(run, confuse, talk)


@pytest.mark.parametrize("after", [b"", b"\x16\x03\x03\x00\x7a\x02"])
@pytest.mark.parametrize("by_reset", [False, True])
def test_a_connection_that_ends_in_the_handshake_says_how(run: Run, after: bytes, by_reset: bool) -> None:
    def leave(conversation: Conversation) -> None:
        conversation.hear()
        conversation.say(after)
        if by_reset:
            conversation.reset()

    async def talk(tls: TlsStream, _: Server) -> None:
        with pytest.raises(EndOfStream):
            await tls.handshake()
        assert (tls.ended_by.errno if tls.ended_by else None) == (errno.ECONNRESET if by_reset else None)

    hold(run, leave, talk)


# Going on with what is here -------------------------------------------------------------------------------


def test_a_handshake_whose_answer_came_while_the_loop_stood_still_is_completed(run: Run, served: Served) -> None:
    def greet(conversation: Conversation) -> None:
        conversation.wait()
        conversation.secure(server_context(served, "TLSv1.3"))
        conversation.say(b"220 x\r\n")
        conversation.hear_all()

    async def talk(tls: TlsStream, server: Server) -> None:
        handshake = asyncio.create_task(tls.handshake())
        await asyncio.sleep(0)
        handshake.cancel()
        with pytest.raises(asyncio.CancelledError):
            await handshake
        stand_still(tls, server)
        summary = await tls.handshake_from_what_is_here()
        assert summary is not None
        assert summary.chain == served.chain
        assert await tls.read() == b"220 x\r\n"

    hold(run, greet, talk)


def test_a_handshake_without_an_answer_is_not_complete(run: Run) -> None:
    async def talk(tls: TlsStream, _: Server) -> None:
        assert await tls.handshake_from_what_is_here() is None

    hold(run, listen, talk)
