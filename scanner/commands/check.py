"""`mxscan check`: does mail from this sender get to this recipient, and if not, at which step?"""

from pathlib import Path
from typing import Any

import click
import orjson

from scanner.commands.arguments import refuse_controls
from scanner.commands.check_options import check_options
from scanner.commands.check_request import parse_request
from scanner.commands.check_run import CheckRun
from scanner.commands.check_screen import CheckScreen
from scanner.commands.failures import tells_failures
from scanner.commands.foreground_options import FOREGROUND_SETTINGS
from scanner.commands.scan_options import NOT_WITH_LAB, given_options, setting_values
from scanner.commands.settings_source import FOREGROUND_LAYER, load_settings
from scanner.diagnosis.answer import Answer
from scanner.report.check_json import check_object
from scanner.report.check_text import render_answer, render_findings


@click.command("check", short_help="Find out why mail to an address fails.")
@click.argument("addresses", nargs=-1, required=True, metavar="[SENDER] RECIPIENT")
@check_options
@tells_failures
def command(*, addresses: tuple[str, ...], sender: str | None, config: Path | None, **options: Any) -> int:
    """Find out whether mail from SENDER gets to RECIPIENT, and if not, at which step it fails.

    RECIPIENT is an address, or a domain if no mailbox is to be asked about. Told as it happens: the addresses, the
    zone, the sender's domain, the mail route, then every address of every MX in order of preference: connect,
    greeting, EHLO, STARTTLS, and MAIL FROM and RCPT TO if both addresses are given. No message is ever sent.

    Exit code 0: mail gets through; 1: it does not, or there is something to repair; 3: not known (yet); 4: it is us:
    this host, its network or its address.
    """
    request = parse_request(addresses, sender)
    refuse_controls({"config": config, **options})
    lab = any(options[name] for name in ("lab", "lab_world", "lab_real_limits"))
    if lab and (refused := given_options({name: options[name] for name in NOT_WITH_LAB})):
        raise click.UsageError(f"the lab has its own: leave out {', '.join(refused)}")
    settings = load_settings(config, setting_values(options, FOREGROUND_SETTINGS), lab=lab, layer=FOREGROUND_LAYER)
    screen = CheckScreen(verbose=options["verbose"], as_json=options["as_json"], colour=not options["no_color"])
    check = CheckRun(request, settings, screen, lab=lab)
    answer = check.run(options["save"])
    if options["as_json"]:
        _print_json(check, screen, answer)
    else:
        _show_end(check, screen, answer)
    return answer.exit_code


def _print_json(check: CheckRun, screen: CheckScreen, answer: Answer) -> None:
    found = check_object(
        check.question,
        screen.seen,
        answer,
        times=check.times,
        ehlo_name=check.settings.probe.ehlo_name,
        record=check.record,
        canaries=check.canaries,
    )
    click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))


def _show_end(check: CheckRun, screen: CheckScreen, answer: Answer) -> None:
    screen.show(render_answer(answer), folds=True)
    findings = None if check.record is None else render_findings(check.record)
    if findings is not None:
        screen.show("")
        screen.show(findings)
