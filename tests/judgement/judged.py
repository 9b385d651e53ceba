"""A mail host judged, and what its units say in words."""

from collections.abc import Mapping, Sequence

from scanner.judgement.hosts import HostJudgement, judge_host
from scanner.records import Host, Mx, SessionRecord

from .claims import words
from .found import facts_of, mx, options
from .sessions import MX

NO_PLACE = "no - - - -"

#: Without a certificate of its own, the builder's good session has no chain to judge.
GOOD = "yes yes yes - -"


def judged(
    found: Host | None,
    sessions: Mapping[str, SessionRecord | Sequence[SessionRecord]] | None = None,
    *,
    of: Mx | None = None,
    max_addresses: int = 8,
    no_ipv6: bool = False,
    opt_out: str = "",
) -> HostJudgement:
    """The host behind an MX record of preference 10, from its lookups and its sessions by address."""
    facts = facts_of({(MX, address): one for address, one in (sessions or {}).items()})
    about = options(max_addresses=max_addresses, no_ipv6=no_ipv6, opt_out=opt_out)
    return judge_host(of or mx(), found, facts, about)


def units(host_judgement: HostJudgement) -> list[str]:
    return [words(unit.claims) for unit in host_judgement.units]


def unknown(reason: str) -> str:
    return " ".join(5 * [f"?{reason}"])
