"""The mails of a month, as they arrived at a real relay: none missing, none more, and each says what it must."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from email.message import EmailMessage
from itertools import groupby

import pytest

from scanner.outages.alerts import AlertKind
from tests.acceptance.month.conftest import Watched
from tests.acceptance.month.nights import NIGHTS
from tests.acceptance.month.playing import OPERATORS, Arrived
from tests.acceptance.month.portfolio import CUSTOMERS, OWNERS, ROUTES

PREFIX = "[mxscan] "


def in_lines(mails: Sequence[Arrived]) -> list[str]:
    """The mails of a night as the table has them: those that say the same one after the other in one line."""
    return [
        f"{' '.join(mail.recipient.partition('@')[0] for mail in alike)}: {subject.removeprefix(PREFIX)}"
        for (_, subject), alike in groupby(mails, key=lambda mail: (alert_of(mail)[:2], mail.message["Subject"]))
    ]


def alert_of(mail: Arrived) -> tuple[str, int, AlertKind]:
    """Thread, number in it and kind: `1f0c3a5b-2; sequence=1; kind=down`."""
    alert, sequence, kind = (part.partition("=") for part in mail.message["X-Mxscan-Alert"].split("; "))
    return alert[0], int(sequence[2]), AlertKind(kind[2])


def test_there_are_thirty_nights() -> None:
    assert len(NIGHTS) == 30


@pytest.mark.parametrize(
    "number", range(1, 31), ids=[f"{number:02} {night.what}" for number, night in enumerate(NIGHTS, 1)]
)
def test_these_mails_arrive_and_no_others(watched: Watched, number: int) -> None:
    played = watched.night(number)
    assert in_lines(played.mails) == [line.strip() for line in played.night.mails.strip().splitlines()]


def test_every_kind_of_alert_was_sent(watched: Watched) -> None:
    assert {alert_of(mail)[2] for mail in watched.mails} == set(AlertKind)


# One alert, one mail --------------------------------------------------------------------------------


def test_one_mail_came_twice_and_it_is_the_same_octet_for_octet(watched: Watched) -> None:
    """At most one: the night in which the power failed between the relay's reply and our record of it."""
    counts = Counter(mail.message["Message-ID"] for mail in watched.mails)
    assert Counter(counts.values())[2] == 1
    assert max(counts.values()) == 2
    first, again = [mail for mail in watched.mails if counts[mail.message["Message-ID"]] == 2]
    assert first.recipient == again.recipient
    assert first.message.as_bytes() == again.message.as_bytes()
    assert watched.night(30).mails[:2] == (first, again)


def test_a_message_id_is_one_alert_for_one_recipient(watched: Watched) -> None:
    names = {(mail.recipient, *alert_of(mail)[:2]): mail.message["Message-ID"] for mail in watched.mails}
    assert len(set(names.values())) == len(names)
    assert all((mail.recipient, *alert_of(mail)[:2]) in names for mail in watched.mails)


def test_later_mails_of_a_thread_answer_the_first_one_that_its_reader_got(watched: Watched) -> None:
    """So "back online" came only to whom "down" had come before, and stands below it in his mailbox."""
    threads: dict[tuple[str, str], list[EmailMessage]] = defaultdict(list)
    for mail in watched.mails:
        alert, sequence, _ = alert_of(mail)
        before = threads[mail.recipient, alert]
        first = before[0]["Message-ID"] if before else None
        assert (sequence > 1) is bool(before) or mail.message["Message-ID"] == first
        answered = {mail.message["In-Reply-To"], mail.message["References"]}
        assert answered == ({first} if sequence > 1 else {None})
        before.append(mail.message)
    assert max(map(len, threads.values())) == 4, "the provider: down, a reminder, back in part, back"


# Who gets what --------------------------------------------------------------------------------------


def test_operators_get_everything(watched: Watched) -> None:
    ops, deputy = ([mail for mail in watched.mails if mail.recipient == operator] for operator in OPERATORS)
    assert list(dict.fromkeys(map(alert_of, ops))) == list(map(alert_of, deputy))
    others = {alert_of(mail) for mail in watched.mails if mail.recipient not in OPERATORS}
    assert others < set(map(alert_of, ops))


@pytest.mark.parametrize("owner", sorted({owner for owners in OWNERS.values() for owner in owners}))
def test_an_owner_hears_of_nobody_else(watched: Watched, owner: str) -> None:
    owned = {domain for domain, owners in OWNERS.items() if owner in owners}
    of_others = {*ROUTES, *CUSTOMERS, *OPERATORS, *(other for owners in OWNERS.values() for other in owners)}
    mails = [mail.message for mail in watched.mails if mail.recipient == owner]
    assert mails
    for message in mails:
        words = set(re.split(r"[^a-z0-9@.-]+", text_of(message)))
        assert words & owned
        assert words & (of_others - owned) == set(), message["Subject"]


def text_of(message: EmailMessage) -> str:
    """Everything that there is to read: subject, body, attachment."""
    return "\n".join([message["Subject"], body_of(message), *attachments_of(message)])


def body_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def attachments_of(message: EmailMessage) -> list[str]:
    return [str(part.get_content()) for part in message.iter_attachments()]


def test_the_mails_about_a_provider_list_all_its_customers(watched: Watched) -> None:
    mails = [mail.message for mail in watched.mails if "large.lab" in mail.message["Subject"]]
    assert len(mails) == 2 * 4
    for message in mails:
        assert set(re.findall(r"customer\d+\.lab", body_of(message))) == set(CUSTOMERS)


# What a mail says -----------------------------------------------------------------------------------

#: Night, the subject's words, and what the body must have, spaces and line ends apart.
SAYS: list[tuple[int, str, list[str]]] = [
    (
        8,
        "mx.oak.lab: DOWN",
        [
            r"The mail host mx\.oak\.lab is DOWN",
            r"1 domain receives no mail",
            r"1 domain has other mail hosts that still work",
            r"since 2026-03-08 02:07:\d\d UTC \(03:07:\d\d Europe/Berlin\)",
            r"last good 2026-03-06 02:05:\d\d UTC",
            r"mx\.oak\.lab, port \d+ state down \(was up\)",
            r"127\.70\.1\.1 1st attempt 2026-03-08 02:07:\d\d to 02:07:\d\d UTC, 5\d\d ms 03:07:\d\d to",
            r"ended stage connect, timed_out: no connection came up within the limit limit limits\.connect_s = 0\.5 s",
            r"2nd attempt 2026-03-08 02:12:\d\d to 02:12:\d\d UTC",
            r"limit limits\.connect_s = 0\.8 s",
            r"from 127\.0\.0\.1, EHLO name scanner\.lab",
            r"allow TCP from 127\.0\.0\.1 \(EHLO name scanner\.lab\) to 127\.70\.1\.1 port \d+",
            r"nc -v 127\.70\.1\.1 \d+",
            r"mxscan check postmaster@anna\.lab",
            r"anna\.lab MX answer 10 mx\.oak\.lab asked 2026-03-08 02:07:\d\d UTC",
            r"mx\.oak\.lab A, AAAA A 127\.70\.1\.1 \(TTL 300 s\) AAAA none \(no_data\) asked 2 times",
            r"0\.000 == connect 127\.70\.1\.1:\d+ limit 0\.5 s",
            r"0\.000 == connect 127\.70\.1\.1:\d+ limit 0\.8 s",
        ],
    ),
    (
        9,
        "still down",
        [r"This is a reminder", r"since 2026-03-08 02:07:\d\d UTC", r"1st attempt 2026-03-09 02:08:\d\d"],
    ),
    (
        10,
        "back online",
        [
            r"since 2026-03-08 02:07:\d\d UTC",
            r"until 2026-03-10 02:09:\d\d UTC",
            r"ended stage done, ok: all went well",
        ],
    ),
    (
        11,
        "has a problem",
        [
            r"All states are kept as they were",
            r"none of 7 networks was reached",
            r"`mxscan preflight` says what is wrong",
        ],
    ),
    (13, "has a problem", [r"6 of 7 networks that were up failed at once, in 6 pace groups", r"- 127\.70\.1\.0/24"]),
    (14, "degraded", [r"STARTTLS is offered and fails at 127\.70\.6\.1", r"1 domain still receives mail"]),
    (
        17,
        "mx.ash.lab: DOWN",  # from the night in which it could not be sent
        [r"told at 2026-03-15 02:19:\d\d UTC", r"reply 554 5\.3\.2 mx\.ash\.lab no SMTP service here"],
    ),
    (17, "back online", [r"told at 2026-03-16 02:15:\d\d UTC", r"since 2026-03-15 .* until 2026-03-16"]),
    (
        17,
        "expires in 7 days",
        [
            r"expires in 7 days: 2026-03-25 00:00:00 UTC \(01:00:00 Europe/Berlin\)",
            r"annas-shop\.lab degraded",
            r"SHA-256 [0-9a-f]{64}",
        ],
    ),
    (18, "MX records changed", [r"was 10 mx\.elm\.lab is 10 mx\.oak\.lab"]),
    (20, "cara.lab", [r"cara\.lab no_mail", r"answer none \(nxdomain\)"]),
    (
        20,
        "dora.lab",
        [r"was where it is expected is elsewhere MX records changed was 10 mx\.fir\.lab is 10 mx\.gum\.lab"],
    ),
    (21, "STARTTLS disappeared", [r"mx\.fir\.lab offered STARTTLS and no longer does", r"hugo\.lab degraded"]),
    (
        21,
        "could not tell",
        [
            r"could not be told since 2026-03-18 02:17:\d\d UTC \(03:17:\d\d Europe/Berlin\), in 3 runs running",
            r"reply 554 5\.7\.1 mx\.gum\.lab your address is on the block list of dnsbl\.example\.org",
            r"It is we who are blocked\. In the server's firewall, allow TCP from 127\.0\.0\.1",
        ],
    ),
    (22, "DANE is broken", [r"DANE of gina\.lab was in order and no longer is", r"was valid is invalid"]),
    (23, "MTA-STS is broken", [r"MTA-STS of gina\.lab was in order and no longer is"]),
    (
        24,
        "mx.elm.lab: degraded",
        [r"127\.70\.2\.2: refused at connect \(2 attempts\)", r"the connection was refused error Connection refused"],
    ),
    (24, "unstable", [r"4 changes in a short time", r"2026-03-21 .*: down, .* 2026-03-22 .*: up"]),
    (29, "stable again", [r"quiet again", r"told at 2026-03-29 03:28:\d\d UTC \(05:28:\d\d Europe/Berlin\)"]),
]


@pytest.mark.parametrize(("number", "subject", "said"), SAYS, ids=[f"{row[0]:02} {row[1]}" for row in SAYS])
def test_a_mail_says_what_its_reader_needs(watched: Watched, number: int, subject: str, said: list[str]) -> None:
    message = next(mail.message for mail in watched.night(number).mails if subject in mail.message["Subject"])
    body = " ".join(body_of(message).split())
    assert [words for words in said if not re.search(words, body)] == []


def test_every_attempt_of_an_outage_is_attached_in_full(watched: Watched) -> None:
    kinds = {AlertKind.down, AlertKind.reminder, AlertKind.first_look, AlertKind.degraded, AlertKind.back_online}
    for mail in watched.mails:
        if alert_of(mail)[2] in kinds:
            [attached] = attachments_of(mail.message)
            assert re.search(r"0\.000 == connect 127\.\d+\.\d+\.1:\d+ limit 0\.5 s", attached)
