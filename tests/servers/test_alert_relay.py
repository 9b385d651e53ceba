"""Alerts through Postfix: what is handed over is what is delivered, and every refusal says what is to become of it."""

import asyncio
import socket
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from scanner.net.mail import MailLimits, Relay, Security
from scanner.outages.alerts import AlertKind
from scanner.outages.deliveries import Channel, Delivery, Routing, deliveries_of
from scanner.report.alert_mail import Letterhead, compose_alert, message_id
from scanner.report.alert_text import render_alert
from scanner.report.moments import Moments
from scanner.watch.alert_mails import AlertMails, MailStyle
from scanner.watch.outbox import DeliveryError
from tests.report.alerts import EACH

from .mail_taking import PASSWORD, USER, MailTaking, mail_taking
from .sasl_backend import AWAY

pytestmark = [pytest.mark.acceptance, pytest.mark.servers]

LIMITS = MailLimits(connect_s=10, reply_s=10, message_s=10, mail_s=20, quit_s=1)


@pytest.fixture(scope="module")
def relaying_postfix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailTaking]:
    """A Postfix that takes mail."""
    with mail_taking(tmp_path_factory.mktemp("relay")) as taking:
        yield taking


@pytest.fixture
def relays(relaying_postfix: MailTaking, monkeypatch: pytest.MonkeyPatch) -> MailTaking:
    """The same, whose services this process finds by name: a certificate is for a name."""
    names = {f"{name}.mx.real.test": address for name, address in _addresses(relaying_postfix).items()}
    real = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        return real(names.get(host, host), *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return relaying_postfix


def _addresses(taking: MailTaking) -> dict[str, str]:
    lines = (taking.postfix.directory / "etc/master.cf").read_text().split("\n")
    found = {}
    for service, name in pairwise(lines):
        if "syslog_name=postfix/" in name:
            found[name.partition("postfix/")[2].split(" ")[0]] = service.partition(":")[0]
    return found


def deliveries(recipient: str, *kinds: AlertKind) -> list[Delivery]:
    made = deliveries_of([EACH[kind] for kind in kinds], Routing(operators=(recipient,)), lambda _: True)
    return [each for each in made if each.channel is Channel.mail]


def hand_over(taking: MailTaking, name: str, security: Security, queued: list[Delivery], **who: str) -> None:
    host = f"{name}.mx.real.test"
    relay = Relay(host, taking.postfix.port, security, "monitor.test", ca_file=str(taking.postfix.ca_file), **who)

    async def send() -> None:
        mails = AlertMails(relay, LIMITS, MailStyle("mxscan@monitor.test", "monitor.test"))
        try:
            for delivery in queued:
                await mails.hand_over(delivery)
        finally:
            await mails.close()

    asyncio.run(send())


SIGNED_IN = {"user": USER, "password": PASSWORD}
WAYS = [
    ("submission", Security.starttls, SIGNED_IN),
    ("smtps", Security.implicit, SIGNED_IN),
    ("in", Security.starttls, {}),
    ("in", Security.none, {}),
    ("old", Security.none, {}),  # neither SIZE nor 8BITMIME
]


@pytest.mark.parametrize(("name", "security", "who"), WAYS)
def test_what_is_delivered_is_what_was_composed(
    relays: MailTaking, name: str, security: Security, who: dict[str, str]
) -> None:
    kinds = (AlertKind.down, AlertKind.back_online)
    queued = deliveries("you@real.test", *kinds)
    hand_over(relays, name, security, queued, **who)
    for kind, delivery in zip(kinds, queued, strict=True):
        alert = EACH[kind]
        head = Letterhead("mxscan@monitor.test", "you@real.test", delivery.group, "monitor.test")
        delivered = relays.delivered("you", f"Message-ID: {message_id(alert, alert.sequence, head)}")
        assert delivered.endswith(compose_alert(alert, render_alert(alert, Moments()), head))
    for path in (relays.postfix.directory / "mail/you/new").glob("*"):
        path.unlink()  # what comes by the next way is called the same


FAILURES: list[tuple[str, str, Security, dict[str, str], str, str, tuple[bool, bool]]] = [
    ("a wrong password", "submission", Security.starttls, SIGNED_IN | {"password": "no"}, "you@real.test",
     "AUTH: 535 5.7.8", (False, True)),
    ("the user database is away", "submission", Security.starttls, SIGNED_IN | {"user": AWAY}, "you@real.test",
     "AUTH: ", (False, True)),
    ("no password", "users-only", Security.starttls, {}, "you@real.test", "554 5.7.1", (True, False)),
    ("an unknown issuer", "stranger", Security.starttls, SIGNED_IN, "you@real.test", "certificate verify failed",
     (False, True)),
    ("another name", "another", Security.starttls, SIGNED_IN, "you@real.test",
     "certificate verify failed", (False, True)),
    ("TLS too early", "submission", Security.implicit, SIGNED_IN, "you@real.test", "connection: ", (False, True)),
    ("no STARTTLS", "clear", Security.starttls, SIGNED_IN, "you@real.test", "STARTTLS", (False, True)),
    ("no such user", "in", Security.none, {}, "nobody@real.test", "550 5.1.1", (True, False)),
    ("relay denied", "in", Security.none, {}, "x@elsewhere.test", "554 5.7.1", (True, False)),
    ("greylisting", "greylists", Security.none, {}, "you@real.test", "rejected: Greylisted, please", (False, False)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "security", "who", "recipient", "told", "flags"),
    [row[1:] for row in FAILURES],
    ids=[r[0] for r in FAILURES],
)
def test_what_fails(
    relays: MailTaking,
    name: str,
    security: Security,
    who: dict[str, str],
    recipient: str,
    told: str,
    flags: tuple[bool, bool],
) -> None:
    with pytest.raises(DeliveryError) as failed:
        hand_over(relays, name, security, deliveries(recipient, AlertKind.down), **who)
    error = failed.value
    assert told in str(error)
    assert ((error.is_permanent, error.closes_channel), error.may_have_arrived) == (flags, False)
    assert PASSWORD not in str(error)


def test_a_relay_that_is_stopped_and_started_again(relaying_postfix: MailTaking, relays: MailTaking) -> None:
    [queued] = deliveries("they@real.test", AlertKind.reminder)
    relaying_postfix.postfix.stop()
    with pytest.raises(DeliveryError, match="Connection refused") as failed:
        hand_over(relays, "in", Security.none, [queued])
    assert failed.value.closes_channel
    relaying_postfix.postfix.start()
    hand_over(relays, "in", Security.none, [queued])
    assert relays.delivered("they", f"<3f9a2c41-1.2.{queued.group}@monitor.test>")
