"""`mxscan check` with a sender and a recipient: what each kind of server makes of them, in the words a user reads."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from scanner.commands.settings_source import LAB_LAYER
from scanner.lab.child import LabChild
from scanner.lab.log import SessionLine, read_log
from scanner.settings import Limits
from tests.acceptance.checking import Checked, check_all, config_of
from tests.acceptance.running import ENVIRONMENT, mxscan

SENDER = "you@sender.lab"


class Case(NamedTuple):
    """A recipient, the exit code, and what the answer must say."""

    recipient: str
    exit_code: int
    words: tuple[str, ...]
    sender: str = SENDER


NOT_SENT = "nothing was sent"
CASES = [
    Case("postmaster@good.lab", 0, ("gets through", "takes the recipient", NOT_SENT)),
    Case("talkative@mailboxes.lab", 0, ("gets through",)),
    Case("forwarded@mailboxes.lab", 0, ("gets through",)),
    Case("slow@mailboxes.lab", 0, ("gets through",)),
    Case("unknown@mailboxes.lab", 1, ("does not get through", "RCPT TO", "550 5.1.1", "spelling")),
    Case("disabled@mailboxes.lab", 1, ("does not get through", "550 5.2.1")),
    Case("misspelt@mailboxes.lab", 1, ("does not get through", "553 5.1.3")),
    Case("over-quota@mailboxes.lab", 1, ("does not get through", "552 5.2.2", "make room")),
    Case("full@mailboxes.lab", 3, ("not known", "452 4.2.2", "Check again after")),
    Case("greylisted@mailboxes.lab", 3, ("greylisting", "try again in 300 seconds", "Check again after")),
    Case("silent@mailboxes.lab", 3, ("could not be found out", "RCPT TO: no answer within 2 s")),
    Case("closing@mailboxes.lab", 3, ("could not be found out", "RCPT TO: the server closed the connection")),
    Case("me@greylisting.lab", 3, ("greylisting", "00:05:00")),
    Case("me@relay-denied.lab", 1, ("Relay access denied", "does not take mail for this domain")),
    Case("me@listed-at-rcpt.lab", 4, ("because of us", "have this host's address removed")),
    Case("me@sender-refused.lab", 1, ("does not get through", "MAIL FROM", "550 5.1.8")),
    Case("me@no-bounces.lab", 0, ("gets through",)),
    Case("me@no-bounces.lab", 1, ("does not get through", "MAIL FROM", "null reverse-path"), sender="<>"),
    Case("members-only@mailboxes.lab", 1, ("does not get through", "with another sender")),
    Case("moved@mailboxes.lab", 1, ("try <moved@elsewhere.lab>", "write to that one")),
    Case("me@wants-tls.lab", 0, ("gets through",)),
    Case("me@wants-auth.lab", 1, ("530 5.7.0", "submission")),
    Case("me@mail-421.lab", 3, ("not now", "MAIL FROM")),
    Case("me@rcpt-421.lab", 3, ("not now", "RCPT TO")),
    Case("me@silent-on-mail.lab", 3, ("MAIL FROM: no answer within 2 s",)),
    Case("me@closes-on-mail.lab", 3, ("MAIL FROM: the server closed",)),
    Case("me@resets-on-rcpt.lab", 3, ("RCPT TO: the connection was reset",)),
    Case("me@four-digits-on-rcpt.lab", 3, ("could not be found out",)),
    Case("me@slow-delivery.lab", 0, ("gets through",)),
    Case("me@hostile-replies.lab", 1, ("does not get through",)),
    Case("jörg@good.lab", 1, ("SMTPUTF8",)),
    Case("jörg@utf8.lab", 0, ("gets through",)),
    Case("me@no-such-domain.lab", 1, ("does not exist",)),
]


def name_of(case: Case) -> str:
    return f"{case.sender} {case.recipient}"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LabChild, dict[str, Checked]]]:
    """The lab, and what every case came to there."""
    directory = tmp_path_factory.mktemp("recipients")
    limits = msgspec.convert(LAB_LAYER["limits"], Limits)
    with LabChild.start(directory / "lab", world="", domains=0, seed=0, limits=limits) as child:
        config = str(config_of(child, directory / "lab.toml"))
        commands = {
            name_of(case): (case.recipient, "--from", case.sender, "--json", "--config", config) for case in CASES
        }
        yield child, check_all(commands, directory / "outputs")


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_the_answer_says_what_the_server_made_of_it(lab: tuple[LabChild, dict[str, Checked]], case: Case) -> None:
    checked = lab[1][name_of(case)]
    answer = checked.found["answer"]
    assert checked.exit_code == answer["exit_code"] == case.exit_code, answer
    said = f"{answer['said']} {answer['what_to_do']}"
    assert [word for word in case.words if word not in said] == [], said


def test_what_comes_of_the_recipient_changes_no_verdict(lab: tuple[LabChild, dict[str, Checked]]) -> None:
    for case in CASES:
        domain = lab[1][name_of(case)].found["domain"]
        if domain["domain"] == "mailboxes.lab":
            assert domain["verdicts"]["smtp"]["value"] == "yes", case.recipient
            assert domain["findings"] == [], case.recipient


def test_nothing_is_ever_said_after_rcpt_but_quit_and_no_session_names_two_recipients(
    lab: tuple[LabChild, dict[str, Checked]],
) -> None:
    log = lab[0].messages.parent / "log.jsonl"
    sessions = [line for line in read_log(log) if isinstance(line, SessionLine)]
    said = [line.commands for line in sessions]
    assert any("RCPT" in commands for commands in said)
    for commands in said:
        assert not {"DATA", "BDAT", "VRFY", "EXPN", "RSET"} & set(commands)
        assert commands.count("RCPT") <= 1
        if "RCPT" in commands:
            assert set(commands[commands.index("RCPT") + 1 :]) <= {"QUIT"}
    assert list(lab[0].messages.glob("*.eml")) == []


HOSTILE = (b"\x1b", b"\x07", b"\x9b", b"\x00")


@pytest.mark.parametrize("more", [(), ("-v",), ("--json",)], ids=["plain", "verbose", "json"])
def test_a_hostile_reply_cannot_move_the_cursor_nor_set_a_colour_or_a_title(more: tuple[str, ...]) -> None:
    result = mxscan("check", "me@hostile-replies.lab", "--from", SENDER, "--lab", *more)
    assert result.returncode == 1, result.stderr.decode()
    assert not any(octet in result.stdout + result.stderr for octet in HOSTILE)
    assert b"\\x1B" in result.stdout or b"\\\\x1B" in result.stdout  # it is told, and inert


WRONG = [
    ("an address with a line end", ("me@good.lab\r\nRCPT TO:<you@good.lab>",), "position 12"),
    ("a sender with a line end", ("me@good.lab", "--from", "you@sender.lab\nDATA"), "position 15"),
    ("an octet that ends a C string is refused", ("me@good.lab", "--from", "y\x7fou@sender.lab"), "position 2"),
    ("an EHLO name with a line end", ("me@good.lab", "--ehlo-name", "a.example\r\nQUIT"), "--ehlo-name: CR at"),
    ("no address at all", (), "Missing argument"),
    ("two senders", ("you@sender.lab", "me@good.lab", "--from", "you@sender.lab"), "given twice"),
]


@pytest.mark.parametrize(("why", "arguments", "said"), WRONG, ids=[case[0] for case in WRONG])
def test_wrong_arguments_are_refused_with_their_place_before_anything_is_sent(
    why: str, arguments: tuple[str, ...], said: str
) -> None:
    result = mxscan("check", "--lab", *arguments)
    assert result.returncode == 2, why
    assert said in result.stderr.decode()
    assert result.stdout == b""


@pytest.mark.parametrize("more", [(), ("-v",)], ids=["rows", "dialogue"])
def test_a_hostile_greeting_cannot_move_the_cursor_nor_set_a_colour_or_a_title(more: tuple[str, ...]) -> None:
    result = mxscan("check", "hostile-greeting.lab", "--lab", *more)
    assert result.returncode == 0, result.stderr.decode()
    assert not any(octet in result.stdout + result.stderr for octet in HOSTILE)
    assert (b"]0;owned" in result.stdout) is bool(more)  # a dialogue tells it, and it is inert


def test_colours_are_for_terminals_only() -> None:
    assert b"\x1b[" not in mxscan("check", "good.lab", "--lab").stdout


def test_a_closed_output_ends_it_quietly() -> None:
    result = mxscan("check", "good.lab", "--lab", prefix=("sh", "-c", '"$@" | head -1', "sh"))
    assert (result.returncode, result.stderr) == (0, b"")


def test_nothing_is_opened_outside_of_an_event_loop(tmp_path: Path) -> None:
    # Who asks for a loop where none runs is given one by Python, and leaves it open; unless there was one before.
    program = (
        "import asyncio, sys; asyncio.set_event_loop(None); from scanner.cli import run; sys.exit(run(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "check", "good.lab", "--lab", "--loop", "asyncio"]
    result = subprocess.run(command, capture_output=True, env=ENVIRONMENT, check=False, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, b"")
