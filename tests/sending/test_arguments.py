"""What is typed wrong is told in one line with its place, before anything is said to anybody."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from scanner.cli import run as run_command
from scanner.commands.send import command
from scanner.commands.send_errors import RequestError
from scanner.commands.send_request import Relay, parse_relay
from tests.net.scripted import new_address


class Eavesdropper:
    """A DNS server and a mail server at one address, that only listen."""

    def __init__(self) -> None:
        address = new_address()
        self.relay, self.resolver = socket.create_server((address, 0)), socket.socket(type=socket.SOCK_DGRAM)
        self.resolver.bind((address, 0))
        for each in (self.relay, self.resolver):
            each.setblocking(False)
        self.relay_at = f"{address}:{self.relay.getsockname()[1]}"
        self.resolver_at = f"{address}:{self.resolver.getsockname()[1]}"

    def heard(self) -> list[str]:
        """Who heard something."""
        heard = []
        for name, listen in (("relay", self.relay.accept), ("resolver", lambda: self.resolver.recv(512))):
            try:
                listen()
                heard.append(name)
            except BlockingIOError:
                pass
        return heard

    def close(self) -> None:
        self.relay.close()
        self.resolver.close()


Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Refused]:
    """Runs the command towards listeners that must hear nothing; its one line of error."""
    monkeypatch.chdir(tmp_path)
    eavesdropper = Eavesdropper()

    def run(*arguments: str) -> str:
        given = dict.fromkeys(argument for argument in arguments if argument.startswith("--"))
        common = {
            "--from": "me@x.test",
            "--to": "you@x.test",
            "--dns": eavesdropper.resolver_at,
            "--relay": eavesdropper.relay_at,
            "--allow-network": "127.0.0.0/8",
        }
        defaults = [word for name, value in common.items() if name not in given for word in (name, value)]
        code = run_command(["send", *arguments, *defaults])
        captured = capsys.readouterr()
        assert (code, captured.out) == (2, "")
        assert captured.err.count("\n") == 1 or captured.err.startswith("Usage:")
        assert captured.err.replace("\n", "").isprintable()
        assert eavesdropper.heard() == []
        return captured.err

    yield run
    eavesdropper.close()


#: Every option that takes a text, with one that is fine but for what is put into it.
TEXTS = {
    "--to": "you@x.test",
    "--cc": "you@x.test",
    "--bcc": "you@x.test",
    "--from": "me@x.test",
    "--relay": "relay.test:587",
    "--user": "me@x.test",
    "--password-env": "PASSWORD",
    "--password-file": "password",
    "--client-cert": "me.pem",
    "--ca-file": "roots.pem",
    "--subject": "A test",
    "--body": "Hello you",
    "--body-file": "text",
    "--attach": "a file",
    "--header": "X-Ticket: 4711",
    "--dsn-notify": "success",
    "--dsn-envid": "4711",
    "--save": "kept",
    "--config": "config.toml",
    "--ehlo-name": "mx.example.org",
    "--dns": "127.0.0.1",
    "--source-address": "127.0.0.1",
    "--allow-network": "127.0.0.0/8",
    "--opt-out": "list",
    "--canary": "127.0.0.1",
    "--lab-world": "world.toml",
}
CONTROLS = {"CR": "\r", "LF": "\n", "NUL": "\0", "CRLF": "\r\nRCPT TO:<all@x.test>", "ESC": "\x1b[2J", "C1": "\x85"}


@pytest.mark.parametrize("control", CONTROLS.values(), ids=list(CONTROLS))
@pytest.mark.parametrize("option", TEXTS)
def test_no_argument_has_a_control(refused: Refused, option: str, control: str) -> None:
    text = TEXTS[option]
    for position in (0, 4, len(text)):
        said = refused(option, f"{text[:position]}{control}{text[position:]}")
        assert f"{option}: " in said
        assert f"at position {position + 1}" in said


def test_every_option_with_a_text_is_among_them() -> None:
    texts = {
        parameter.opts[-1] if parameter.opts[-1].startswith("--") else parameter.opts[0]
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.is_flag and parameter.type.name in ("text", "Path")
    }
    assert texts == set(TEXTS)


WRONG: list[tuple[str, tuple[str, ...], str]] = [
    ("no recipient", ("--to", ""), "--to"),
    ("a recipient without its domain", ("--to", "you"), "position 4"),
    ("two addresses in one", ("--to", "a@x.test,b@x.test"), "--to"),
    ("a sender that is none", ("--from", "me@"), "position 4"),
    ("no UTF-8", ("--subject", "a\udcff"), "no valid UTF-8 at position 2"),
    ("a literal that only IANA could explain", ("--to", "a@[tag:x]"), "no IP address"),
    ("a relay's port out of range", ("--relay", "relay.test:70000"), "from 1 to 65535"),
    ("a relay that is no name", ("--relay", "relay_.-test"), "--relay"),
    ("a URL for a relay", ("--relay", "smtp://relay.test"), "--relay"),
    ("a header without its colon", ("--header", "X-Ticket"), "no colon"),
    ("a header of ours", ("--header", "Content-Type: text/html"), "by mxscan itself"),
    ("Bcc in a header", ("--header", "Bcc: a@x.test"), "use --bcc"),
    ("a header twice", ("--header", "Reply-To: a@x.test", "--header", "Reply-To: b@x.test"), "once at most"),
    ("text twice", ("--body", "a", "--body-file", "b"), "--body or from --body-file"),
    ("a password twice", ("--user", "a", "--password-env", "A", "--password-file", "b"), "--password-env or"),
    ("a password for nobody", ("--password-env", "A"), "needs --user"),
    ("a mechanism for nobody", ("--auth", "PLAIN"), "needs --user"),
    ("no such variable", ("--user", "a", "--password-env", "NOT_THERE"), "no variable NOT_THERE"),
    ("a port beside a relay", ("--port", "25"), "--relay HOST:PORT"),
    ("a report never and on success", ("--dsn-notify", "never,success"), "never stands alone"),
    ("a report on nothing known", ("--dsn-notify", "arrival"), "success,failure,delay"),
    ("an envelope id that is no ASCII", ("--dsn-envid", "ü"), "--dsn-envid"),
    ("an envelope id too long", ("--dsn-envid", "=" * 40), "100 characters"),
    ("a file that is not there", ("--attach", "nothing"), "--attach nothing can't be read: No such file"),
    ("a directory", ("--attach", "."), "--attach . can't be read: Is a directory"),
    ("a text that is not there", ("--body-file", "nothing"), "--body-file nothing can't be read: No such file"),
    ("a directory for a text", ("--body-file", "."), "Is a directory"),
    ("a password file that is not there", ("--user", "a", "--password-file", "nothing"), "No such file"),
    ("a certificate that is not there", ("--client-cert", "nothing"), "No such file"),
    ("endless zeros", ("--attach", "/dev/zero"), "150 MiB together at most"),
    ("roots that are not there", ("--ca-file", "nothing"), "nothing can't be read"),
    ("settings that are not there", ("--config", "nothing"), "nothing can't be read"),
    ("no TLS, and to stop after it", ("--tls", "none", "--quit-after", "tls"), "leave out --tls none"),
    ("nobody signs in, and to stop after it", ("--quit-after", "auth"), "--quit-after auth needs --user"),
    ("the lab has its own", ("--lab", "--allow-network", "127.0.0.0/8"), "the lab has its own"),
    ("no such stage", ("--quit-after", "data"), "is not one of"),
    ("no such option", ("--password", "secret"), "No such option"),
]


@pytest.mark.parametrize(("arguments", "words"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_what_is_wrong_is_told_in_a_line(refused: Refused, arguments: tuple[str, ...], words: str) -> None:
    assert words in refused(*arguments)


def test_a_text_that_is_no_utf8_is_refused_with_its_line(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"a\nb\xff\n")
    assert "in line 2" in refused("--body-file", "text")


def test_a_password_without_a_relay_is_for_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["send", "--from", "a@x.test", "--to", "b@x.test", "--user", "a"]) == 2
    assert "--user is for a relay" in capsys.readouterr().err


def test_a_directory_that_cannot_be_made_is_our_side(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["send", "--from", "a@x.test", "--to", "b@x.test", "--save", "/dev/null/kept"]) == 4
    assert "can't be made" in capsys.readouterr().err


def test_a_recipient_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["send", "--from", "a@x.test"]) == 2
    assert "name a recipient" in capsys.readouterr().err


RELAYS: list[tuple[str, tuple[str, int | None]]] = [
    ("smtp.example.org", ("smtp.example.org", None)),
    ("SMTP.Example.org:587", ("smtp.example.org", 587)),
    ("bücher.example:465", ("xn--bcher-kva.example", 465)),
    ("127.0.0.1", ("127.0.0.1", None)),
    ("127.0.0.1:2525", ("127.0.0.1", 2525)),
    ("[::1]:25", ("::1", 25)),
    ("::1", ("::1", None)),
]


@pytest.mark.parametrize(("text", "parts"), RELAYS, ids=[row[0] for row in RELAYS])
def test_a_relay_is_a_host_and_perhaps_a_port(text: str, parts: tuple[str, int | None]) -> None:
    relay = parse_relay(text)
    assert isinstance(relay, Relay)
    assert (relay.host, relay.port) == parts


@pytest.mark.parametrize("text", ["", ":25", "host:", "host:0", "host:65536", "[::1", "a:b:c", "host:25:25", "1.2.3"])
def test_what_is_no_relay_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="--relay"):
        parse_relay(text)
