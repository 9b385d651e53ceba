"""Nights in the lab: what is seen, what is told, and what is kept."""

from pathlib import Path

import pytest

from scanner.outages.alerts import State
from scanner.outages.deliveries import Routing
from scanner.outcomes import Outcome
from scanner.times import parse_utc
from tests.watch.nights import DAY_S, GIVE_UP_S, HOUR_S, Nights, World, in_words

pytestmark = pytest.mark.acceptance

#: Six providers with a mail host each, in a network each; two domains have two of them.
HOSTS = {f"mx{number}.provider{number}.lab": {f"127.70.{number}.1": "good"} for number in range(1, 7)}
DOMAINS = {f"d{number}.lab": [f"mx{number}.provider{number}.lab"] for number in range(1, 7)}
WORLD = World(HOSTS, {**DOMAINS, "both.lab": ["mx1.provider1.lab", "mx2.provider2.lab"]})


def test_an_outage_of_two_nights_is_told_with_all_that_proves_it(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    assert nights.told(WORLD) == []
    (down,) = nights.play(WORLD.but(mx1="silent")).compared.alerts
    (host,) = down.hosts
    first, second = host.attempts
    assert (host.exchange, host.state, host.before) == ("mx1.provider1.lab", State.down, State.up)
    assert [each.session.attempt for each in host.attempts] == [1, 2]
    assert {each.session.outcome for each in host.attempts} == {Outcome.timed_out}
    assert (first.session.limit, first.session.limit_s) == ("limits.greeting_s", 1.0)
    assert second.session.limit_s == pytest.approx(1.6), "more patience the second time"
    pause = parse_utc(second.session.started_at) - parse_utc(first.session.ended_at)
    assert pause.total_seconds() >= 300
    assert any("limit" in text for _, who, text in first.transcript if who == "*")
    assert host.since == first.session.started_at
    assert host.last_good_at is not None
    assert host.last_good_at < first.session.started_at
    assert down.source_addresses == ("127.0.0.1",)
    assert len(host.lookups) == 2, "fresh DNS before the second attempt"
    assert {domain.domain: domain.state for domain in down.domains} == {
        "both.lab": State.degraded,
        "d1.lab": State.down,
    }
    assert [mx.exchange for domain in down.domains for mx in domain.mx if domain.domain == "d1.lab"] == [host.exchange]
    assert nights.told(WORLD.but(mx1="silent")) == ["reminder 2 mx1.provider1.lab"]
    (back,) = nights.play(WORLD).compared.alerts
    assert (back.alert, back.sequence) == (down.alert, 3)
    assert back.hosts[0].duration_s == pytest.approx(2 * DAY_S, rel=0.02)
    assert nights.arrived() == [f"{word} mx1.provider1.lab" for word in ("down", "reminder 2", "back_online 3")]


def test_a_slow_server_and_a_lost_packet_are_no_outage(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.play(WORLD)
    assert nights.told(WORLD.but(mx1="tarpit", mx2="lost_packet", mx3="not_now", mx4="lists_us")) == []
    with nights.store() as store:
        states = {host.name.partition(".")[0]: (host.state, host.shown) for host in store.hosts()}
    assert states["mx1"] == states["mx2"] == (State.up, State.up)
    assert states["mx3"] == (State.up, State.unknown)
    assert states["mx4"] == (State.up, State.blocked_us)


def test_what_could_not_be_told_for_three_nights_is_one_notice(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.play(WORLD)
    world = WORLD.but(mx3="not_now", mx4="lists_us")
    assert [nights.told(world) for _ in range(4)] == [
        [],
        [],
        ["could_not_tell mx3.provider3.lab mx4.provider4.lab"],
        [],
    ]


def test_our_own_uplink_is_one_mail_and_changes_nothing(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.play(WORLD)
    with nights.store() as store:
        before = list(store.hosts())
    nothing_answers = WORLD.but(**{f"mx{number}": "blackhole" for number in range(1, 7)})
    night = nights.play(nothing_answers)
    assert night.compared.gate is not None
    assert night.compared.gate.fault is not None
    assert nights.arrived() == ["monitor_trouble"]
    with nights.store() as store:
        assert list(store.hosts()) == before
    assert nights.told(WORLD) == []


@pytest.mark.parametrize(
    ("behaviour", "canaries", "told", "why"),
    [
        ("blackhole", (), ["monitor_trouble"], "nobody was heard, and there is nobody to ask"),
        ("blackhole", ("127.70.9.1",), ["monitor_trouble"], "the canary is silent too"),
        ("blackhole", ("127.70.8.1",), ["down mx1.provider1.lab"], "the canary answers"),
        ("refuses", (), ["down mx1.provider1.lab"], "who refuses was heard"),
        ("refuses", ("127.70.9.1",), ["monitor_trouble"], "a firewall of ours may refuse as well"),
        ("silent", ("127.70.9.1",), ["down mx1.provider1.lab"], "a connection came up, so it is not our network"),
    ],
)
def test_of_a_single_mail_host_only_canaries_tell_whether_it_is_us(
    tmp_path: Path, behaviour: str, canaries: tuple[str, ...], told: list[str], why: str
) -> None:
    others = {"canary.lab": {"127.70.8.1": "good"}, "dead-canary.lab": {"127.70.9.1": "blackhole"}}
    world = World({"mx1.provider1.lab": {"127.70.1.1": "good"}, **others}, {"d1.lab": ["mx1.provider1.lab"]})
    nights = Nights(tmp_path, {"vantage.canaries": canaries})
    assert nights.told(world) == []
    assert nights.told(world.but(mx1=behaviour)) == told, why


def test_many_networks_that_fail_at_once_are_not_believed(tmp_path: Path) -> None:
    nights = Nights(tmp_path, {"watch.gate_networks": 3})
    nights.play(WORLD)
    assert nights.told(WORLD.but(mx1="refuses", mx2="refuses", mx3="refuses", mx4="refuses")) == ["monitor_trouble"]
    assert nights.told(WORLD.but(mx1="refuses")) == ["down mx1.provider1.lab"]


def test_what_cannot_be_sent_waits_and_goes_out_in_order(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.play(WORLD)
    nights.mailbox.is_closed = True
    night = nights.play(WORLD.but(mx1="refuses"))
    assert (night.report.left, len(night.report.complaints)) == (1, 1)
    night = nights.play(WORLD)
    assert night.report.left == 2
    assert nights.arrived() == []
    nights.mailbox.is_closed = False
    night = nights.play(WORLD)
    assert night.report.left == 0
    assert nights.arrived() == ["down mx1.provider1.lab", "back_online 2 mx1.provider1.lab"]


def test_what_is_given_up_before_a_scan_is_told_too(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.play(WORLD)
    nights.mailbox.is_refusing = True
    assert nights.play(WORLD.but(mx1="refuses")).report.left == 1
    report = nights.play(WORLD, after_s=GIVE_UP_S + DAY_S).report
    assert (report.left, report.given_up) == (0, 2), "its thread is given up with it"
    assert [complaint.partition(" (")[2] for complaint in report.complaints] == [
        "given up, and not tried again)",
        "given up, and not tried again)",
    ]


def test_a_mail_set_that_moved_is_told_of_its_domains(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.play(WORLD)
    moved = World(WORLD.hosts, {**WORLD.domains, "d5.lab": ["mx6.provider6.lab"]})
    (alert,) = nights.play(moved).compared.alerts
    (domain,) = alert.domains
    assert (domain.changes[0].before, domain.changes[0].after) == ("10 mx5.provider5.lab", "10 mx6.provider6.lab")
    with nights.store() as store:
        assert "mx5.provider5.lab" not in {host.name for host in store.hosts()}, "nobody has it any more"


def test_starttls_that_disappeared_is_told(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.play(WORLD)
    (alert,) = nights.play(WORLD.but(mx2="plain")).compared.alerts
    assert in_words(alert) == "starttls_lost mx2.provider2.lab"
    (host,) = alert.hosts
    assert host.since is not None
    assert host.last_good_at is not None
    assert host.last_good_at < host.since, "the night before, not tonight"


def test_a_certificate_that_runs_out_is_told_at_each_threshold(tmp_path: Path) -> None:
    kinds = "[certificates.ending]\nstarts_days = -200\nends_days = 18\n"
    world = World(WORLD.hosts, WORLD.domains, {"mx3.provider3.lab": "ending"}, kinds)
    nights = Nights(tmp_path)
    assert nights.told(world, after_s=HOUR_S) == [], "18 days: 30 were passed before anybody looked"
    assert nights.told(world, after_s=2 * DAY_S) == []
    (alert,) = nights.play(world, after_s=3 * DAY_S).compared.alerts
    assert alert.certificate is not None
    assert (alert.kind, alert.certificate.threshold_days) == ("certificate_expires", 14)
    assert nights.told(world) == []
    assert nights.told(world, after_s=20 * DAY_S) == ["certificate_expires mx3.provider3.lab"]
    with nights.store() as store:
        states = {host.name: host.state for host in store.hosts()}
    assert states["mx3.provider3.lab"] is State.degraded


def test_runs_of_open_alerts_are_kept(tmp_path: Path) -> None:
    nights = Nights(tmp_path, {"watch.keep_runs": 1})
    nights.play(WORLD)
    told = nights.play(WORLD.but(mx1="refuses")).directory
    nights.play(WORLD.but(mx1="refuses"))
    last = nights.play(WORLD.but(mx1="refuses")).directory
    assert sorted(nights.state.runs.iterdir()) == sorted([told, last])
    last = nights.play(WORLD).directory
    assert sorted(nights.state.runs.iterdir()) == [last]


def test_owners_get_what_is_theirs(tmp_path: Path) -> None:
    columns = {"watch.owner_column": "owner", "input.column": "domain"}
    nights = Nights(tmp_path, columns, Routing(tells_owners=True))
    owners = {"d1.lab": "one@example.org", "both.lab": "one@example.org, two@example.org"}
    lines = [f'{domain},"{owners.get(domain, "")}"\n' for domain in WORLD.domains]
    nights.list.write_text("domain,owner\n" + "".join(lines))
    nights.play(WORLD)
    nights.play(WORLD.but(mx1="refuses"))
    got = {
        delivery.recipients[0]: sorted(domain.domain for domain in alert.domains)
        for delivery, alert in nights.mailbox.taken
    }
    assert got == {"one@example.org": ["both.lab", "d1.lab"], "two@example.org": ["both.lab"]}


def test_what_changes_all_the_time_is_unstable_and_then_in_the_digest(tmp_path: Path) -> None:
    """A mail host that is down every other night, and a domain whose MX records do not know where to point."""
    nights = Nights(tmp_path, {"watch.unstable_runs": 4, "watch.remind_s": 0.0})
    moved = World(WORLD.hosts, {**WORLD.domains, "d5.lab": ["mx6.provider6.lab"], "d6.lab": ["mx5.provider5.lab"]})
    told = [nights.told(world) for world in (WORLD, moved.but(mx1="refuses"), WORLD, moved.but(mx1="refuses"), WORLD)]
    assert told[1] == ["down mx1.provider1.lab", "dns_changed d5.lab", "dns_changed d6.lab"]
    assert told[4] == ["unstable mx1.provider1.lab", "unstable d5.lab", "unstable d6.lab"]
    (digest,) = nights.play(moved.but(mx1="refuses")).compared.alerts
    assert [host.exchange for host in digest.hosts] == ["mx1.provider1.lab"]
    assert [step.state for step in digest.hosts[0].steps] == [State.up, State.down] * 2
    assert {"d5.lab", "d6.lab"} < {domain.domain for domain in digest.domains}
    assert nights.told(moved) == ["digest 2 mx1.provider1.lab"], "it has changed once more"
    quiet = [nights.told(moved) for _ in range(3)]
    assert sorted(word for words in quiet for word in words) == [
        "stable 2 d5.lab",
        "stable 2 d6.lab",
        "stable 2 mx1.provider1.lab",
    ]
    with nights.store() as store:
        assert store.open_threads() == []
