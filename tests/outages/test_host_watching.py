"""A mail host night after night: what is known of it, and what is told."""

import pytest

from scanner.outages.alerts import AlertKind, State
from scanner.outages.host_health import HostSeen, Reason, Trouble

from .watching import DAY_S, MX, Portfolio, certificate, moment, rules, seen, told

UP, DOWN, DEGRADED = State.up, State.down, State.degraded
UNKNOWN, BLOCKED, NO_MAIL = State.unknown, State.blocked_us, State.no_mail

#: What a night is written as in the tables below.
_STATES = {"u": UP, "D": DOWN, "d": DEGRADED, "?": UNKNOWN, "b": BLOCKED, "n": NO_MAIL}


def play(nights: str, portfolio: Portfolio | None = None) -> list[str]:
    """Nights of one host, a letter each (- is a night that was missed); what each of them tells."""
    portfolio = portfolio or Portfolio()
    return [", ".join(_without_names(portfolio.see(mx1=_STATES[letter]))) for letter in nights if letter != "-"]


def _without_names(words: list[str]) -> list[str]:
    return [word.removesuffix(" mx1.example.org") for word in words]


@pytest.mark.parametrize(
    ("nights", "told_each_night", "why"),
    [
        ("uuu", ["", "", ""], "nothing happens, nothing is told"),
        ("uDu", ["", "down", "back_online 2"], "an outage and its end, in one thread"),
        ("uDDDu", ["", "down", "", "", "back_online 2"], "told once, however long it lasts"),
        ("uD-u", ["", "down", "back_online 2"], "a missed night is no night down"),
        ("D", ["first_look"], "nobody knew it was ever up"),
        ("Du", ["first_look", "back_online 2"], "what was told at the first look has an end as well"),
        ("d", ["first_look"], "degraded when first looked at"),
        ("du", ["first_look", ""], "that it is well now is in --status"),
        ("ud", ["", "degraded"], "one of its addresses went down"),
        ("udd", ["", "degraded", ""], "told once"),
        ("udDu", ["", "degraded", "down", "back_online 2"], "from bad to worse, and back"),
        ("uDdu", ["", "down", "back_online 2", ""], "mail gets through again, if not everywhere"),
        ("u?D", ["", "", "down"], "what could not be told keeps the last state"),
        ("uD?u", ["", "down", "", "back_online 2"], "also an outage"),
        ("uD?D", ["", "down", "", ""], "which is not told again"),
        ("uDbu", ["", "down", "", "back_online 2"], "a refusal of us is no sign of life for others"),
        ("ubb", ["", "", ""], "nor an outage"),
        ("u???", ["", "", "", "could_not_tell"], "three runs in a row are one notice"),
        ("u?????", ["", "", "", "could_not_tell", "", ""], "and no more"),
        ("u??u??u", ["", "", "", "", "", "", ""], "two in a row are none"),
        ("u???u???", ["", "", "", "could_not_tell", "", "", "", "could_not_tell"], "the next three are another"),
        ("ubbb", ["", "", "", "could_not_tell"], "whoever blocks us can't be told about either"),
        ("???", ["", "", "could_not_tell"], "from the first look on"),
        ("?D", ["", "first_look"], "the first that is known of it"),
        ("un", ["", "dns_changed"], "its address is gone"),
        ("unu", ["", "dns_changed", "dns_changed"], "and there again"),
        ("nn", ["", ""], "it never had one"),
        ("uDnu", ["", "down", "", "back_online 2"], "an outage lasts until mail gets through"),
        ("uDuDu", ["", "down", "back_online 2", "down", "unstable"], "four changes: unstable"),
        ("uDuDuDu", ["", "down", "back_online 2", "down", "unstable", "digest", "digest 2"], "then the digest"),
        ("uDuuDu", ["", "down", "back_online 2", "", "down", "unstable"], "two outages in two weeks are four changes"),
    ],
)
def test_each_night_tells_what_is_new(nights: str, told_each_night: list[str], why: str) -> None:
    assert play(nights) == told_each_night, why


@pytest.mark.parametrize(("quiet", "last"), [(10, "unstable"), (11, "back_online 2")])
def test_changes_count_for_fourteen_runs(quiet: int, last: str) -> None:
    """The first change is in the second run; the fourth in the fifteenth, or one later."""
    assert play("uDu" + "u" * quiet + "Du")[-1] == last


def test_who_is_unstable_is_stable_after_seven_quiet_runs() -> None:
    nights = play("uDuDu" + "u" * 7)
    assert [night for night in nights if night] == ["down", "back_online 2", "down", "unstable", "stable 2"]
    assert nights[-1] == "stable 2"


def test_who_is_down_when_it_grows_quiet_is_told_as_down() -> None:
    portfolio = Portfolio(rules(digest_s=0.0))
    nights = play("uDuDuD" + "D" * 7 + "u", portfolio)
    assert [night for night in nights if night] == [
        "down",
        "back_online 2",
        "down",
        "unstable",
        "down",
        "back_online 2",
    ]


def test_a_digest_tells_of_changes_and_of_who_is_down_and_of_nothing_else() -> None:
    assert play("uDuDuuu")[-3:] == ["unstable", "", ""], "nothing changed since it was told"
    assert play("uDuDuDDD")[-3:] == ["digest", "digest 2", "digest 3"], "it is down: that is said each time"


def test_the_digest_comes_as_often_as_the_settings_say() -> None:
    portfolio = Portfolio(rules(digest_s=3 * DAY_S))
    assert play("uDuDuDuDuDu", portfolio)[-6:] == ["", "", "digest", "", "", "digest 2"]


@pytest.mark.parametrize(
    ("remind_s", "expected"),
    [
        (0.0, ["", "down", "", "", "", "back_online 2"]),
        (DAY_S, ["", "down", "reminder 2", "reminder 3", "reminder 4", "back_online 5"]),
        (2 * DAY_S, ["", "down", "", "reminder 2", "", "back_online 3"]),
    ],
)
def test_an_outage_is_told_again_as_often_as_the_settings_say(remind_s: float, expected: list[str]) -> None:
    assert play("uDDDDu", Portfolio(rules(remind_s=remind_s))) == expected


def test_nobody_is_reminded_of_what_was_down_at_the_first_look() -> None:
    assert play("DDD", Portfolio(rules(remind_s=DAY_S))) == ["first_look", "", ""]


# What is known --------------------------------------------------------------------------------------


def test_an_outage_began_with_its_first_failing_attempt() -> None:
    portfolio = Portfolio()
    portfolio.look([seen(UP)])
    portfolio.look([seen(DOWN, since=moment(2, 11.0))])
    portfolio.look([seen(UNKNOWN)])
    portfolio.look([seen(DOWN, since=moment(4, 12.0))])
    host = portfolio.hosts[MX]
    assert (host.since, host.outage_since, host.last_good_at) == (moment(2, 11.0), moment(2, 11.0), moment(0))


def test_what_could_not_be_told_is_known_since_when() -> None:
    portfolio = Portfolio()
    portfolio.look([seen(UP)])
    for number in (2, 3):
        portfolio.look([seen(UNKNOWN, since=moment(number, 5.0))])
    host = portfolio.hosts[MX]
    assert (host.state, host.observed, host.shown) == (UP, UNKNOWN, UNKNOWN)
    assert (host.blind_runs, host.blind_since) == (2, moment(2, 5.0))
    portfolio.look([seen(UP)])
    host = portfolio.hosts[MX]
    assert (host.shown, host.blind_runs, host.blind_since) == (UP, 0, None)


def test_who_is_left_alone_is_no_notice() -> None:
    portfolio = Portfolio()
    for _ in range(4):
        assert portfolio.look([seen(UNKNOWN, is_left_alone=True)]) == []


# STARTTLS -------------------------------------------------------------------------------------------


def plain(offers_tls: bool | None = False) -> HostSeen:
    return seen(UP, offers_tls=offers_tls)


def test_starttls_that_disappears_is_told_and_missed_until_it_is_back() -> None:
    portfolio = Portfolio()
    nights = [told(portfolio.look([host])) for host in (seen(UP), plain(None), plain(), plain(), seen(UP))]
    assert nights == [[], [], [f"starttls_lost {MX}"], [], []]


def test_it_makes_a_host_degraded() -> None:
    portfolio = Portfolio()
    for host in (seen(UP), plain()):
        portfolio.look([host])
    assert portfolio.hosts[MX].state is DEGRADED
    assert portfolio.hosts[MX].why == ("STARTTLS was offered before and is not any more",)
    portfolio.look([seen(UP)])
    assert portfolio.hosts[MX].state is UP


def test_who_never_had_starttls_does_not_miss_it() -> None:
    portfolio = Portfolio()
    assert [portfolio.look([plain()]) for _ in range(3)] == [[], [], []]
    assert portfolio.hosts[MX].state is UP


def test_starttls_that_is_offered_and_fails_is_broken_not_gone() -> None:
    portfolio = Portfolio()
    portfolio.look([seen(UP)])
    broken = seen(DEGRADED, offers_tls=False, reasons=(Reason(Trouble.tls_broken, "it fails"),))
    assert told(portfolio.look([broken])) == [f"degraded {MX}"]


def test_a_second_trouble_is_told_and_the_first_is_not_told_again() -> None:
    portfolio = Portfolio()
    down = Reason(Trouble.addresses_down, "one of two is down")
    broken = Reason(Trouble.tls_broken, "it fails")
    nights = [
        told(portfolio.look([seen(UP) if not reasons else seen(DEGRADED, reasons=reasons)]))
        for reasons in ((), (down,), (down, broken), (broken,))
    ]
    assert nights == [[], [f"degraded {MX}"], [f"degraded {MX}"], []]


# Certificates ---------------------------------------------------------------------------------------


def test_a_certificate_is_told_of_at_each_threshold_once() -> None:
    portfolio = Portfolio()
    steps = [None, (30, 30), (29, 30), (14, 14), (7, 7), (2, 7), (1, 1), (0, 1), (-1, 0), (-2, 0)]
    nights = [
        told(portfolio.look([seen(UP, certificates=() if step is None else (certificate(*step),))])) for step in steps
    ]
    expires = [f"certificate_expires {MX}"]
    assert nights == [[], expires, [], expires, expires, [], expires, [], expires, []]


def test_a_night_that_was_missed_does_not_hide_a_threshold() -> None:
    portfolio = Portfolio()
    nights = [
        told(portfolio.look([seen(UP, certificates=certificates)]))
        for certificates in ((), (certificate(15, 30),), (certificate(6, 7),))
    ]
    assert nights[2] == [f"certificate_expires {MX}"]


def test_a_new_certificate_has_thresholds_of_its_own() -> None:
    portfolio = Portfolio()
    for certificates in ((), (certificate(6, 7),), ()):
        portfolio.look([seen(UP, certificates=certificates)])
    assert told(portfolio.look([seen(UP, certificates=(certificate(6, 7, "b" * 64),))])) == [
        f"certificate_expires {MX}"
    ]


def test_two_certificates_of_a_pool_do_not_take_turns_in_being_told() -> None:
    portfolio = Portfolio()
    first, second = certificate(10, 14), certificate(12, 14, "b" * 64)
    nights = [
        told(portfolio.look([seen(UP, certificates=certificates)]))
        for certificates in ((), (first, second), (second,), (first,), (first, second))
    ]
    assert [len(night) for night in nights] == [0, 2, 0, 0, 0]


def test_at_the_first_look_a_certificate_is_part_of_it() -> None:
    soon = seen(
        DEGRADED,
        certificates=(certificate(5, 7),),
        reasons=(Reason(Trouble.certificate_expires_soon, "its certificate ends"),),
    )
    portfolio = Portfolio()
    assert told(portfolio.look([soon])) == [f"first_look {MX}"]
    assert told(portfolio.look([soon])) == []


def test_a_certificate_that_makes_a_host_degraded_is_one_alert() -> None:
    portfolio = Portfolio()
    portfolio.look([seen(UP)])
    soon = seen(
        DEGRADED,
        certificates=(certificate(14, 14),),
        reasons=(Reason(Trouble.certificate_expires_soon, "its certificate ends"),),
    )
    drafts = portfolio.look([soon])
    assert [draft.kind for draft in drafts] == [AlertKind.certificate_expires]
