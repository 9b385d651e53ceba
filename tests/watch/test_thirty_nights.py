"""A month of a portfolio in the lab: every rule comes true at least once, and what arrives is exactly this."""

from pathlib import Path

import pytest

from scanner.outages.alerts import Alert, State
from tests.watch.nights import DAY_S, Nights, World

pytestmark = pytest.mark.acceptance

LARGE = ["mx1.large.lab", "mx2.large.lab"]

#: Seven providers with a domain each, one of whose certificates ends after 24 days, and one with 400 domains.
_SMALL = {f"mx{number}.provider{number}.lab": {f"127.70.{number}.1": "good"} for number in range(1, 8)}
BASE = World(
    hosts={**_SMALL, **{name: {f"127.80.{place}.1": "good"} for place, name in enumerate(LARGE, 1)}},
    domains={
        **{f"d{number}.lab": [f"mx{number}.provider{number}.lab"] for number in range(1, 8)},
        **{f"customer{number}.lab": LARGE for number in range(400)},
    },
    certificates={"mx6.provider6.lab": "ending"},
    described="[certificates.ending]\nstarts_days = -300\nends_days = 24\n",
)


def moved(world: World) -> World:
    """The customer of the fifth provider has gone over to the sixth."""
    return world.with_domains({**world.domains, "d5.lab": ["mx6.provider6.lab"]})


def gone(world: World) -> World:
    """And the domain of the fourth one's does not exist any more."""
    return moved(world).with_domains({name: hosts for name, hosts in moved(world).domains.items() if name != "d4.lab"})


def large(behaviour: str, *names: str) -> World:
    """The large provider's hosts of these names behave otherwise."""
    hosts = {
        name: dict.fromkeys(addresses, behaviour) if name in names else addresses
        for name, addresses in BASE.hosts.items()
    }
    return BASE.with_hosts(hosts)


EVERYBODY = [f"mx{number}" for number in range(1, 8)]
MOST = [f"mx{number}" for number in (2, 3, 6, 7)]
UPLINK = large("blackhole", *LARGE).but(**dict.fromkeys(EVERYBODY, "blackhole"))

CERTIFICATE = "certificate_expires mx6.provider6.lab"

#: What each night is like, and what arrives. The relay is down where None stands.
NIGHTS: list[tuple[str, World | None, list[str] | None]] = [
    ("one was down before anybody looked", BASE.but(mx7="refuses"), ["first_look mx7.provider7.lab"]),
    ("it still is", BASE.but(mx7="refuses"), []),
    ("it comes up", BASE, ["back_online 2 mx7.provider7.lab"]),
    ("a tarpit, and a lost packet", BASE.but(mx1="tarpit", mx2="lost_packet"), []),
    ("one host is down", BASE.but(mx1="refuses"), ["down mx1.provider1.lab"]),
    ("for two nights", BASE.but(mx1="refuses"), []),
    ("and back", BASE, ["back_online 2 mx1.provider1.lab"]),
    ("a provider with 400 domains is down", large("silent", *LARGE), ["down mx1.large.lab mx2.large.lab"]),
    ("one of its hosts is back", large("refuses", LARGE[0]), [CERTIFICATE, "back_online 2 mx2.large.lab"]),
    ("the other one too", BASE, ["back_online 3 mx1.large.lab"]),
    ("our own uplink is down", UPLINK, ["monitor_trouble"]),
    ("nothing was", BASE, []),
    ("one is down, and so is the relay", BASE.but(mx2="refuses"), None),
    ("the relay is back", BASE.but(mx2="refuses"), ["down mx2.provider2.lab"]),
    ("a reminder every other day", BASE.but(mx2="refuses"), ["reminder 2 mx2.provider2.lab"]),
    ("it is over", BASE, [CERTIFICATE, "back_online 3 mx2.provider2.lab"]),
    ("a night that is missed", None, []),
    ("a domain has moved, one host lists us", moved(BASE).but(mx7="lists_us"), ["dns_changed d5.lab"]),
    ("a domain is gone", gone(BASE).but(mx7="lists_us"), ["dns_changed d4.lab"]),
    (
        "STARTTLS has disappeared, and three nights could not tell",
        gone(BASE).but(mx7="lists_us", mx3="plain"),
        ["starttls_lost mx3.provider3.lab", "could_not_tell mx7.provider7.lab"],
    ),
    ("both are as they were", gone(BASE), []),
    ("down", gone(BASE).but(mx1="refuses"), ["down mx1.provider1.lab", CERTIFICATE]),
    ("up", gone(BASE), ["back_online 2 mx1.provider1.lab"]),
    (
        "down again; a certificate has ended",
        gone(BASE).but(mx1="silent"),
        ["down mx1.provider1.lab", CERTIFICATE],
    ),
    ("up: four changes", gone(BASE), ["unstable mx1.provider1.lab"]),
    ("down once more", gone(BASE).but(mx1="refuses"), []),
    ("the digest", gone(BASE), ["digest mx1.provider1.lab"]),
    (
        "most networks fail at once",
        gone(large("refuses", *LARGE)).but(**dict.fromkeys(MOST, "refuses")),
        ["monitor_trouble"],
    ),
    ("and nobody was down", gone(BASE), []),
    ("all is quiet", gone(BASE), []),
]


def test_a_month(tmp_path: Path) -> None:
    nights = Nights(tmp_path, {"watch.remind_s": 2 * DAY_S, "watch.digest_s": 2 * DAY_S})
    alerts: list[Alert] = []
    missed_s = 0.0
    assert len(NIGHTS) == 30
    for number, (what, world, expected) in enumerate(NIGHTS, 1):
        if world is None:
            missed_s = DAY_S
            continue
        nights.mailbox.is_closed = expected is None
        nights.play(world, after_s=DAY_S + missed_s)
        missed_s = 0.0
        alerts += [alert for _, alert in nights.mailbox.taken]
        assert nights.arrived() == (expected or []), f"night {number}: {what}"
    assert_that_they_are_right(alerts)


def assert_that_they_are_right(alerts: list[Alert]) -> None:
    """What is looked at beside the list itself."""
    outage = next(alert for alert in alerts if alert.hosts and alert.hosts[0].exchange == LARGE[0])
    assert (len(outage.domains), outage.domains_total) == (400, 400)
    assert {domain.state for domain in outage.domains} == {State.down}
    late = next(alert for alert in alerts if alert.hosts and alert.hosts[0].exchange == "mx2.provider2.lab")
    assert late.at < alerts[alerts.index(late) + 1].at, "it says when it was made, not when it could be sent"
    days = [alert.certificate.threshold_days for alert in alerts if alert.certificate is not None]
    assert days == [14, 7, 1, 0]
