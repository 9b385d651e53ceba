"""Thirty nights: what happens in the world, and the mails that must arrive, in this order and no others.

A line of `mails` is a subject and who gets it; `ops` and `deputy` are the operators, who get everything, the others
are owners, who get what is theirs. Twice the same name: that mail came twice, under one Message-ID.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

from tests.acceptance.month import crashes
from tests.acceptance.month.portfolio import World, well

#: Everything that the portfolio has for mail hosts.
_ALL = ("oak", "elm", "ash", "fir", "yew", "gum", "bay")

RelayDoes = Literal["takes mail", "has no time", "is gone"]

_TROUBLE = "watch: the monitor or a large network has a problem"


@dataclass(frozen=True)
class Night:
    """A night: in words, its world (None: nothing is started), its mails, and what comes of it on our side."""

    what: str
    world: World | None
    mails: str
    exit_code: int = 0
    relay: RelayDoes = "takes mail"
    crash: Callable[[], None] | None = None


def with_large(world: World) -> World:
    """In the first nights the portfolio has the 400 customers of the large provider."""
    return replace(world, without_large=False)


def moved(world: World) -> World:
    """From the 18th night on: bert.lab has moved to another provider."""
    return replace(world, routes={"bert.lab": ("oak",)})


def changed(world: World) -> World:
    """From the 20th night on: cara.lab does not exist any more either, and dora.lab's mail goes astray."""
    return replace(world, routes={"bert.lab": ("oak",), "cara.lab": (), "dora.lab": ("gum",)})


def renewed(world: World) -> World:
    """From the 26th night on: elm has a new certificate too."""
    return replace(changed(world), certificates={"elm": "good"})


NIGHTS: Final = (
    Night(
        "the first look: fir is down already",
        with_large(well(fir="refuses")),
        """
        ops deputy: first look: 1 mail host is not up (2 domains)
        dora: first look: 1 mail host is not up (1 domain)
        """,
        exit_code=1,
    ),
    Night(
        "it still is; the certificate of yew ends in a month",
        with_large(well(fir="refuses")),
        "ops deputy: mx.yew.lab: certificate expires in 30 days (1 domain)",
        exit_code=1,
    ),
    Night(
        "fir comes up, the large provider goes down",
        with_large(well(large1="silent", large2="silent")),
        """
        ops deputy: mx1.large.lab and 1 more mail host: DOWN (400 domains)
        ops deputy: mx.fir.lab: back online after 2 days (2 domains)
        dora: mx.fir.lab: back online after 2 days (1 domain)
        """,
        exit_code=1,
    ),
    Night(
        "the provider is still down",
        with_large(well(large1="silent", large2="silent")),
        "ops deputy: mx1.large.lab and 1 more mail host: still down after 1 day (400 domains)",
        exit_code=1,
    ),
    Night(
        "one of its two hosts is back",
        with_large(well(large1="refuses")),
        "ops deputy: mx2.large.lab: back online in part after 2 days (400 domains)",
        exit_code=1,
    ),
    Night(
        "and the other one",
        with_large(well()),
        "ops deputy: mx1.large.lab: back online after 3 days (400 domains)",
    ),
    Night(
        "its customers leave the portfolio; a tarpit, a lost packet, two too busy, a tenth of DNS answers lost",
        replace(well(ash="tarpit", gum="lost_packet", yew="not_now", oak="fails_once"), dns_loss=0.1),
        "",
    ),
    Night(
        "oak is down",
        well(oak="blackhole"),
        """
        ops deputy anna: mx.oak.lab: DOWN (2 domains)
        bert: mx.oak.lab: DOWN (1 domain)
        """,
        exit_code=1,
    ),
    Night(
        "and the next night",
        well(oak="blackhole"),
        """
        ops deputy anna: mx.oak.lab: still down after 1 day (2 domains)
        bert: mx.oak.lab: still down after 1 day (1 domain)
        """,
        exit_code=1,
    ),
    Night(
        "oak is back; the certificate of elm ends in two weeks",
        well(),
        """
        ops deputy: mx.elm.lab: certificate expires in 14 days (2 domains)
        anna: mx.elm.lab: certificate expires in 14 days (1 domain)
        bert: mx.elm.lab: certificate expires in 14 days (2 domains)
        ops deputy anna: mx.oak.lab: back online after 2 days (2 domains)
        bert: mx.oak.lab: back online after 2 days (1 domain)
        """,
        exit_code=1,  # elm is degraded: its certificate should have been renewed by now
    ),
    Night(
        "our own uplink is down",
        well(**dict.fromkeys(_ALL, "blackhole")),
        f"ops deputy: {_TROUBLE}",
        exit_code=4,
    ),
    Night("and up again: nobody was down", well(), "", exit_code=1),
    Night(
        "most networks refuse at once",
        well(**dict.fromkeys(_ALL[:6], "refuses")),
        f"ops deputy: {_TROUBLE}",
        exit_code=4,
    ),
    Night(
        "and do no longer; STARTTLS fails at gum",
        well(gum="broken_tls"),
        "ops deputy: mx.gum.lab: degraded (1 domain)",
        exit_code=1,
    ),
    Night("ash is down, and so is our relay", well(ash="no_service"), "", exit_code=4, relay="is gone"),
    Night("ash is up; the relay has no time", well(), "", exit_code=4, relay="has no time"),
    Night(
        "the relay is as it was; the certificate of elm ends in a week",
        well(),
        """
        ops deputy: mx.ash.lab: DOWN (2 domains)
        cara: mx.ash.lab: DOWN (1 domain)
        ops deputy: mx.ash.lab: back online after 1 day (2 domains)
        cara: mx.ash.lab: back online after 1 day (1 domain)
        ops deputy: mx.elm.lab: certificate expires in 7 days (2 domains)
        anna: mx.elm.lab: certificate expires in 7 days (1 domain)
        bert: mx.elm.lab: certificate expires in 7 days (2 domains)
        """,
        exit_code=1,
    ),
    Night(
        "bert.lab has moved from elm to oak; gum lists us; the certificate of yew ends in two weeks",
        moved(well(gum="lists_us")),
        """
        ops deputy: mx.yew.lab: certificate expires in 14 days (1 domain)
        ops deputy bert: bert.lab: MX records changed
        """,
        exit_code=1,
    ),
    Night("a night that is missed", None, ""),
    Night(
        "cara.lab is gone, dora.lab sends its mail elsewhere; gum still lists us",
        changed(well(gum="lists_us")),
        """
        ops deputy cara: cara.lab: does not exist in DNS any more
        ops deputy dora: dora.lab: mail no longer goes where it is expected
        """,
        exit_code=1,
    ),
    Night(
        "fir has lost its STARTTLS; gum for the third time; oak is down",
        changed(well(fir="plain", gum="lists_us", oak="resets")),
        """
        ops deputy: mx.oak.lab: DOWN (3 domains)
        anna bert: mx.oak.lab: DOWN (2 domains)
        ops deputy: mx.fir.lab: STARTTLS disappeared (1 domain)
        ops deputy: mx.gum.lab: could not tell since 2026-03-18 (2 domains)
        dora: mx.gum.lab: could not tell since 2026-03-18 (1 domain)
        """,
        exit_code=1,
    ),
    Night(
        "bay has another key than its zone says; oak is up",
        replace(changed(well()), certificates={"bay": "next_key"}),
        """
        ops deputy: gina.lab: DANE is broken
        ops deputy: mx.oak.lab: back online after 1 day (3 domains)
        anna bert: mx.oak.lab: back online after 1 day (2 domains)
        """,
        exit_code=1,
    ),
    Night(
        "the MTA-STS policy of gina.lab names another host; oak is down again; the certificate of elm ends tomorrow; "
        "the power fails when alerts.jsonl has its line and nobody knows",
        replace(changed(well(oak="closes")), policy_names="mx.elsewhere.lab"),
        """
        ops deputy: mx.oak.lab: DOWN (3 domains)
        anna bert: mx.oak.lab: DOWN (2 domains)
        ops deputy anna bert: mx.elm.lab: certificate expires in 1 day (1 domain)
        ops deputy: gina.lab: MTA-STS is broken
        """,
        exit_code=1,
        crash=crashes.before_a_line_is_recorded,
    ),
    Night(
        "one of elm's addresses is down; oak is up, its fourth change; the power fails between two mails",
        changed(well(elm_2="refuses")),
        """
        ops deputy anna bert: mx.elm.lab: degraded (1 domain)
        ops deputy: mx.oak.lab: unstable (3 domains)
        anna bert: mx.oak.lab: unstable (2 domains)
        """,
        exit_code=1,
        crash=crashes.between_two_mails,
    ),
    Night(
        "oak is down once more; the certificate of elm has ended, that of yew ends in a week",
        changed(well(oak="silent")),
        """
        ops deputy anna bert: mx.elm.lab: certificate has expired (1 domain)
        ops deputy: mx.yew.lab: certificate expires in 7 days (1 domain)
        ops deputy: mx.oak.lab: what changed while unstable (3 domains)
        anna bert: mx.oak.lab: what changed while unstable (2 domains)
        """,
        exit_code=1,
    ),
    Night(
        "oak is up; ash is down; elm has a new certificate; the power fails in the middle of the scan",
        renewed(well(ash="refuses")),
        """
        ops deputy: mx.ash.lab: DOWN (1 domain)
        ops deputy: mx.oak.lab: what changed while unstable (3 domains)
        anna bert: mx.oak.lab: what changed while unstable (2 domains)
        """,
        exit_code=1,
        crash=crashes.in_the_middle_of_the_scan,
    ),
    Night(
        "ash is up; the power fails after the scan",
        renewed(well()),
        "ops deputy: mx.ash.lab: back online after 1 day (1 domain)",
        exit_code=1,
        crash=crashes.after_the_scan,
    ),
    Night(
        "gum is down; the power fails before the commit",
        renewed(well(gum="refuses")),
        """
        ops deputy: mx.gum.lab: DOWN (2 domains)
        dora: mx.gum.lab: DOWN (1 domain)
        """,
        exit_code=1,
        crash=crashes.before_the_commit,
    ),
    Night(
        "gum is up; the power fails after the commit: the next start is a run of its own, the fourth without a change",
        renewed(well()),
        """
        ops deputy: mx.gum.lab: back online after 1 day (2 domains)
        dora: mx.gum.lab: back online after 1 day (1 domain)
        ops deputy: mx.oak.lab: stable again (3 domains)
        anna bert: mx.oak.lab: stable again (2 domains)
        """,
        exit_code=1,
        crash=crashes.after_the_commit,
    ),
    Night(
        "fir is down; the power fails when the relay has taken a mail and nobody knows",
        renewed(well(fir="refuses")),
        "ops ops deputy: mx.fir.lab: DOWN (1 domain)",
        exit_code=1,
        crash=crashes.before_a_mail_is_recorded,
    ),
)
