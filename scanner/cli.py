"""The command line: names the commands, imports the one that is asked for, turns failures into exit codes."""

import contextlib
import errno
import importlib
import io
import os
import sys
import traceback
from typing import Any, NoReturn, TextIO

import click

from scanner import __version__
from scanner.exit_codes import BUG, OK, OURS

#: name → (module, short help): enough for `--help`, which imports nothing of what the commands need.
COMMANDS = {
    "scan": ("scanner.commands.scan", "Scan a list of domains: MX, SMTP, STARTTLS and certificates."),
    "judge": ("scanner.commands.judge", "Judge a run again, with this version's rules; no network."),
    "show": ("scanner.commands.show", "Show a domain of a run: its record and its transcripts."),
    "check": ("scanner.commands.check", "Find out why mail to an address fails, step by step."),
    "send": ("scanner.commands.send", "Send a test message and show every word, with the reason if it fails."),
    "watch": ("scanner.commands.watch", "Watch a portfolio and tell what changed."),
    "diff": ("scanner.commands.diff", "Tell what changed from one run to another."),
    "preflight": ("scanner.commands.preflight", "Check whether this place is fit to scan from."),
    "lab": ("scanner.commands.lab", "Serve the embedded mail world on loopback until Ctrl-C."),
    "schema": ("scanner.commands.schema", "Print the JSON Schema of a record."),
}


_TOO_MANY_OPEN = frozenset({errno.EMFILE, errno.ENFILE})
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="mxscan")
def mxscan() -> None:
    """Scan mail deployments: where domains receive mail, and what their servers do and say."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """The console script. Ends the process with one of the exit codes."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Runs a command and returns its exit code."""
    _have_all_three_descriptors()
    _escape_what_stdout_cannot_say()
    try:
        return _call(arguments)
    except BrokenPipeError:
        # Whoever read our output has had enough: nothing is wrong, and nothing more can be said.
        _send_to_nowhere(sys.stdout)
        return OK
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if error.errno in _TOO_MANY_OPEN:
            _say(f"{error.strerror}: raise the limit (ulimit -n), or end what else runs here")
            return OURS
        if error.errno not in _DISK_FULL:
            return _bug()
        _send_to_nowhere(sys.stdout)
        _say(f"the output could not be written: {error.strerror}")
        return OURS
    except Exception:  # noqa: BLE001 - the last place: a bug of ours is told as one
        return _bug()


def _call(arguments: list[str]) -> int:
    try:
        result: Any = mxscan.main(arguments, prog_name="mxscan", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.exceptions.Abort:
        return 130
    except SystemExit:
        # click's own, for a closed stdout: nobody else here ends the process.
        raise BrokenPipeError from None
    return result if isinstance(result, int) else OK


def _have_all_three_descriptors() -> None:
    """Opens what was closed (`>&-`): else the first file of a run would take its place, and get our output."""
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            assert opened == descriptor
            setattr(sys, name, os.fdopen(opened, mode, closefd=False))


def _escape_what_stdout_cannot_say() -> None:
    """An arrow that the terminal's character set lacks is escaped, as on stderr; it must not end a command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _send_to_nowhere(stream: TextIO) -> None:
    """Whatever is still buffered for a stream is thrown away, at exit too."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _bug() -> int:
    traceback.print_exc()
    _say("this is a bug of mxscan: please report it with the lines above")
    return BUG


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        click.echo(f"mxscan: {text}", err=True)
