"""A sending from the first question to the answer: the way looked up, place after place tried, what came of it.

Theory of operation. Recipients whose mail goes the same way are one delivery: all of them through a relay, else those
of one domain. A delivery goes from place to place until one has talked to us beyond the greeting and TLS. The
dialogue is probe/sending.py's, what an end means is judgement's; here is only the order in which things are done.
"""

import asyncio
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from OpenSSL import SSL

from scanner.commands.foreground import settle_ehlo_name
from scanner.commands.send_request import SendRequest, tls_mode_for
from scanner.commands.send_screen import SendScreen
from scanner.contact_policy import ContactPolicy
from scanner.diagnosis.answer import Canaries
from scanner.diagnosis.relay_trust import judge_relay_certificate
from scanner.diagnosis.send_answer import Delivery, tries_next
from scanner.diagnosis.send_talks import Talk
from scanner.diagnosis.send_ways import Place, Way, way_by_relay, way_by_route, way_to_address
from scanner.judgement.claims import came_up
from scanner.lookup.domains import lookup_route
from scanner.lookup.hosts import lookup_host
from scanner.message.composing import ComposedMessage
from scanner.net.clock import Clock
from scanner.net.resolver import AiodnsResolver, Resolver
from scanner.net.tls import TlsSummary
from scanner.outcomes import Stage, Stop, TlsMode
from scanner.passes.plan import target_of
from scanner.passes.way_out import ask_canaries
from scanner.probe.send_session import SentSession, hold_sending
from scanner.probe.sending import SendOrder
from scanner.probe.session import Survey
from scanner.report.send_text import render_place
from scanner.settings import Settings
from scanner.smtp.mailboxes import Mailbox
from scanner.smtp.sasl import Credentials
from scanner.tls.trust import TrustStore

_NO_NAME = (
    "this host has no name that resolves, so EHLO says its address, and some servers refuse that: --ehlo-name "
    "mx.example.org, a name that resolves to this host's address and back"
)
_INSECURE = "--insecure: any certificate is taken, and a password is said to whoever answers, in the clear too"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What a sending is done with: its settings, whom it may contact, how it is encrypted, and as whom it signs in."""

    settings: Settings
    policy: ContactPolicy
    clock: Clock
    roots: TrustStore
    tls_context: SSL.Context
    credentials: Credentials | None


class SendRun:
    """Sends one message; what happens is told to the screen, and kept."""

    def __init__(
        self, request: SendRequest, forms: Sequence[ComposedMessage], kit: Kit, screen: SendScreen, port: int
    ) -> None:
        """`forms` are the message, the preferred one first; `port` is the relay's, or that of mail servers."""
        self._request = request
        self._forms = forms
        self._kit = kit
        self._screen = screen
        self.port = port
        self.tls_mode = tls_mode_for(request, port)
        self.ehlo_name = kit.settings.probe.ehlo_name
        self.deliveries: list[Delivery] = []
        self.sessions: list[SentSession] = []

    async def send(self) -> None:
        """Sends to everybody, way by way. Never raises for what servers do."""
        resolver = AiodnsResolver(self._kit.settings.dns, self._kit.clock)
        try:
            await self._introduce_ourselves(resolver.servers)
            for recipients in self._parted():
                self.deliveries.append(await self._deliver(recipients, resolver))
        finally:
            await resolver.close()

    async def _introduce_ourselves(self, dns_servers: Sequence[str]) -> None:
        settings = await settle_ehlo_name(self._kit.settings, dns_servers)
        self.ehlo_name = settings.probe.ehlo_name
        if not self.ehlo_name:
            self._screen.warn(_NO_NAME)
        if self._request.insecure:
            self._screen.warn(_INSECURE)

    def _parted(self) -> list[tuple[Mailbox, ...]]:
        """The recipients by the way that their mail goes (RFC 5321 §3.3: one transaction for as many as can share)."""
        recipients = self._request.recipients
        if self._request.relay is not None:
            return [recipients]
        domains = dict.fromkeys(recipient.domain for recipient in recipients)
        return [tuple(each for each in recipients if each.domain == domain) for domain in domains]

    # One delivery --------------------------------------------------------------------------------------

    async def _deliver(self, recipients: tuple[Mailbox, ...], resolver: Resolver) -> Delivery:
        mailboxes = tuple(map(str, recipients))
        way = await self._way(recipients[0], resolver)
        if not way.places:
            return Delivery(mailboxes, (), way.reason)
        talks: list[Talk] = []
        for place in way.places:
            talk = await self._talk(place, recipients)
            talks.append(talk)
            if not tries_next(talk):
                break
        is_lost = tries_next(talks[-1]) and not any(came_up(talk.record) for talk in talks)
        if is_lost and self.port == self._kit.settings.probe.port:
            canaries = await self._ask_canaries(recipients[0].domain, resolver)
            talks[-1] = dataclasses.replace(talks[-1], canaries=canaries)
        return Delivery(mailboxes, tuple(talks))

    async def _talk(self, place: Place, recipients: tuple[Mailbox, ...]) -> Talk:
        """A session; and a second one without TLS, where TLS is a matter of luck and failed (RFC 7435)."""
        talk = await self._session(place, recipients, self.tls_mode)
        has_failed = talk.record.stage in (Stage.starttls, Stage.tls) and tries_next(talk)
        is_luck = self.tls_mode is TlsMode.opportunistic and self._kit.credentials is None
        if not (is_luck and has_failed):
            return talk
        self._screen.remark("TLS failed, and it is not asked for: once more in the clear, as mail servers do")
        return await self._session(place, recipients, TlsMode.none)

    async def _session(self, place: Place, recipients: tuple[Mailbox, ...], tls: TlsMode) -> Talk:
        self._tell_place(place, tls)
        target = target_of(place.address, self.port, place.server_name)
        attempt = 1 + sum(sent.record.target == target.target for sent in self.sessions)
        sent = await hold_sending(target, self._order(place, recipients, tls), self._survey(), attempt)
        self.sessions.append(sent)
        if sent.record.dsn_left_out:
            self._screen.warn(f"{place.host} offers no DSN (RFC 3461), so no report was asked for")
        if sent.record.tls_problem is not None and sent.record.stop is not Stop.tls_not_trusted:
            self._screen.warn(f"{sent.record.tls_problem}; taken all the same")
        return Talk(record=sent.record, host=place.host, is_relay=self._request.relay is not None)

    def _tell_place(self, place: Place, tls: TlsMode) -> None:
        credentials = self._kit.credentials
        said = render_place(
            place,
            self.port,
            tls,
            is_relay=self._request.relay is not None,
            is_verified=self._is_verified(tls),
            user=None if credentials is None else credentials.user,
        )
        self._screen.show(said)

    def _is_verified(self, tls: TlsMode) -> bool:
        return tls in (TlsMode.starttls, TlsMode.implicit) and not self._request.insecure

    def _survey(self) -> Survey:
        common = Survey.of(self._kit.settings, run="send", start=1, clock=self._kit.clock)
        return dataclasses.replace(
            common, ehlo_name=self.ehlo_name, tls_context=self._kit.tls_context, observer=self._screen
        )

    def _order(self, place: Place, recipients: tuple[Mailbox, ...], tls: TlsMode) -> SendOrder:
        request = self._request
        first, last = self._forms[0], self._forms[-1]
        return SendOrder(
            reverse_path=request.sender,
            forward_paths=recipients,
            message=first.octets,
            message_7bit=None if last is first else last.octets,
            tls_mode=tls,
            judge_tls=lambda summary: self._judge(summary, place),
            credentials=self._kit.credentials,
            mechanism=request.mechanism,
            insecure=request.insecure,
            ret=request.ret,
            envid=request.envid,
            notify=request.notify,
            quit_after=request.quit_after,
        )

    def _judge(self, summary: TlsSummary, place: Place) -> str | None:
        now = datetime.fromtimestamp(self._kit.clock.now_utc(), UTC)
        return judge_relay_certificate(summary.chain, place.host, self._kit.roots, now)

    # The way -------------------------------------------------------------------------------------------

    async def _way(self, recipient: Mailbox, resolver: Resolver) -> Way:
        kit, relay = self._kit, self._request.relay
        if relay is not None and relay.address is None:
            self._screen.remark(f"looking up the relay {relay.host}")
            return way_by_relay(await lookup_host(relay.host, resolver, kit.policy))
        address = relay.address if relay is not None else recipient.address
        if address is not None:
            return way_to_address(address, kit.policy.flags(address))
        self._screen.remark(f"looking up where {recipient.domain} receives mail")
        route = await lookup_route(recipient.domain, resolver, kit.settings.dns, kit.policy)
        hosts = await asyncio.gather(*(lookup_host(mx.exchange, resolver, kit.policy) for mx in route.mx))
        return way_by_route(route, hosts)

    # Is it us? -----------------------------------------------------------------------------------------

    async def _ask_canaries(self, domain: str, resolver: Resolver) -> Canaries:
        self._screen.remark("no connection came up: asking servers that should be up, to tell whether it is us")
        kit = self._kit
        probed = await ask_canaries(kit.settings, resolver, kit.policy, kit.clock, besides=domain)
        if not probed:
            return Canaries.none_known
        return Canaries.heard if any(came_up(each.record) for each in probed) else Canaries.silent
