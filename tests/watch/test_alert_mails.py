"""Alerts through a relay: each recipient's own mail, the same under the same id when it is sent again."""

from collections.abc import Sequence
from email import message_from_bytes, policy

import pytest

from scanner.net.mail import MailLimits, Relay, Security
from scanner.outages.alerts import AlertKind
from scanner.outages.deliveries import Channel, Delivery, Routing, deliveries_of
from scanner.watch.alert_mails import AlertMails, MailStyle
from scanner.watch.outbox import DeliveryError
from tests.conftest import Run
from tests.net.mail_relay import CLOSE, SILENCE, Behaviour, MailRelay
from tests.report.alerts import EACH

ROUTING = Routing(operators=("a@ops.test", "b@ops.test"))
LIMITS = MailLimits(connect_s=10, reply_s=10, message_s=10, mail_s=15, quit_s=0.5)


def deliveries(*kinds: AlertKind, routing: Routing = ROUTING) -> list[Delivery]:
    made = deliveries_of([EACH[kind] for kind in kinds], routing, lambda _: True)
    return [each for each in made if each.channel is Channel.mail]


async def hand_over(
    server: MailRelay, queued: Sequence[Delivery], limits: MailLimits = LIMITS
) -> list[DeliveryError | None]:
    relay = Relay(server.address, server.port, Security.none, "monitor.test")
    mails = AlertMails(relay, limits, MailStyle("mxscan@monitor.test", "monitor.test"))
    results: list[DeliveryError | None] = []
    for delivery in queued:
        try:
            await mails.hand_over(delivery)
            results.append(None)
        except DeliveryError as error:
            results.append(error)
    await mails.close()
    return results


def test_each_recipient_gets_a_mail_of_his_own_over_one_connection(run: Run) -> None:
    with MailRelay() as server:
        assert run(hand_over(server, deliveries(AlertKind.down, AlertKind.back_online))) == [None] * 4
    assert [mail.recipients for mail in server.mails] == [["a@ops.test"], ["b@ops.test"]] * 2
    assert {mail.sender for mail in server.mails} == {"mxscan@monitor.test"}
    assert (server.sessions, server.commands[-1]) == (1, "QUIT")
    read = [message_from_bytes(mail.message, policy=policy.default) for mail in server.mails]
    assert [message["To"] for message in read] == ["a@ops.test", "b@ops.test"] * 2
    assert len({message["Message-ID"] for message in read}) == 4
    assert [message["References"] for message in read] == [None, None, *(message["Message-ID"] for message in read[:2])]


def test_a_mail_that_is_sent_again_is_the_same(run: Run) -> None:
    [first, _] = deliveries(AlertKind.down)
    with MailRelay() as server:
        run(hand_over(server, [first]))
        run(hand_over(server, [first]))
    assert server.mails[0] == server.mails[1]


@pytest.mark.parametrize(
    ("says", "permanent", "closes", "arrived"),
    [
        ({"GREETING": "421 4.3.2 busy"}, False, True, False),
        ({"GREETING": "554 5.7.1 not you"}, False, True, False),  # a setting is wrong: it is not the mail's fault
        ({"MAIL": "550 5.7.1 not this sender"}, True, False, False),
        ({"RCPT": "450 4.2.1 greylisted"}, False, False, False),
        ({"RCPT": "550 5.1.1 who?"}, True, False, False),
        ({"MESSAGE": "554 5.7.1 spam"}, True, False, False),
        ({"MESSAGE": "451 4.3.0 later"}, False, False, False),
        ({"MESSAGE": CLOSE}, False, True, True),
    ],
)
def test_what_fails_says_what_is_to_become_of_it(
    run: Run, says: dict[str, str], permanent: bool, closes: bool, arrived: bool
) -> None:
    with MailRelay(Behaviour(says)) as server:
        [error] = run(hand_over(server, deliveries(AlertKind.down)[:1]))
    assert error is not None
    assert (error.is_permanent, error.closes_channel, error.may_have_arrived) == (permanent, closes, arrived)


def test_a_relay_that_hangs_is_left(run: Run) -> None:
    limits = MailLimits(connect_s=5, reply_s=0.3, message_s=0.3, mail_s=5, quit_s=0.1)
    with MailRelay(Behaviour({"MESSAGE": SILENCE})) as server:
        [error] = run(hand_over(server, deliveries(AlertKind.down)[:1], limits))
    assert error is not None
    assert (error.closes_channel, error.may_have_arrived) == (True, True)


@pytest.mark.parametrize("address", ["nobody", "a b@ops.test", "a\r\nb@ops.test", "größe@ops.test", ""])
def test_an_owner_without_an_address_is_a_fault_of_his_mail_alone(run: Run, address: str) -> None:
    queued = deliveries(AlertKind.down, routing=Routing(operators=(address, "b@ops.test")))
    with MailRelay() as server:
        [error, fine] = run(hand_over(server, queued))
    assert error is not None
    assert (error.is_permanent, error.closes_channel, fine) == (True, False, None)
    assert "\n" not in str(error)
    assert "no mail can be written to" in str(error)
    assert [mail.recipients for mail in server.mails] == [["b@ops.test"]]
