"""What of a run must not depend on what went wrong while it was made: everything but times and session ids."""

from collections.abc import Set as AbstractSet
from pathlib import Path

from scanner.outcomes import FindingKind
from scanner.records import Domain
from tests.faults.invariant import records_of


def essence_of(run: Path, leaving_out: AbstractSet[FindingKind] = frozenset()) -> dict[str, object]:
    """Of each record of a run: route, hosts, how it ended at each address, verdicts, findings but some kinds."""
    return {record.domain or record.input: _essence(record, leaving_out) for record in records_of(run, Domain)}


def _essence(record: Domain, leaving_out: AbstractSet[FindingKind]) -> object:
    hosts = [
        (
            host.exchange,
            host.flags,
            host.a_status,
            host.aaaa_status,
            [(address.address, address.stage, address.outcome, address.flags) for address in host.addresses],
        )
        for host in record.mail_hosts
    ]
    findings = [(found.kind, found.severity, found.subject) for found in record.findings]
    return record.mail_route, hosts, record.verdicts, [found for found in findings if found[0] not in leaving_out]
