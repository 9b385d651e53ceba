"""`mxscan show`: one domain of a run, with every word that was said."""

from pathlib import Path

import click

from scanner.commands.failures import tells_failures
from scanner.commands.output import show
from scanner.exit_codes import OK
from scanner.names import InvalidName, parse_domain
from scanner.passes.run_directory import RunDirectory, RunError
from scanner.records import Domain, SessionRecord, Transcript
from scanner.report.domain_text import render_domain


@click.command("show", short_help="Show a domain of a run.")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("domain")
@tells_failures
def command(run: Path, domain: str) -> int:
    """Show DOMAIN of RUN: its mail route, verdicts and findings, and the transcript of every session."""
    directory = RunDirectory.open(run)
    record = _find(directory, domain)
    wanted = {name for host in record.mail_hosts for address in host.addresses for name in address.sessions}
    # The last line of a session counts.
    sessions = {session.session: session for session in directory.read(SessionRecord) if session.session in wanted}
    transcripts = {said.session: said for said in directory.read(Transcript) if said.session in wanted}
    show(render_domain(record, list(sessions.values()), transcripts), soft_wrap=True)
    return OK


def _find(directory: RunDirectory, text: str) -> Domain:
    try:
        domain = parse_domain(text)
    except InvalidName as error:
        raise RunError(f"{text!r} is no domain: {error}") from error
    if not directory.has("domains.jsonl"):
        raise RunError(f"{directory.path} has not been judged yet: mxscan judge {directory.path}")
    for record in directory.read(Domain):
        if record.domain == domain:
            return record
    raise RunError(f"{domain} is not in this run; its domains: jq -r .domain {directory.path}/domains.jsonl")
