"""The server's side of TLS over a connection's octets, by pyOpenSSL: it speaks TLS 1.0 where asked to."""

import re
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from fnmatch import fnmatchcase

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from scanner.lab.authority import Authority
from scanner.lab.world import CertificateKind, Manners, Server

#: A context takes 0.3 ms and 30 KB.
MAX_CONTEXTS = 500

_READ_BYTES = 65536
_VERSIONS = {
    "1.0": SSL.TLS1_VERSION,
    "1.1": SSL.TLS1_1_VERSION,
    "1.2": SSL.TLS1_2_VERSION,
    "1.3": SSL.TLS1_3_VERSION,
}
_CIPHERS = "ALL:!aNULL"
#: What a certificate can be made for; a client may ask for anything.
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")


class TlsError(Exception):
    """The handshake or a record failed; the message has the library's words."""


class TlsContexts:
    """Contexts for a world's servers, each made when first needed and kept, up to a number."""

    def __init__(self, authority: Authority, kinds: dict[str, CertificateKind]) -> None:
        self._authority = authority
        self._kinds = kinds
        self._contexts: OrderedDict[object, SSL.Context] = OrderedDict()

    def context_for(self, server: Server, behaviour: Manners) -> SSL.Context:
        """The context of a server; for a name in `by_server_name` it changes to that kind, for that name."""
        by_server_name = tuple(server.by_server_name.items())
        key = (_terms_of(behaviour), server.certificate, server.host)
        context = self._contexts.get((key, by_server_name))
        if context is None:
            context = self._make_context(behaviour, self._kinds[server.certificate], server.host)
            if by_server_name:
                context.set_tlsext_servername_callback(self._choice(server, behaviour))
            self._contexts[key, by_server_name] = context
            if len(self._contexts) > MAX_CONTEXTS:
                self._contexts.popitem(last=False)
        return context

    def _choice(self, server: Server, behaviour: Manners) -> Callable[[SSL.Connection], None]:
        def choose(connection: SSL.Connection) -> None:
            name = (connection.get_servername() or b"").decode("ascii", "replace").lower()
            by_server_name = server.by_server_name.items()
            kind = next((kind for pattern, kind in by_server_name if fnmatchcase(name, pattern)), None)
            if kind is not None and _NAME.fullmatch(name):
                named = Server(address=server.address, host=name, certificate=kind)
                connection.set_context(self.context_for(named, behaviour))

        return choose

    def _make_context(self, behaviour: Manners, kind: CertificateKind, host: str) -> SSL.Context:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(_VERSIONS[behaviour.tls_min])
        context.set_max_proto_version(_VERSIONS[behaviour.tls_max])
        # Level 0 lets OpenSSL speak TLS 1.0 and serve SHA-1 and RSA 1024.
        context.set_cipher_list(f"{behaviour.ciphers or _CIPHERS}:@SECLEVEL=0".encode())
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        if behaviour.asks_client_certificate:
            context.set_verify(SSL.VERIFY_PEER, _take_any)
        certificate = self._authority.certificate(kind, host)
        with tempfile.NamedTemporaryFile(suffix=".pem") as chain:
            # From a file, because OpenSSL reads certificates there that cryptography cannot hold.
            chain.write(certificate.chain_pem)
            chain.flush()
            context.use_certificate_chain_file(chain.name)
        context.use_privatekey(certificate.key)
        return context


class ServerTls:
    """One connection's TLS: the client's octets in, plaintext out; what to send is fetched by `outgoing`."""

    __slots__ = ("_connection", "is_established")

    def __init__(self, context: SSL.Context) -> None:
        self._connection = SSL.Connection(context, None)
        self._connection.set_accept_state()
        self.is_established = False

    def receive(self, octets: bytes) -> bytes:
        """Takes the client's octets and gives the plaintext in them. Raises TlsError."""
        self._connection.bio_write(octets)
        plaintext = b""
        try:
            if not self.is_established:
                self._connection.do_handshake()
                self.is_established = True
            while True:
                plaintext += self._connection.recv(_READ_BYTES)
        except (SSL.WantReadError, SSL.ZeroReturnError):
            return plaintext
        except SSL.Error as error:
            raise TlsError(_reasons(error)) from error

    def encrypt(self, plaintext: bytes) -> bytes:
        """The records of what the server says."""
        self._connection.sendall(plaintext)
        return self.outgoing()

    def close_notify(self) -> bytes:
        """The alert that ends a connection in order (RFC 8446 §6.1)."""
        self._connection.shutdown()
        return self.outgoing()

    def outgoing(self) -> bytes:
        """What the library wants to be sent."""
        octets = b""
        try:
            while True:
                octets += self._connection.bio_read(_READ_BYTES)
        except SSL.WantReadError:
            return octets

    @property
    def server_name(self) -> str | None:
        """The name that the client asked for (RFC 6066 §3)."""
        name = self._connection.get_servername()
        return None if name is None else name.decode("ascii", "backslashreplace")

    @property
    def client_certificate(self) -> bytes | None:
        """What the client presented, in DER."""
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        return None if certificate is None else certificate.public_bytes(Encoding.DER)

    @property
    def version(self) -> str:
        """As OpenSSL says it: `TLSv1.3`."""
        return self._connection.get_protocol_version_name()


def _terms_of(behaviour: Manners) -> tuple[object, ...]:
    """What of a behaviour a context depends on."""
    return behaviour.tls_min, behaviour.tls_max, behaviour.ciphers, behaviour.asks_client_certificate


def _take_any(*_: object) -> bool:
    """OpenSSL asks this of every certificate in a client's chain."""
    return True


def _reasons(error: SSL.Error) -> str:
    """What OpenSSL's error queue says: `no shared cipher`."""
    queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return "; ".join([reason for *_, reason in queue]) or repr(error)
