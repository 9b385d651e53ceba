"""`mxscan send`: a test message through a relay or to the recipients' own servers, with every word that is said."""

import asyncio
import contextlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson
from OpenSSL import SSL
from rich.text import Text

from scanner.addresses import AddressPolicy
from scanner.commands.event_loop import chosen_loop
from scanner.commands.failures import tells_failures
from scanner.commands.foreground_options import FOREGROUND_SETTINGS
from scanner.commands.lab_scan import open_lab
from scanner.commands.scan_options import NOT_WITH_LAB, given_options, setting_values
from scanner.commands.send_credentials import read_credentials, use_client_certificate
from scanner.commands.send_errors import RequestError
from scanner.commands.send_message import Outgoing, compose_message, read_contents
from scanner.commands.send_options import send_options
from scanner.commands.send_request import SendRequest, parse_request, relay_port, tls_mode_for
from scanner.commands.send_run import Kit, SendRun
from scanner.commands.send_saving import SaveDirectory
from scanner.commands.send_screen import SendScreen
from scanner.commands.settings_source import FOREGROUND_LAYER, LAB_EHLO_NAME, load_settings
from scanner.commands.signals import stopping
from scanner.contact_policy import ContactPolicy
from scanner.diagnosis.send_answer import SendAnswer, answer_sending
from scanner.net.clock import SystemClock
from scanner.net.tls import probing_context
from scanner.outcomes import Outcome, TlsMode
from scanner.passes.opt_out_file import OptOutFile
from scanner.passes.progress import StopRequest
from scanner.passes.roots import RootsError, read_roots
from scanner.passes.run_directory import RunDirectory
from scanner.report.send_json import send_object
from scanner.report.send_text import render_answer
from scanner.settings import Settings
from scanner.smtp.sasl import Credentials
from scanner.times import utc_text
from scanner.tls.trust import TrustStore


@click.command("send", short_help="Send a test message, and show every word.")
@send_options
@tells_failures
def command(**options: Any) -> int:
    """Send a test message and show every word that is said, with the reason in plain words if it is not taken.

    With --relay it goes through that server, else to the recipients' own MX in order of preference. The password is
    never an argument: it is asked for, or comes from --password-env or --password-file, and stands in no output.

    Exit code 0: taken for every recipient, or stopped as asked; 1: refused; 3: not now, or not known; 4: it is us: this
    host, its network (a blocked port 25), its address.
    """
    request = parse_request(options)
    settings, is_lab = _settings(options)
    contents = read_contents(
        options["body"], options["body_file"], is_html=options["is_html"], attach=options["attach"]
    )
    outgoing = compose_message(
        request,
        contents,
        ehlo_name=settings.probe.ehlo_name or (LAB_EHLO_NAME if is_lab else ""),
        at=datetime.now(UTC).replace(microsecond=0),
        saved_at=None if options["save"] is None else options["save"].absolute(),
    )
    sending = _Sending(
        request=request,
        outgoing=outgoing,
        client_certificate=options["client_cert"],
        credentials=read_credentials(
            options["user"], options["password_env"], options["password_file"], options["relay"] or ""
        ),
        as_json=options["as_json"],
        screen=SendScreen(as_json=options["as_json"], colour=not options["no_color"]),
        save=None if options["save"] is None else SaveDirectory(options["save"]),
    )
    return sending.make(settings, is_lab=is_lab).exit_code


def _settings(options: Mapping[str, Any]) -> tuple[Settings, bool]:
    """The settings, and whether it is the lab's world that is sent in."""
    is_lab = any(options[name] for name in ("lab", "lab_world", "lab_real_limits"))
    if is_lab and (refused := given_options({name: options[name] for name in NOT_WITH_LAB})):
        raise RequestError(f"the lab has its own: leave out {', '.join(refused)}")
    values = setting_values(dict(options), FOREGROUND_SETTINGS)
    return load_settings(options["config"], values, lab=is_lab, layer=FOREGROUND_LAYER), is_lab


def _roots(ca_file: str) -> bytes:
    """The root certificates. Raises RequestError if the file that was named can't be used, RootsError for none."""
    try:
        return read_roots(ca_file)[1]
    except RootsError as error:
        if ca_file:
            raise RequestError(f"--ca-file: {error}") from error
        raise


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sending:
    """All that was asked for and read, before anything is said to anybody."""

    request: SendRequest
    outgoing: Outgoing
    client_certificate: Path | None
    credentials: Credentials | None
    as_json: bool
    screen: SendScreen
    save: SaveDirectory | None

    def make(self, settings: Settings, *, is_lab: bool) -> SendAnswer:
        """Sends, tells and keeps. Raises what commands.failures knows."""
        clock, stop = SystemClock(), StopRequest()
        began = clock.now_utc()
        with contextlib.ExitStack() as stack:
            stack.enter_context(stopping(stop))
            directory = RunDirectory(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mxscan-send-"))))
            with stop.at_once():  # and what was made for the sending is tidied up in peace
                if is_lab:
                    settings, _ = open_lab(directory, settings, stack)
                port = self._port(settings, is_lab=is_lab)
                kit = self._kit(settings, directory, port)
                run = SendRun(self.request, self.outgoing.forms, kit, self.screen, port)
                with asyncio.Runner(loop_factory=chosen_loop(settings)[1]) as runner:
                    runner.run(stop.abortable(run.send()))
        answer = answer_sending(run.deliveries, self.outgoing.message_id)
        said = self.outgoing.as_said({sent.record.message_sha256 for sent in run.sessions})
        found = self._object(run, answer, len(said), (utc_text(began), utc_text(clock.now_utc())))
        try:  # a full disk hides no answer, and who has read enough loses nothing of what is kept
            self._show(run, answer, found)
        finally:
            if self.save is not None:
                self.save.keep(said, self.screen.lines, found)
        return answer

    def _port(self, settings: Settings, *, is_lab: bool) -> int:
        relay = self.request.relay
        if relay is None or (is_lab and relay.port is None):
            return settings.probe.port
        return relay_port(relay, self.request.tls)

    def _kit(self, settings: Settings, directory: RunDirectory, port: int) -> Kit:
        clock = SystemClock()
        opt_out = OptOutFile.open(settings.probe.opt_out, directory, clock, lambda *_: None)
        return Kit(
            settings=settings,
            # Our own addresses are no reason against a server that somebody named, or whose mail is to be tried.
            policy=ContactPolicy(AddressPolicy(settings.probe.allow_networks), (), opt_out.current),
            clock=clock,
            roots=TrustStore(_roots(settings.trust.ca_file)),
            tls_context=self._tls_context(port),
            credentials=self.credentials,
        )

    def _tls_context(self, port: int) -> SSL.Context:
        context = probing_context()
        if tls_mode_for(self.request, port) is not TlsMode.opportunistic and not self.request.insecure:
            context.set_min_proto_version(SSL.TLS1_2_VERSION)  # RFC 8997 §3: who asks for TLS asks for 1.2
        if self.client_certificate is not None:
            use_client_certificate(context, self.client_certificate)
        return context

    def _object(self, run: SendRun, answer: SendAnswer, octets: int, times: tuple[str, str]) -> Mapping[str, Any]:
        """All of it as an object; the message that was said had so many octets."""
        relay = self.request.relay
        return send_object(
            answer,
            message={"message_id": self.outgoing.message_id, "octets": octets},
            relay=None if relay is None else relay.host,
            port=run.port,
            tls_mode=run.tls_mode,
            ehlo_name=run.ehlo_name,
            times=times,
            notes=self.screen.warnings,
            sessions=[sent.record for sent in run.sessions],
            transcripts=[sent.transcript for sent in run.sessions],
        )

    def _show(self, run: SendRun, answer: SendAnswer, found: Mapping[str, Any]) -> None:
        if self.as_json:
            click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        self.screen.show_end(Text())
        self.screen.show_end(render_answer(answer))
        for bug in {sent.bug for sent in run.sessions if sent.record.outcome is Outcome.scanner_bug and sent.bug}:
            click.echo(bug, err=True)
