"""Which session speaks for each place of a domain, in the order in which a sender tries the places."""

from collections.abc import Iterable, Mapping, Sequence

from scanner.diagnosis.answer_words import Talk
from scanner.outcomes import Outcome
from scanner.records import Domain, SessionRecord, Transaction


def select_talks(
    record: Domain, sessions: Sequence[SessionRecord], transactions: Mapping[str, Transaction]
) -> tuple[Talk, ...]:
    """One talk for each address of the mail hosts that had a session; `transactions` by their sessions' ids."""
    return tuple(
        Talk(host.exchange, chosen, transactions.get(chosen.session))
        for host in record.mail_hosts
        for address in host.addresses
        if (chosen := _choose([each for each in sessions if each.session in address.sessions], transactions))
    )


def _choose(sessions: Iterable[SessionRecord], transactions: Mapping[str, Transaction]) -> SessionRecord | None:
    """The one that came furthest for a message: the recipient was taken, or was asked about; else the last."""
    ranked = sorted(sessions, key=lambda session: _rank(session, transactions.get(session.session)))
    return ranked[-1] if ranked else None


def _rank(session: SessionRecord, transaction: Transaction | None) -> tuple[bool, bool, bool, str]:
    is_taken = transaction is not None and transaction.outcome is Outcome.ok
    return is_taken, transaction is not None, session.outcome is Outcome.ok, session.started_at
