"""TLS as a pump over plain streams: OpenSSL gets and gives octets, the stream carries them.

Nothing is verified here: a probe completes every handshake that can be completed and describes what it got;
trust, names and dates are judged apart, offline. Because the pump feeds OpenSSL every octet that follows the
220 to STARTTLS, plaintext that was smuggled in can only break the handshake, never be read as a reply.
"""

import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL, crypto

from scanner.net.streams import Stream

#: Old servers must be seen as what they are: every protocol from TLS 1.0 and every cipher with a certificate.
#: `ALL` alone would offer anonymous suites, and then there is no certificate to look at.
CIPHERS = b"ALL:!aNULL:@SECLEVEL=0"

#: SSL_OP_LEGACY_SERVER_CONNECT: servers without secure renegotiation (RFC 5746), which OpenSSL ≥ 3 refuses.
_LEGACY_SERVER_CONNECT = 0x4

# How OpenSSL calls an alert that it received; those of RFC 3546 stand there without the word.
_ALERT = re.compile(
    r"\S+ alert (.+)|tlsv1 (unrecognized name|unsupported extension|certificate unobtainable"
    r"|bad certificate status response|bad certificate hash value)"
)


class TlsError(Exception):
    """TLS failed: an alert of the server's or an error of the library's. `code` is OpenSSL's reason."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @property
    def alert(self) -> str | None:
        """The alert that the server sent, in OpenSSL's words, if it sent one."""
        alert = _ALERT.fullmatch(self.code)
        return alert[1] or alert[2] if alert else None


class PlaintextAfterStarttls(Exception):  # noqa: N818 - the outcome's name
    """What came after the 220 is no TLS record: `data` has the octets, which nobody parses."""

    def __init__(self, data: bytes) -> None:
        super().__init__(f"{len(data)} octets of plaintext")
        self.data = data


class EndOfStream(Exception):  # noqa: N818 - an event, not a fault
    """The connection ended within the handshake; the stream's `ended_by` says how."""


@dataclass(frozen=True, slots=True)
class TlsSummary:
    """What a handshake gave: version, cipher, key exchange group, and the served chain in DER, leaf first."""

    version: str
    cipher: str | None
    group: str | None
    chain: tuple[bytes, ...]


def probing_context() -> SSL.Context:
    """A context to be made once and shared: verifies nothing, takes every protocol and cipher that it can."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_min_proto_version(SSL.TLS1_VERSION)
    context.set_cipher_list(CIPHERS)
    # A server that asks to renegotiate (TLS 1.2) is told no: else every write waits for it.
    context.set_options(_LEGACY_SERVER_CONNECT | SSL.OP_NO_RENEGOTIATION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    return context


def small_hello_context() -> SSL.Context:
    """The same, with a ClientHello of some 450 octets that fits into one segment and into every old buffer.

    P-256 is its only group: the post-quantum share of the default one makes it 1,650 octets long.
    """
    context = probing_context()
    context.set_tmp_ecdh(ec.SECP256R1())
    return context


class TlsStream:
    """TLS over a stream. `handshake` first; then it is a stream itself."""

    CHUNK = 16384
    BIO_CHUNK = 65536

    def __init__(self, stream: Stream, context: SSL.Context, server_name: str) -> None:
        self._stream = stream
        self._connection = SSL.Connection(context, None)
        self._connection.set_connect_state()
        self._connection.set_tlsext_host_name(server_name.encode("ascii"))
        self._hears_tls = False
        self._closed = False

    @property
    def ended_by(self) -> OSError | None:
        return self._stream.ended_by

    @property
    def has_ended(self) -> bool:
        """True once nothing more can come; what came before may still be unread."""
        return self._closed or self._stream.has_ended

    async def handshake(self, already_read: bytes = b"") -> TlsSummary:
        """Completes the handshake; `already_read` is what came after the 220 to STARTTLS.

        Raises TlsError, PlaintextAfterStarttls, EndOfStream.
        """
        pending = already_read
        while not self._step():
            self._flush()
            data = pending or await self._stream.read()
            pending = b""
            if not data:
                raise EndOfStream
            self._feed(data)
        self._flush()
        return self._summary()

    async def handshake_from_what_is_here(self) -> TlsSummary | None:
        """Goes on with a handshake without waiting; None if it is not complete then.

        Raises TlsError, PlaintextAfterStarttls.
        """
        data = await self._stream.read_available()
        if data:
            self._feed(data)
        if not self._step():
            return None
        self._flush()
        return self._summary()

    async def read(self) -> bytes:
        """The next decrypted octets, b"" at the end. Raises TlsError."""
        while True:
            decrypted = self._decrypt()
            if decrypted or self._closed:
                return decrypted
            data = await self._stream.read()
            if not data:
                return b""
            self._connection.bio_write(data)

    async def read_available(self) -> bytes:
        """What has arrived already, decrypted. Raises TlsError."""
        data = await self._stream.read_available()
        if data:
            self._connection.bio_write(data)
        return self._decrypt()

    def write(self, data: bytes) -> None:
        """Encrypts and queues octets. Raises TlsError."""
        try:
            self._connection.sendall(data)
        except SSL.Error as error:
            raise TlsError(_reason(error)) from error
        self._flush()

    async def flush(self) -> bool:
        """As of the stream below: what it says to have come may be TLS's own, and nothing to read."""
        return await self._stream.flush()

    def abort(self) -> None:
        self._stream.abort()

    def _feed(self, data: bytes) -> None:
        """Gives OpenSSL octets of the handshake, unless the first of them are no TLS."""
        if not self._hears_tls and not is_tls_record(data):
            raise PlaintextAfterStarttls(data)
        self._hears_tls = True
        self._connection.bio_write(data)

    def _step(self) -> bool:
        """One step of the handshake; True when it is complete."""
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return False
        except SSL.Error as error:
            self._flush()  # our alert tells the server why
            raise TlsError(_reason(error)) from error
        return True

    def _decrypt(self) -> bytes:
        try:
            return self._connection.recv(self.CHUNK)
        except SSL.WantReadError:
            self._flush()
            return b""
        except (SSL.ZeroReturnError, SSL.SysCallError):
            self._closed = True
            return b""
        except SSL.Error as error:
            raise TlsError(_reason(error)) from error

    def _flush(self) -> None:
        """Writes what OpenSSL has to say."""
        while True:
            try:
                said = self._connection.bio_read(self.BIO_CHUNK)
            except SSL.WantReadError:
                return
            self._stream.write(said)
            if len(said) < self.BIO_CHUNK:
                return  # that was all; asking again would only raise

    def _summary(self) -> TlsSummary:
        connection = self._connection
        chain = connection.get_peer_cert_chain() or []
        return TlsSummary(
            version=connection.get_protocol_version_name(),
            cipher=connection.get_cipher_name(),
            group=connection.get_group_name(),
            chain=tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate) for certificate in chain),
        )


def is_tls_record(data: bytes) -> bool:
    """True if octets begin as a handshake or an alert record does (RFC 8446 §5.1)."""
    return data[:1] in (b"\x15", b"\x16")


def _reason(error: SSL.Error) -> str:
    """OpenSSL's reason, from its error queue as pyOpenSSL gives it: a list of (library, function, reason)."""
    queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
    reasons = [reason for _, _, reason in queue if reason]
    return reasons[0] if reasons else type(error).__name__
