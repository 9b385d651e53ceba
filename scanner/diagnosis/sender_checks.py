"""Would a reply and a bounce come back? Where the sender's domain receives mail → a step."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from scanner.diagnosis.dns_words import listed
from scanner.diagnosis.steps import Section, Step, StepResult
from scanner.dns.answers import Answer
from scanner.dns.mail_routes import MailRoute, select_mail_route
from scanner.dns.server_answers import ServerAnswer
from scanner.names import is_host_name
from scanner.outcomes import RouteKind

#: Mail hosts of the sender whose addresses are asked for, best preference first: one is enough for a bounce.
MAX_HOSTS = 5

_BOUNCES_ARE_LOST = "replies and bounces are lost, and many servers refuse such a sender"


def select_route(domain: str, mx: ServerAnswer, addresses: Iterable[ServerAnswer]) -> MailRoute:
    """Where a domain receives mail, from the answers for its MX and, if it has none, for its A and AAAA."""
    statuses = tuple(answer.dns_status for answer in addresses)
    return select_mail_route(domain, Answer(mx.dns_status, mx.exchanges), statuses, MAX_HOSTS)


def judge_sender(
    domain: str,
    route: MailRoute,
    addresses: Mapping[str, Sequence[ServerAnswer]],
    is_public: Callable[[str], bool],
) -> Step:
    """Whether mail to the sender's domain finds a host; `addresses` has the answers for each mail host's.

    An address that is not public is none for those who would send the reply. Who is not in it was not asked for.
    """
    match route.kind:
        case RouteKind.nxdomain:
            return _failed(f"{domain} does not exist", f"send from a domain that exists: {_BOUNCES_ARE_LOST}")
        case RouteKind.no_mail_host:
            return _failed(f"{domain} has neither MX nor address", f"publish its MX: {_BOUNCES_ARE_LOST}")
        case RouteKind.null_mx:
            # RFC 7505 §4.2: such a domain SHOULD NOT be a reverse path, and may be refused with 550 5.7.27.
            return _failed(f"{domain} takes no mail (null MX, RFC 7505)", f"send from another: {_BOUNCES_ARE_LOST}")
        case RouteKind.mx | RouteKind.implicit_mx:
            return _judge_hosts(domain, route, addresses, is_public)
        case _:
            said = f"where {domain} receives mail could not be found out ({route.dns_status.replace('_', ' ')})"
            return Step(Section.sender, StepResult.unknown, said, "ask another resolver by --dns")


def _judge_hosts(
    domain: str,
    route: MailRoute,
    addresses: Mapping[str, Sequence[ServerAnswer]],
    is_public: Callable[[str], bool],
) -> Step:
    answers = {host.exchange: addresses.get(host.exchange, ()) for host in route.hosts}
    found = {exchange: [text for answer in said for text in answer.texts] for exchange, said in answers.items()}
    if ways := _listed_hosts({host: list(filter(is_public, texts)) for host, texts in found.items()}):
        by = "its own address" if route.kind is RouteKind.implicit_mx else "MX"
        said = f"replies and bounces to {domain} come back, by {by}: {ways}"
        return Step(Section.sender, StepResult.passed, said)
    if any(not answer.is_usable for each in answers.values() for answer in each) or _leaves_out(route, addresses):
        said = f"the addresses of the mail hosts of {domain} could not be found out: {listed(answers)}"
        return Step(Section.sender, StepResult.unknown, said, "ask another resolver by --dns")
    if private := _listed_hosts(found):
        said = f"no mail host of {domain} has a public address: {private}"
    else:
        said = f"no mail host of {domain} has an address: {listed(answers)}"
    return _failed(said, f"give its mail hosts public addresses: {_BOUNCES_ARE_LOST}")


def _leaves_out(route: MailRoute, addresses: Mapping[str, Sequence[ServerAnswer]]) -> bool:
    """Whether nobody was asked for a mail host that may well have addresses: its owner opted out."""
    return any(
        host.exchange not in addresses and not host.flags and is_host_name(host.exchange) for host in route.hosts
    )


def _listed_hosts(found: Mapping[str, Sequence[str]]) -> str:
    return listed(f"{exchange} ({listed(texts)})" for exchange, texts in found.items() if texts)


def _failed(said: str, what_to_do: str) -> Step:
    return Step(Section.sender, StepResult.failed, said, what_to_do)
