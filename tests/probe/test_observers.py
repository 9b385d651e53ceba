"""Whoever looks on at a session hears every line of it in time, and cannot change how it goes."""

from dataclasses import dataclass, field

import pytest

from scanner.outcomes import Outcome, Variant
from scanner.probe.session import ProbedSession
from scanner.records import Target, TranscriptLine
from tests.net.scripted import Conversation, Server
from tests.probe.mail_servers import GREETING, Answer, mail_server
from tests.probe.probing import Probe
from tests.probe.test_sending import order


@dataclass
class Looker:
    """Writes down what it is told, and fails at one of its methods if told to."""

    fails_at: str = ""
    begun: list[tuple[Target, int, Variant]] = field(default_factory=list)
    lines: list[TranscriptLine] = field(default_factory=list)
    ended: list[ProbedSession] = field(default_factory=list)

    def begins(self, target: Target, attempt: int, variant: Variant) -> None:
        self.begun.append((target, attempt, variant))
        self._fail("begins")

    def says(self, line: TranscriptLine) -> None:
        self.lines.append(line)
        self._fail("says")

    def ends(self, probed: ProbedSession) -> None:
        self.ended.append(probed)
        self._fail("ends")

    def _fail(self, method: str) -> None:
        if method == self.fails_at:
            raise RuntimeError("the terminal has gone")


def test_an_observer_is_told_of_the_beginning_every_line_and_the_end(probe: Probe) -> None:
    probe.observer = looker = Looker()
    with Server(mail_server()) as server:
        probed = probe(server)
    [(target, attempt, variant)] = looker.begun
    assert (target.address, attempt, variant) == (str(server.address), 1, Variant.survey)
    assert tuple(looker.lines) == probed.transcript.lines
    assert looker.ended == [probed]


def test_a_line_is_told_when_it_is_said_and_not_at_the_end(probe: Probe) -> None:
    probe.observer = looker = Looker()
    told: list[list[str]] = []

    def greet_slowly(conversation: Conversation) -> None:
        conversation.say(b"220-wait\r\n")
        while not any(text == "220-wait" for _, _, text in looker.lines):
            probe.in_the_loop(lambda: None)
        told.append([text for _, who, text in looker.lines if who != "*"])
        conversation.say(GREETING)

    with Server(mail_server(greet_slowly)) as server:
        probe(server)
    assert told == [["220-wait"]]


@pytest.mark.parametrize("method", ["begins", "says", "ends"])
def test_an_observer_that_fails_breaks_nothing_is_told_no_more_and_is_a_bug(probe: Probe, method: str) -> None:
    probe.observer = looker = Looker(method)
    with Server(mail_server()) as server:
        probed = probe(server)
    assert probed.record.outcome is Outcome.ok
    assert probed.record.replies.quit is not None
    assert probed.bug is not None
    assert "the terminal has gone" in probed.bug
    assert (len(looker.begun), len(looker.lines)) == {"begins": (1, 0), "says": (1, 1)}.get(
        method, (1, len(probed.transcript.lines))
    )
    assert len(looker.ended) == (method == "ends")


def test_a_sending_is_observed_in_the_same_way(probe: Probe) -> None:
    probe.observer = looker = Looker()
    with Server(mail_server()) as server:
        sent = probe.send(server, order())
    assert [variant for _, _, variant in looker.begun] == [Variant.send]
    assert tuple(looker.lines) == sent.transcript.lines
    assert looker.ended == [sent]


REDRAWS: list[Answer] = [b"220 \x1b[2J\x1b]0;title\x07\r\n", b"220 \x9b2J\x08\x08\x08\r\n"]


@pytest.mark.parametrize("greeting", REDRAWS)
def test_an_observer_is_never_given_a_control(probe: Probe, greeting: Answer) -> None:
    probe.observer = looker = Looker()
    with Server(mail_server(greeting)) as server:
        probe(server)
    assert all(text.isprintable() and text.isascii() for _, _, text in looker.lines)
