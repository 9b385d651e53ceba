"""Alerts by mail: each as its recipient's own mail, through a relay."""

from dataclasses import dataclass, field

import msgspec

from scanner.message.fields import FieldError
from scanner.net.mail import Mail, MailError, MailLimits, Postman, Relay
from scanner.outages.alerts import Alert
from scanner.outages.deliveries import Delivery
from scanner.report.alert_mail import Letterhead, compose_alert
from scanner.report.alert_text import Extent, render_alert
from scanner.report.moments import Moments
from scanner.smtp.mailboxes import MailboxError, parse_mailbox
from scanner.watch.outbox import DeliveryError
from scanner.wire_text import escape_octets


@dataclass(frozen=True)
class MailStyle:
    """From whom the mails are, whose name is in their message ids, in which time zone they speak, and how long."""

    sender: str
    domain: str
    moments: Moments = field(default_factory=Moments)
    extent: Extent = field(default_factory=Extent)


class AlertMails:
    """A channel through a relay; one connection for what is to be sent."""

    def __init__(self, relay: Relay, limits: MailLimits, style: MailStyle) -> None:
        self._postman = Postman(relay, limits)
        self._style = style

    async def hand_over(self, delivery: Delivery) -> None:
        """Sends an alert to its recipient. Raises DeliveryError."""
        [recipient] = delivery.recipients
        _check(recipient)
        try:
            mail = Mail(self._style.sender, (recipient,), self._compose(delivery, recipient))
            refusals = await self._postman.send(mail)
        except FieldError as error:
            raise DeliveryError(f"no mail can be written to this address: {error}", is_permanent=True) from error
        except MailError as error:
            raise DeliveryError(
                str(error),
                is_permanent=error.is_permanent and not error.is_the_relay,
                closes_channel=error.is_the_relay,
                may_have_arrived=error.may_have_arrived,
            ) from error
        for refusal in refusals:
            said = f"the relay refuses {refusal.recipient}: {refusal.said}"
            raise DeliveryError(said, is_permanent=refusal.is_permanent)

    async def close(self) -> None:
        """Says QUIT."""
        await self._postman.close()

    def _compose(self, delivery: Delivery, recipient: str) -> bytes:
        alert = msgspec.json.decode(delivery.payload, type=Alert)
        text = render_alert(alert, self._style.moments, self._style.extent)
        return compose_alert(alert, text, Letterhead(self._style.sender, recipient, delivery.group, self._style.domain))


def _check(recipient: str) -> None:
    """Raises DeliveryError for who cannot be written to: an owner's address is as somebody typed it into a list."""
    try:
        needs_smtputf8 = parse_mailbox(recipient).needs_smtputf8
    except MailboxError as error:
        raise _no_mail_to(recipient, str(error)) from error
    if needs_smtputf8:
        raise _no_mail_to(recipient, "its part before the @ is not ASCII")


def _no_mail_to(recipient: str, why: str) -> DeliveryError:
    shown = escape_octets(recipient.encode("utf-8", "backslashreplace"))
    return DeliveryError(f"no mail can be written to {shown}: {why}", is_permanent=True)
