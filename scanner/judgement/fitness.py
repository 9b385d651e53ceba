"""Is this place fit to scan from? What was seen of it → checks, each with what to do if it is not well."""

from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from scanner.addresses import parse_address
from scanner.outcomes import DnsStatus


class CheckResult(StrEnum):
    """`failed`: results would be wrong; `warning`: some will be missing, or servers may take offence."""

    ok = "ok"
    warning = "warning"
    failed = "failed"
    not_known = "not_known"


class Check(Struct, frozen=True):
    """One thing that was looked at: what was seen, and what to do about it."""

    name: str
    result: CheckResult
    said: str
    what_to_do: str = ""


#: Lists longer than this are more than a shared resolver should be asked for.
LONG_LIST = 10_000

#: Resolvers open to everybody: they limit the rate of each client, and answer with servers near to themselves.
PUBLIC_RESOLVERS = {
    address: operator
    for operator, addresses in {
        "Google": ("8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844"),
        "Cloudflare": ("1.1.1.1", "1.0.0.1", "2606:4700:4700::1111", "2606:4700:4700::1001"),
        "Quad9": ("9.9.9.9", "149.112.112.112", "2620:fe::fe", "2620:fe::9"),
        "OpenDNS": ("208.67.222.222", "208.67.220.220", "2620:119:35::35", "2620:119:53::53"),
        "Verisign": ("64.6.64.6", "64.6.65.6", "2620:74:1b::1:1", "2620:74:1c::2:2"),
        "AdGuard": ("94.140.14.14", "94.140.15.15", "2a10:50c0::ad1:ff", "2a10:50c0::ad2:ff"),
        "Control D": ("76.76.2.0", "76.76.10.0", "2606:1a40::", "2606:1a40:1::"),
    }.items()
    for address in addresses
}

#: Where systemd-resolved listens: it forwards everything to somebody else, and keeps little.
STUB_RESOLVERS = frozenset({"127.0.0.53", "127.0.0.54"})

#: An answer, also one that says that there is nothing.
ANSWERED = frozenset({DnsStatus.ok, DnsStatus.no_data, DnsStatus.nxdomain})
_NOTHING = frozenset({DnsStatus.no_data, DnsStatus.nxdomain})


# Our name ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EhloNameFacts:
    """What the DNS says about our name. `sources` are the addresses that servers see, as far as they are known.

    `reverse` has, for each address that was looked at, the names that its PTR gives and whether one of them
    is our name or leads back to the address.
    """

    name: str
    statuses: tuple[DnsStatus, ...] = ()
    addresses: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    reverse: tuple["Reverse", ...] = ()


@dataclass(frozen=True, slots=True)
class Reverse:
    """The reverse mapping of one of our addresses."""

    address: str
    status: DnsStatus
    names: tuple[str, ...] = ()
    leads_back: bool = False


_A_NAME = "name a host of yours by --ehlo-name, with A or AAAA records that are this machine's public addresses"


def judge_ehlo_name(facts: EhloNameFacts) -> Check:
    """RFC 5321 §4.1.4: the name in EHLO is resolvable; and what receivers ask beyond that: it is us, both ways."""
    result, said, what_to_do = _name_to_address(facts)
    if result is CheckResult.ok:
        result, said, what_to_do = _address_to_name(facts, said)
    return Check("ehlo_name", result, said, what_to_do)


def _name_to_address(facts: EhloNameFacts) -> tuple[CheckResult, str, str]:
    if not facts.name:
        return CheckResult.failed, "no name is set", _A_NAME
    if not facts.addresses:
        if facts.statuses and _NOTHING.issuperset(facts.statuses):
            return CheckResult.failed, f"{facts.name} has no address in the DNS ({facts.statuses[0]})", _A_NAME
        return CheckResult.not_known, f"{facts.name} could not be looked up ({', '.join(facts.statuses)})", ""
    said = f"{facts.name} is {', '.join(facts.addresses)}"
    elsewhere = [source for source in facts.sources if source not in facts.addresses]
    if elsewhere:
        return (
            CheckResult.warning,
            f"{said}, but our sessions come from {', '.join(elsewhere)}",
            "behind NAT, see that the name is the public address; else give this host's own name by --ehlo-name",
        )
    return CheckResult.ok, said, ""


def _address_to_name(facts: EhloNameFacts, said: str) -> tuple[CheckResult, str, str]:
    for reverse in facts.reverse:
        if reverse.status not in ANSWERED:
            return CheckResult.not_known, f"{said}; the PTR of {reverse.address} failed ({reverse.status})", ""
        if not reverse.names:
            return (
                CheckResult.warning,
                f"{said}; {reverse.address} has no PTR record, and many servers refuse such clients",
                f"have the owner of {reverse.address} set its PTR to {facts.name}",
            )
        if not reverse.leads_back:
            return (
                CheckResult.warning,
                f"{said}; the PTR of {reverse.address} is {', '.join(reverse.names)}, which does not lead back",
                f"have the owner of {reverse.address} set its PTR to {facts.name}",
            )
    if not facts.sources:
        return CheckResult.not_known, f"{said} and back; that this is us shows in the first session", ""
    return CheckResult.ok, f"{said} and back", ""


# Families, descriptors --------------------------------------------------------------------------------


def judge_families(*, ipv4: bool, ipv6: bool) -> tuple[Check, Check]:
    """Whether each address family has an address and a route."""
    if not (ipv4 or ipv6):
        no_network = "this machine has no network: no address with a route that leaves it"
        return (
            Check("ipv4", CheckResult.failed, no_network, "connect it, or try --lab, which needs none"),
            Check("ipv6", CheckResult.failed, no_network),
        )
    missing = "no address with a route: {} addresses will be unknown({})"
    return (
        Check("ipv4", CheckResult.ok, "an address and a route")
        if ipv4
        else Check("ipv4", CheckResult.warning, missing.format("IPv4", "local_fault"), "scan from a host with IPv4"),
        Check("ipv6", CheckResult.ok, "an address and a route")
        if ipv6
        else Check("ipv6", CheckResult.warning, missing.format("IPv6", "no_ipv6"), "scan from a host with IPv6"),
    )


def judge_descriptors(wanted: int, width: int, open_files: int) -> Check:
    """Whether the width that was asked for fits into the open files that this process may have."""
    if width < wanted:
        return Check(
            "descriptors",
            CheckResult.warning,
            f"width lowered to {width}, from {wanted}: only {open_files} open files are allowed (ulimit -n)",
            "raise the hard limit (ulimit -Hn), or say a lower --width",
        )
    return Check("descriptors", CheckResult.ok, f"enough open files for {width} sessions at a time")


# The resolver -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ResolverFacts:
    """What the DNS servers of a run, by their addresses, said; `is_system` if no setting names them.

    `statuses` are those of plain questions, `invented` has names that can't exist, and their addresses;
    `registry` the same for a random name in our own top-level domain, whose registry may have a wildcard.
    """

    servers: tuple[str, ...]
    statuses: tuple[DnsStatus, ...]
    is_system: bool = False
    invented: tuple[tuple[str, str], ...] = ()
    registry: tuple[tuple[str, str], ...] = ()
    validates: bool | None = None


def judge_resolver(facts: ResolverFacts, domains: int) -> tuple[Check, ...]:
    """Whether it answers, tells the truth, validates, and is fit for a list of so many domains."""
    answers = _answers(facts)
    if answers.result is CheckResult.failed:
        return (answers,)
    return answers, _honest(facts), _validates(facts), _fit_for(facts, domains)


def _answers(facts: ResolverFacts) -> Check:
    servers = ", ".join(facts.servers) or "none"
    if ANSWERED.isdisjoint(facts.statuses):
        said = f"{servers}: no answer to any question ({', '.join(sorted(set(facts.statuses)))})"
        return Check("resolver", CheckResult.failed, said, "name a DNS server that answers this host by --dns")
    return Check("resolver", CheckResult.ok, f"{servers} answers")


def _honest(facts: ResolverFacts) -> Check:
    name = "resolver_honest"
    for asked, answer in facts.invented:
        return Check(
            name,
            CheckResult.failed,
            f"{asked} can't exist, and the resolver says {answer}: every domain that is gone would look alive",
            "use another resolver by --dns, best one of your own on this host",
        )
    for asked, answer in facts.registry:
        return Check(
            name,
            CheckResult.warning,
            f"{asked} should not exist, and is {answer}: the registry's wildcard, or the resolver's invention",
            "compare with another resolver",
        )
    return Check(name, CheckResult.ok, "names that can't exist do not")


def _validates(facts: ResolverFacts) -> Check:
    name = "resolver_validates"
    match facts.validates:
        case None:
            return Check(name, CheckResult.not_known, "the root could not be asked for")
        case True:
            return Check(name, CheckResult.ok, "answers are validated (AD)")
        case False:
            return Check(
                name,
                CheckResult.warning,
                "answers are not validated (no AD for the root): DANE will not be known",
                "use a validating resolver on this host, e.g. unbound, by --dns 127.0.0.1",
            )


def _fit_for(facts: ResolverFacts, domains: int) -> Check:
    name = "resolver_size"
    shared = [f"{server} is {what}" for server in facts.servers if (what := _shared_by_others(server, facts))]
    if not shared or domains <= LONG_LIST:
        return Check(name, CheckResult.ok, f"fit for {domains} domains")
    return Check(
        name,
        CheckResult.warning,
        f"{'; '.join(shared)}: not made for {domains} domains, its limits would look like DNS failures",
        "run a recursive resolver on this host, e.g. unbound, and name it by --dns 127.0.0.1",
    )


def _shared_by_others(server: str, facts: ResolverFacts) -> str | None:
    if server in PUBLIC_RESOLVERS:
        return f"a public resolver ({PUBLIC_RESOLVERS[server]})"
    if server in STUB_RESOLVERS:
        return "a stub that forwards"
    if facts.is_system and not parse_address(server.partition("%")[0]).is_loopback:
        return "the system's, which is shared with others"
    return None
