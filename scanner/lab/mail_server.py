"""A mail server of the world (servers.Place): what it does to the next session, and what is logged of that."""

from collections.abc import Mapping
from dataclasses import dataclass

from OpenSSL import SSL

from scanner.lab.authentication import Users
from scanner.lab.log import SessionLine, Visit
from scanner.lab.mail_store import MailStore
from scanner.lab.script import Script, parse_script
from scanner.lab.session import Session
from scanner.lab.smtp_talk import Post, SmtpTalk
from scanner.lab.steps import Step
from scanner.lab.tls_server import TlsContexts
from scanner.lab.visits import Visits
from scanner.lab.world import Behaviour, Server
from scanner.settings import Limits


@dataclass(frozen=True, slots=True)
class MailWorld:
    """What all mail servers of a world have in common. `limits` are those of which behaviours take shares."""

    behaviours: Mapping[str, Behaviour]
    users: Users
    limits: Limits
    contexts: TlsContexts
    store: MailStore


class MailManner:
    """A behaviour as one server has it: what its sessions need (session.Served)."""

    def __init__(self, behaviour: Behaviour, server: Server, world: MailWorld) -> None:
        self._script: Script = parse_script(behaviour, server.host, world.limits)
        self._post = Post(server.host, server.address, world.users, world.store.keep)
        self.opening: tuple[Step, ...] = self._script.greeting
        self.handshake: tuple[Step, ...] | None = self._script.tls
        self.small_hello_bytes = behaviour.small_hello_bytes
        self.sends_close_notify = behaviour.close_notify
        self._behaviour = behaviour
        self._server = server
        self._contexts = world.contexts

    def tls_context(self) -> SSL.Context:
        return self._contexts.context_for(self._server, self._behaviour)

    def new_talk(self) -> SmtpTalk:
        return SmtpTalk(self._script, self._post)


class MailServer:
    """A server with its memory of who came."""

    def __init__(self, server: Server, world: MailWorld) -> None:
        behaviour = world.behaviours[server.behaviour]
        self.address = server.address
        self.is_blackhole = behaviour.blackhole
        self.listens = behaviour.listener
        self._server = server
        self._world = world
        self._visits = Visits(server.behaviour, world.behaviours)
        self._manners: dict[str, MailManner] = {}

    def next_manner(self, now_s: float) -> MailManner:
        """What the session that begins now meets; scripts are parsed when first needed."""
        name = self._visits.next_behaviour(now_s)
        manner = self._manners.get(name)
        if manner is None:
            manner = MailManner(self._world.behaviours[name], self._server, self._world)
            self._manners[name] = manner
        return manner

    def log_line(self, session: Session, visit: Visit) -> SessionLine:
        talk = session.talk
        assert isinstance(talk, SmtpTalk)
        return SessionLine(
            **visit._asdict(),
            host=self._server.host,
            commands=talk.heard,
            paths=talk.paths,
            user=talk.user,
            sni=session.server_name,
            tls=session.tls_version,
            spoke_early=session.spoke_early,
            end=session.end,
            error=session.error,
        )
