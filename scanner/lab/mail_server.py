"""A mail server of the world (servers.Place): what it does to the next session, and what is logged of that."""

from collections.abc import Mapping

from OpenSSL import SSL

from scanner.lab.log import SessionLine, Visit
from scanner.lab.script import Script, parse_script
from scanner.lab.session import Session
from scanner.lab.smtp_talk import SmtpTalk
from scanner.lab.steps import Step
from scanner.lab.tls_server import TlsContexts
from scanner.lab.visits import Visits
from scanner.lab.world import Behaviour, Server
from scanner.settings import Limits


class MailManner:
    """A behaviour as one server has it: what its sessions need (session.Served)."""

    def __init__(self, behaviour: Behaviour, server: Server, limits: Limits, contexts: TlsContexts) -> None:
        self._script: Script = parse_script(behaviour, server.host, limits)
        self.opening: tuple[Step, ...] = self._script.greeting
        self.handshake: tuple[Step, ...] | None = self._script.tls
        self.small_hello_bytes = behaviour.small_hello_bytes
        self.sends_close_notify = behaviour.close_notify
        self._behaviour = behaviour
        self._server = server
        self._contexts = contexts

    def tls_context(self) -> SSL.Context:
        return self._contexts.context_for(self._server, self._behaviour)

    def new_talk(self) -> SmtpTalk:
        return SmtpTalk(self._script)


class MailServer:
    """A server with its memory of who came."""

    def __init__(
        self, server: Server, behaviours: Mapping[str, Behaviour], limits: Limits, contexts: TlsContexts
    ) -> None:
        behaviour = behaviours[server.behaviour]
        self.address = server.address
        self.is_blackhole = behaviour.blackhole
        self.listens = behaviour.listener
        self._server = server
        self._behaviours = behaviours
        self._limits = limits
        self._contexts = contexts
        self._visits = Visits(server.behaviour, behaviours)
        self._manners: dict[str, MailManner] = {}

    def next_manner(self, now_s: float) -> MailManner:
        """What the session that begins now meets; scripts are parsed when first needed."""
        name = self._visits.next_behaviour(now_s)
        manner = self._manners.get(name)
        if manner is None:
            manner = MailManner(self._behaviours[name], self._server, self._limits, self._contexts)
            self._manners[name] = manner
        return manner

    def log_line(self, session: Session, visit: Visit) -> SessionLine:
        return SessionLine(
            **visit._asdict(),
            host=self._server.host,
            commands=session.heard,
            sni=session.server_name,
            tls=session.tls_version,
            spoke_early=session.spoke_early,
            end=session.end,
            error=session.error,
        )
