"""The talk with one server that was to bring a message, as reasons are read from it."""

from dataclasses import dataclass

from scanner.diagnosis.answer import Canaries
from scanner.outcomes import Cause, Outcome, Stage
from scanner.records import ReplyRecord, SendRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A session that was to bring a message, with the host that was meant, and what was on our side.

    `canaries` is what others that should be up said, if no connection came up; `others` how many more places of
    the same recipients were tried in vain.
    """

    record: SendRecord
    host: str
    is_relay: bool
    canaries: Canaries = Canaries.not_asked
    others: int = 0

    @property
    def place(self) -> str:
        """The server with its address."""
        address = f"[{self.record.address}]"
        place = address if self.host == self.record.address else f"{self.host} {address}"
        return f"{place} (and {self.others} more)" if self.others else place

    @property
    def may_sign_in(self) -> bool:
        """True if the server offered AUTH and nobody signed in."""
        extensions = self.record.extensions_after_tls or self.record.extensions or {}
        return self.is_relay and self.record.mechanism is None and "AUTH" in extensions


@dataclass(frozen=True, slots=True)
class TalkEnd:
    """What a reason is read from: how a session ended, or how one recipient was refused in it."""

    stage: Stage
    outcome: Outcome
    reply: ReplyRecord | None
    cause: Cause | None
