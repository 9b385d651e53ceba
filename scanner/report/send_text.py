"""A sending as a person sees it: where it goes, what became of each recipient, and why, with what to do.

The marks of a dialogue and the words of a result tell everything without colour too.
"""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from scanner.diagnosis.send_answer import Fate, RecipientFate, Result, SendAnswer
from scanner.diagnosis.send_reasons import Reason
from scanner.diagnosis.send_ways import Place
from scanner.outcomes import TlsMode
from scanner.records import ReplyRecord
from scanner.report.shown_text import shown
from scanner.report.styles import ASIDE, HEADING

_ACTION = "bright_white"
_NOT_SURE = "yellow"

_TLS = {
    TlsMode.starttls: "TLS by STARTTLS, or nothing is sent",
    TlsMode.implicit: "TLS from the first octet",
    TlsMode.none: "no TLS",
    TlsMode.opportunistic: "TLS if the server offers it, else in the clear",
}

_FATES = {
    Fate.taken: ("taken", "green"),
    Fate.not_taken: ("NOT TAKEN", "red"),
    Fate.not_known: ("not known", _NOT_SURE),
    Fate.stopped: ("not sent", "bright_black"),
}

_RESULTS = {
    Result.sent: ("SENT", "green"),
    Result.sent_in_part: ("SENT IN PART", _NOT_SURE),
    Result.not_sent: ("NOT SENT", "red"),
    Result.not_known: ("NOT KNOWN", _NOT_SURE),
    Result.stopped: ("STOPPED", "bright_black"),
}


def render_place(place: Place, port: int, tls: TlsMode, *, is_relay: bool, is_verified: bool, user: str | None) -> Text:
    """What is tried now: which server, where, how encrypted, as whom."""
    kind = "server" if place.preference is None else f"MX {place.preference}"
    host = "" if place.host == place.address else f"{shown(place.host)} "
    certificate = ", certificate verified" if is_verified else ""
    signing_in = "" if user is None else f"; signing in as {shown(user)}"
    return Text(
        f"{'relay' if is_relay else kind} {host}[{place.address}] port {port}: {_TLS[tls]}{certificate}{signing_in}",
        style=_ACTION,
    )


def render_remark(said: str) -> Text:
    """What is done now, as a line of its own."""
    return Text(shown(said), style=_ACTION)


def render_warning(said: str) -> Text:
    """What a person should know about this sending, though it goes on."""
    return Text(f"note: {shown(said)}", style=_NOT_SURE)


def render_answer(answer: SendAnswer) -> RenderableType:
    """What became of each recipient, of the whole, and why, with what to do."""
    word, colour = _RESULTS[answer.result]
    width = max(len(shown(each.mailbox)) for each in answer.recipients)
    return Group(
        Text("recipients", style=HEADING),
        *(_recipient(each, width) for each in answer.recipients),
        Text(),
        Text(f"{word}: ", style=f"bold {colour}").append(shown(answer.said), style=f"not bold {colour}"),
        *(line for reason in answer.reasons for line in _reason(reason)),
    )


def _recipient(recipient: RecipientFate, width: int) -> Text:
    word, colour = _FATES[recipient.fate]
    text = Text(f"  {shown(recipient.mailbox):{width}}  ").append(f"{word:9}", style=colour)
    if recipient.reply is not None:
        text.append(f"  {_reply(recipient.reply)}")
    elif recipient.reason is not None:
        text.append(f"  {recipient.reason.kind.replace('_', ' ')}", style=ASIDE)
    text.rstrip()
    return text


def _reply(reply: ReplyRecord) -> str:
    return shown(f"{reply.code} {' '.join(reply.lines)}".rstrip())


def _reason(reason: Reason) -> Iterable[Text]:
    yield Text.assemble(("  why         ", ASIDE), shown(reason.said))
    yield Text.assemble(("  what to do  ", ASIDE), shown(reason.what_to_do))
