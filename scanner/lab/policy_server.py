"""The servers of MTA-STS policies at one address (servers.Place): one behaviour, a certificate and a policy a host."""

from collections.abc import Mapping, Sequence

from OpenSSL import SSL

from scanner.lab.http_talk import HttpTalk
from scanner.lab.log import FetchLine, Visit
from scanner.lab.policy_script import parse_response, parse_stage
from scanner.lab.session import Session
from scanner.lab.steps import Step
from scanner.lab.tls_server import TlsContexts
from scanner.lab.visits import Visits
from scanner.lab.world import PolicyBehaviour, PolicyHost, Server
from scanner.settings import Limits


class PolicyManner:
    """A behaviour as the hosts of one address have it: what their sessions need (session.Served)."""

    def __init__(
        self, behaviour: PolicyBehaviour, hosts: Mapping[str, PolicyHost], limits: Limits, contexts: TlsContexts
    ) -> None:
        first = next(iter(hosts.values()))
        self.opening: tuple[Step, ...] = parse_stage(behaviour.opening, first.host, limits)
        self.handshake: tuple[Step, ...] | None = None
        if behaviour.tls is not None:
            self.handshake = parse_stage(behaviour.tls, first.host, limits)
        self.small_hello_bytes = behaviour.small_hello_bytes
        self.sends_close_notify = behaviour.close_notify
        self._behaviour = behaviour
        self._hosts = hosts
        self._limits = limits
        self._contexts = contexts
        self._server = Server(
            address=first.address, host=first.host, certificate=first.certificate, by_server_name=_by_name(hosts)
        )

    def tls_context(self) -> SSL.Context:
        return self._contexts.context_for(self._server, self._behaviour)

    def new_talk(self) -> HttpTalk:
        return HttpTalk(self._response_of)

    def _response_of(self, host: str) -> tuple[Step, ...] | None:
        policy_host = self._hosts.get(host)
        return None if policy_host is None else parse_response(self._behaviour, policy_host, self._limits)


class PolicyServer:
    """The policy hosts of an address, with its memory of who came."""

    def __init__(
        self,
        hosts: Sequence[PolicyHost],
        behaviours: Mapping[str, PolicyBehaviour],
        limits: Limits,
        contexts: TlsContexts,
    ) -> None:
        name = hosts[0].behaviour
        self.address = hosts[0].address
        self.is_blackhole = behaviours[name].blackhole
        self.listens = behaviours[name].listener
        self._hosts = {each.host: each for each in hosts}
        self._behaviours = behaviours
        self._limits = limits
        self._contexts = contexts
        self._visits = Visits(name, behaviours)

    def next_manner(self, now_s: float) -> PolicyManner:
        """What the session that begins now meets."""
        behaviour = self._behaviours[self._visits.next_behaviour(now_s)]
        return PolicyManner(behaviour, self._hosts, self._limits, self._contexts)

    def log_line(self, session: Session, visit: Visit) -> FetchLine:
        return FetchLine(
            **visit._asdict(),
            requests=session.talk.heard,
            sni=session.server_name,
            tls=session.tls_version,
            end=session.end,
            error=session.error,
        )


def _by_name(hosts: Mapping[str, PolicyHost]) -> dict[str, str]:
    """The certificate kinds by server name; one pattern for a provider that has the same kind for all."""
    kinds = {name: host.certificate for name, host in hosts.items()}
    if len(kinds) > 1 and len(set(kinds.values())) == 1:
        return {"*": next(iter(kinds.values()))}
    return kinds if len(kinds) > 1 else {}
