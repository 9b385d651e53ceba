"""Random nights: nobody hears of an end without a beginning, and nothing that is down is forgotten."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.outages.alerts import AlertKind, State
from scanner.outages.causes import Draft
from scanner.outages.known import COULD_NOT_TELL

from .watching import DAY_S, Portfolio, rules, seen

#: Two mail hosts of one provider and two of others; all answer to these names every night.
HOSTS = ("mx1.example.org", "mx2.example.org", "mx3.example.net", "mx4.example.com")

#: States are drawn with more of the ordinary ones, so that outages begin and end.
_STATES = st.sampled_from([State.up] * 4 + [State.down] * 3 + [State.unknown] + list(State))
NIGHTS = st.lists(st.tuples(*[_STATES] * len(HOSTS)), min_size=1, max_size=40)
RULES = st.builds(
    rules,
    unknown_runs=st.integers(1, 4),
    unstable_changes=st.integers(2, 8),
    unstable_runs=st.integers(2, 14),
    remind_s=st.sampled_from([0.0, DAY_S, 3 * DAY_S]),
    digest_s=st.sampled_from([0.0, DAY_S, 3 * DAY_S]),
    # Four hosts are few: a gate that trips often.
    gate_networks=st.sampled_from([1, 5]),
    gate_groups=st.sampled_from([2, 3]),
)

_BEGINS = {AlertKind.first_look, AlertKind.down}


@settings(max_examples=300)
@given(NIGHTS, RULES)
def test_whatever_happens_what_is_told_fits_together(nights: list[tuple[State, ...]], by: object) -> None:
    portfolio = Portfolio(by)  # type: ignore[arg-type]
    watcher = _Reader()
    for states in nights:
        before = dict(portfolio.hosts)
        drafts = portfolio.look(seen(state, name) for name, state in zip(HOSTS, states, strict=True))
        is_gated = any(draft.kind is AlertKind.monitor_trouble for draft in drafts)
        watcher.read(drafts, dict(zip(HOSTS, states, strict=True)))
        if is_gated:
            assert portfolio.hosts == before, "nothing is believed behind the gate"
        for name, host in portfolio.hosts.items():
            if host.state is State.down:
                assert host.outage or host.unsteady, f"{name} is down, and no thread is about it"
            if host.outage:
                assert host.outage in watcher.outages[name], "who is in an outage was told of it"


class _Reader:
    """Somebody who reads every alert, and believes it."""

    def __init__(self) -> None:
        #: The threads in which a host was told to be down, and not yet to be anything else.
        self.outages: dict[str, set[str]] = {name: set() for name in HOSTS}
        self._sequences: Counter[str] = Counter()

    def read(self, drafts: list[Draft], states: dict[str, State]) -> None:
        told_of: Counter[tuple[str, AlertKind]] = Counter()
        for draft in drafts:
            self._sequences[draft.thread.alert] += 1
            assert draft.thread.sequence == self._sequences[draft.thread.alert], "a thread counts without a gap"
            told_of.update((name, draft.kind) for name in draft.hosts)
            for name in draft.hosts:
                self._take(draft, name, states[name])
        assert set(told_of.values()) <= {1}, "nobody is told of twice in one night"

    def _take(self, draft: Draft, name: str, state: State) -> None:
        thread, outages = draft.thread.alert, self.outages[name]
        if draft.kind is not AlertKind.could_not_tell:
            assert state not in COULD_NOT_TELL, "what could not be told is told as nothing else"
        if draft.kind in _BEGINS:
            assert state in (State.down, State.degraded), "only who is not up is told so"
            assert not outages, "an outage is told of once"
            if state is State.down:
                outages.add(thread)
        elif draft.kind is AlertKind.back_online:
            assert thread in outages, "an end that was told has a beginning that was told, in its thread"
            assert state in (State.up, State.degraded), "only who takes mail is back"
            outages.discard(thread)
        elif draft.kind is AlertKind.reminder:
            assert thread in outages, "a reminder is of something told"
        elif draft.kind is AlertKind.unstable:
            outages.clear()


@given(st.integers(1, 30))
def test_nights_that_could_not_tell_are_one_notice_and_no_outage(nights: int) -> None:
    portfolio = Portfolio()
    portfolio.look(seen(State.up, name) for name in HOSTS)
    kinds = [draft.kind for _ in range(nights) for draft in portfolio.look(seen(State.unknown, name) for name in HOSTS)]
    assert kinds == ([AlertKind.could_not_tell] if nights >= 3 else [])
    assert all(host.state is State.up for host in portfolio.hosts.values())


@given(NIGHTS)
def test_the_same_nights_tell_the_same(nights: list[tuple[State, ...]]) -> None:
    def play() -> list[tuple[int, Draft]]:
        portfolio = Portfolio()
        for states in nights:
            portfolio.look(seen(state, name) for name, state in zip(HOSTS, states, strict=True))
        return portfolio.told

    assert play() == play()
