"""One server of the world: its listening socket, its sessions, and what it does to the next of them."""

import socket
from collections.abc import Mapping

from OpenSSL import SSL

from scanner.lab.script import Script, parse_script
from scanner.lab.smtp_session import Session
from scanner.lab.tls_server import TlsContexts
from scanner.lab.visits import Visits
from scanner.lab.world import Behaviour, Server
from scanner.settings import Limits


class Manner:
    """A behaviour as one server has it: what its sessions need (smtp_session.Served)."""

    def __init__(self, behaviour: Behaviour, server: Server, limits: Limits, contexts: TlsContexts) -> None:
        self.script: Script = parse_script(behaviour, server.host, limits)
        self.small_hello_bytes = behaviour.small_hello_bytes
        self.sends_close_notify = behaviour.close_notify
        self._behaviour = behaviour
        self._server = server
        self._contexts = contexts

    def tls_context(self) -> SSL.Context:
        return self._contexts.context_for(self._server, self._behaviour)


class Listener:
    """A server that listens. `sessions` are those that have not ended."""

    def __init__(
        self,
        listening: socket.socket,
        server: Server,
        behaviours: Mapping[str, Behaviour],
        limits: Limits,
        contexts: TlsContexts,
    ) -> None:
        self.socket = listening
        self.server = server
        self.sessions: set[Session] = set()
        self._behaviours = behaviours
        self._limits = limits
        self._contexts = contexts
        self._visits = Visits(server.behaviour, behaviours)
        self._manners: dict[str, Manner] = {}

    def next_manner(self, now_s: float) -> Manner:
        """What the session that begins now meets; scripts are parsed when first needed."""
        name = self._visits.next_behaviour(now_s)
        manner = self._manners.get(name)
        if manner is None:
            manner = Manner(self._behaviours[name], self.server, self._limits, self._contexts)
            self._manners[name] = manner
        return manner
