"""An alert as the octets of a mail: its texts, the fields that make threads of mails, and the proof attached."""

from dataclasses import dataclass

from scanner.message.bodies import Attachment
from scanner.message.composing import Draft, Field, compose
from scanner.outages.alerts import Alert
from scanner.report.alert_text import AlertText
from scanner.times import parse_utc

#: For whoever sorts mails by a machine: the thread, the place in it, and the kind.
ALERT_FIELD = "X-Mxscan-Alert"


@dataclass(frozen=True)
class Letterhead:
    """From whom, to whom; `group` tells the same alert to two recipients apart, `domain` is ours in message ids."""

    sender: str
    recipient: str
    group: str
    domain: str


def compose_alert(alert: Alert, text: AlertText, head: Letterhead) -> bytes:
    """The mail, 7-bit. The same arguments give the same octets, so that a mail sent twice is one to its readers."""
    draft = Draft(
        author=head.sender,
        to=(head.recipient,),
        subject=text.subject,
        text=text.body,
        attachments=_attachments(alert, text),
        fields=_fields(alert, head),
        message_id=message_id(alert, alert.sequence, head),
        at=parse_utc(alert.at),
    )
    return compose(draft)[-1].octets


def message_id(alert: Alert, sequence: int, head: Letterhead) -> str:
    """RFC 5322 §3.6.4: one for each alert of a thread and each of its recipients, for ever the same."""
    return f"<{alert.alert}.{sequence}.{head.group}@{head.domain}>"


def _fields(alert: Alert, head: Letterhead) -> tuple[Field, ...]:
    fields = [
        Field("Auto-Submitted", "auto-generated"),  # RFC 3834 §5: nobody's vacation program answers
        Field(ALERT_FIELD, f"{alert.alert}; sequence={alert.sequence}; kind={alert.kind}"),
    ]
    if alert.sequence > 1:
        first = message_id(alert, 1, head)
        fields += [Field("In-Reply-To", first), Field("References", first)]
    return tuple(fields)


def _attachments(alert: Alert, text: AlertText) -> tuple[Attachment, ...]:
    if not text.attachment:
        return ()
    name = f"mxscan-{alert.alert}.{alert.sequence}.txt"
    return (Attachment(name, "text/plain", text.attachment.encode()),)
