"""What came of a sending as a whole: for each recipient, in one sentence, and as an exit code."""

from typing import Any

import pytest

from scanner.diagnosis.send_answer import Delivery, Fate, Result, answer_sending, recipient_fates, tries_next
from scanner.diagnosis.send_kinds import ReasonKind
from scanner.diagnosis.send_reasons import way_reason
from scanner.diagnosis.send_talks import Talk
from scanner.exit_codes import INCONCLUSIVE, OK, OURS, PROBLEM
from scanner.outcomes import Cause, Outcome, Stage, Stop
from scanner.records import Recipient, SendRecord, TlsRecord
from tests.diagnosis.sendings import MAILBOX, OTHER, broken, refused, reply, sent, talk

MESSAGE_ID = "<1@x.test>"


def accepted(mailbox: str) -> Recipient:
    return Recipient(mailbox=mailbox, accepted=True, reply=reply("250 Ok"))


def unknown(mailbox: str) -> Recipient:
    return Recipient(mailbox=mailbox, accepted=False, reply=reply("550 5.1.1 no"), cause=Cause.user_unknown)


def later(mailbox: str) -> Recipient:
    return Recipient(mailbox=mailbox, accepted=False, reply=reply("452 4.2.2 full"), cause=Cause.mailbox_full)


def not_asked(mailbox: str) -> Recipient:
    return Recipient(mailbox=mailbox, accepted=False)


def delivery(*records: SendRecord, mailboxes: tuple[str, ...] = (MAILBOX,)) -> Delivery:
    return Delivery(mailboxes, tuple(map(talk, records)))


BOTH = (MAILBOX, OTHER)
STOPPED: dict[str, Any] = {"stop": Stop.as_asked, "stage": Stage.mail, "outcome": Outcome.ok, "delivered": False}
NOWHERE = Delivery((OTHER,), (), way_reason(ReasonKind.domain_does_not_exist, "x.test"))

WHOLES: list[tuple[str, list[Delivery], Result, int]] = [
    ("taken", [delivery(sent())], Result.sent, OK),
    ("taken for both", [delivery(sent(recipients=(accepted(MAILBOX), accepted(OTHER))), mailboxes=BOTH)],
     Result.sent, OK),
    ("taken for one", [delivery(sent(recipients=(accepted(MAILBOX), unknown(OTHER))), mailboxes=BOTH)],
     Result.sent_in_part, PROBLEM),
    ("taken for one, later for the other",
     [delivery(sent(recipients=(accepted(MAILBOX), later(OTHER))), mailboxes=BOTH)], Result.sent_in_part, INCONCLUSIVE),
    ("taken by one server", [delivery(sent()), NOWHERE], Result.sent_in_part, PROBLEM),
    ("refused", [delivery(refused(Stage.mail, "550 no"))], Result.not_sent, PROBLEM),
    ("not now", [delivery(refused(Stage.mail, "450 no"))], Result.not_sent, INCONCLUSIVE),
    ("nowhere to go", [NOWHERE], Result.not_sent, PROBLEM),
    ("not known", [delivery(broken(Stage.message, Outcome.closed, delivered=None))], Result.not_known, INCONCLUSIVE),
    ("stopped as asked", [delivery(sent(**STOPPED))], Result.stopped, OK),
    ("ours outweighs theirs", [delivery(broken(Stage.connect, Outcome.timed_out, port=25)), NOWHERE],
     Result.not_sent, OURS),
    ("theirs outweighs not known", [delivery(broken(Stage.mail, Outcome.closed)), NOWHERE], Result.not_sent, PROBLEM),
]  # fmt: skip


@pytest.mark.parametrize(("deliveries", "result", "code"), [row[1:] for row in WHOLES], ids=[row[0] for row in WHOLES])
def test_a_sending_has_one_answer(deliveries: list[Delivery], result: Result, code: int) -> None:
    answer = answer_sending(deliveries, MESSAGE_ID)
    assert (answer.result, answer.exit_code) == (result, code)
    assert len(answer.recipients) == sum(len(each.recipients) for each in deliveries)
    assert (not answer.reasons) is (code == OK)
    assert (MESSAGE_ID in answer.said) is (result in (Result.sent, Result.sent_in_part, Result.not_known))


def test_who_stops_after_tls_is_told_if_there_was_none() -> None:
    tls = TlsRecord(version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384", group="X25519")
    for record, words in ((tls, "up to there, and"), (None, "without TLS, which the server does not offer")):
        stopped = sent(**{**STOPPED, "stage": Stage.tls, "tls": record})
        assert words in answer_sending([delivery(stopped)], MESSAGE_ID).said


def test_a_reason_is_told_once() -> None:
    record = refused(Stage.mail, "550 no")
    answer = answer_sending([delivery(record, mailboxes=BOTH)], MESSAGE_ID)
    assert len(answer.recipients) == 2
    assert len(answer.reasons) == 1


def test_where_it_was_taken_is_said() -> None:
    said = answer_sending([delivery(sent())], MESSAGE_ID).said
    assert f"taken by smtp.example.org [192.0.2.1] for {MAILBOX}." in said


def test_where_it_was_stopped_is_said() -> None:
    assert answer_sending([delivery(sent(**STOPPED))], MESSAGE_ID).said.startswith("Stopped after mail, as asked")


FATES: list[tuple[str, SendRecord, Recipient, Fate, int | None]] = [
    ("accepted, and the message too", sent(), accepted(MAILBOX), Fate.taken, 250),
    ("refused, and the message taken for others", sent(), unknown(MAILBOX), Fate.not_taken, 550),
    ("accepted, and the message refused", refused(Stage.message, "554 no"), accepted(MAILBOX), Fate.not_taken, None),
    ("refused, and the message refused too", refused(Stage.message, "554 no"), unknown(MAILBOX), Fate.not_taken, 550),
    ("accepted, and nothing more was heard", broken(Stage.message, Outcome.closed, delivered=None), accepted(MAILBOX),
     Fate.not_known, None),
    ("never asked for", refused(Stage.mail, "554 no"), not_asked(MAILBOX), Fate.not_taken, None),
    ("refused where nothing was to be sent", sent(**STOPPED), unknown(MAILBOX), Fate.not_taken, 550),
]  # fmt: skip


@pytest.mark.parametrize(
    ("record", "recipient", "fate", "code"), [row[1:] for row in FATES], ids=[row[0] for row in FATES]
)
def test_a_recipient_has_a_fate(record: SendRecord, recipient: Recipient, fate: Fate, code: int | None) -> None:
    whole = sent(**{name: getattr(record, name) for name in record.__struct_fields__} | {"recipients": (recipient,)})
    (found,) = recipient_fates(delivery(whole))
    assert found.fate is fate
    assert (None if found.reply is None else found.reply.code) == code
    assert (found.reason is None) is (fate in (Fate.taken, Fate.stopped))


TRIED: list[tuple[str, SendRecord, bool]] = [
    ("nothing listens", broken(Stage.connect, Outcome.refused), True),
    ("no answer", broken(Stage.connect, Outcome.timed_out), True),
    ("421 in the greeting", refused(Stage.greeting, "421 busy"), True),
    ("554 in the greeting", refused(Stage.greeting, "554 no"), False),
    ("silence before the greeting", broken(Stage.greeting, Outcome.timed_out), True),
    ("TLS broken", broken(Stage.tls, Outcome.tls_failed), True),
    ("450 to EHLO after TLS", refused(Stage.ehlo_after_tls, "450 no"), True),
    ("a password was said", refused(Stage.auth, "454 not now"), False),
    ("450 to MAIL", refused(Stage.mail, "450 not now"), False),
    ("hung up after the message", broken(Stage.message, Outcome.closed, delivered=None), False),
    ("taken", sent(), False),
    ("we stopped, for it offers no STARTTLS",
     broken(Stage.starttls, Outcome.permanent_negative, stop=Stop.starttls_not_offered), False),
    ("we stopped, for its certificate is not trusted",
     broken(Stage.tls, Outcome.tls_failed, stop=Stop.tls_not_trusted), False),
    ("we stopped, as asked, after the greeting", sent(**STOPPED | {"stage": Stage.connect}), False),
    ("a bug of ours", broken(Stage.connect, Outcome.scanner_bug), False),
]  # fmt: skip


@pytest.mark.parametrize(("record", "goes_on"), [row[1:] for row in TRIED], ids=[row[0] for row in TRIED])
def test_the_next_place_is_tried_before_anything_was_entrusted(record: SendRecord, goes_on: bool) -> None:
    assert tries_next(talk(record)) is goes_on


def test_of_several_places_the_one_with_a_word_is_told_of() -> None:
    busy, closed = refused(Stage.greeting, "421 4.3.2 busy", Cause.overloaded), broken(Stage.connect, Outcome.refused)
    (found,) = recipient_fates(delivery(busy, closed))
    assert found.reason is not None
    assert found.reason.kind is ReasonKind.overloaded


def test_of_several_places_the_last_one_decides_if_it_does() -> None:
    (found,) = recipient_fates(delivery(refused(Stage.greeting, "421 4.3.2 busy"), refused(Stage.mail, "550 no")))
    assert found.reason is not None
    assert "550 no" in found.reason.said


def test_of_several_places_without_a_word_all_are_counted() -> None:
    closed = broken(Stage.connect, Outcome.refused)
    (found,) = recipient_fates(delivery(closed, closed, closed))
    assert found.reason is not None
    assert "smtp.example.org [192.0.2.1] (and 2 more) refuses connections" in found.reason.said


def test_a_talk_names_its_place() -> None:
    assert Talk(record=sent(), host="mx.example.org", is_relay=False).place == "mx.example.org [192.0.2.1]"
