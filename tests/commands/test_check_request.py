"""What `mxscan check` takes for its addresses, and how it says what is wrong with them, before anything is sent."""

import click
import pytest

from scanner.cli import run as run_command
from scanner.commands.check import command
from scanner.commands.check_request import parse_request
from scanner.diagnosis.steps import StepResult
from scanner.smtp.mailboxes import path_of


@pytest.mark.parametrize(
    ("arguments", "sender", "reverse_path", "forward_path"),
    [
        (("me@example.org",), None, None, "<me@example.org>"),
        (("me@example.org",), "you@example.net", "<you@example.net>", "<me@example.org>"),
        (("me@example.org",), "<>", "<>", "<me@example.org>"),
        (("you@example.net", "me@example.org"), None, "<you@example.net>", "<me@example.org>"),
        (("<>", "me@example.org"), None, "<>", "<me@example.org>"),
    ],
)
def test_the_sender_comes_first_or_by_an_option(
    arguments: tuple[str, ...], sender: str | None, reverse_path: str | None, forward_path: str
) -> None:
    request = parse_request(arguments, sender)
    assert request.has_sender is (reverse_path is not None)
    if request.has_sender:
        assert path_of(request.sender) == reverse_path
    assert path_of(request.recipient) == forward_path
    assert (request.envelope is not None) is request.has_sender


def test_a_domain_alone_has_no_mailbox_to_ask_about() -> None:
    request = parse_request(("EXAMPLE.org.",), "you@example.net")
    assert (request.domain, request.recipient, request.envelope) == ("example.org", None, None)
    assert request.question(25).first == "Mail to example.org"


def test_an_address_literal_has_no_domain_to_look_up() -> None:
    request = parse_request(("me@[192.0.2.1]",), "you@[IPv6:2001:db8::1]")
    assert (request.domain, request.sender_domain) == (None, None)
    assert request.question(25).domain == "[192.0.2.1]"


def test_a_domain_of_another_script_is_asked_for_by_its_a_labels() -> None:
    assert parse_request(("me@bücher.example",), None).domain == "xn--bcher-kva.example"


REFUSED = [
    (("a", "b", "c"), None, "at most"),
    (("you@example.net", "me@example.org"), "you@example.net", "given twice"),
    (("me@example.org\r\nRCPT TO:<x@example.org>",), None, "position 15"),
    (("me@example.org",), "you\n@example.net", "position 4"),
    (("me@example.org",), "y\0ou@example.net", "position 2"),
    (("a..b@example.org",), None, "position 3"),
    (("me@exa mple.org",), None, "position 7"),
    (("not a domain",), None, "neither an address nor a domain"),
    (("192.0.2.1",), None, "neither an address nor a domain: to check the server at an IP address, write postmaster@["),
    (("[2001:db8::1]",), None, "write postmaster@[IPv6:2001:db8::1]"),
    (("ex\x1bample.org",), None, "“ex\\x1Bample.org” is neither"),
    (("me@example.org",), "", "sender: nothing"),
    (("me@[future:1]",), None, "IANA"),
]


@pytest.mark.parametrize(("arguments", "sender", "said"), REFUSED)
def test_what_is_no_address_is_refused_with_its_place(
    arguments: tuple[str, ...], sender: str | None, said: str
) -> None:
    with pytest.raises(click.UsageError) as refused:
        parse_request(arguments, sender)
    assert said in refused.value.message
    # What is shown is inert: the line ends are ours.
    assert all(part.isprintable() for part in refused.value.message.split("\n"))


def test_the_place_is_pointed_at() -> None:
    with pytest.raises(click.UsageError) as refused:
        parse_request(("a..b@example.org",), None)
    _, text, caret = refused.value.message.split("\n")
    assert text[caret.index("^")] == "."


@pytest.mark.parametrize(
    ("arguments", "sender", "results"),
    [
        (("me@example.org",), "you@example.net", [StepResult.passed, StepResult.passed]),
        (("me@example.org",), None, [StepResult.passed, StepResult.information]),
        (("example.org",), None, [StepResult.information]),
    ],
)
def test_what_is_said_of_the_addresses(
    arguments: tuple[str, ...], sender: str | None, results: list[StepResult]
) -> None:
    assert [step.result for step in parse_request(arguments, sender).steps()] == results


def test_an_address_that_needs_smtputf8_is_said_to() -> None:
    steps = parse_request(("jörg@example.org",), None).steps()
    assert "SMTPUTF8" in steps[0].said


TEXTS = {
    parameter.opts[-1]
    for parameter in command.params
    if isinstance(parameter, click.Option) and not parameter.is_flag and parameter.type.name in ("text", "Path", "path")
} - {"--from"}


@pytest.mark.parametrize("control", ["\r", "\n", "\0", "\x1b[2J", "\x85"], ids=["CR", "LF", "NUL", "ESC", "C1"])
@pytest.mark.parametrize("option", sorted(TEXTS))
def test_no_option_has_a_control(option: str, control: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(TEXTS) >= 10
    assert run_command(["check", "me@example.org", "--dns", "127.0.0.1", option, f"ab{control}"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{option}: " in said.err
    assert "at position 3" in said.err
    assert said.err.replace("\n", "").isprintable()
