"""Our name for EHLO where nobody gave one: this host's own, if it is one that others can look up."""

import asyncio

from scanner.names import InvalidName, parse_domain
from scanner.net.questions import Questions
from scanner.outcomes import DnsStatus


async def lookup_own_name(hostname: str, questions: Questions) -> str | None:
    """The host's name if it is fully qualified and has an address (RFC 5321 §4.1.1.1), else None.

    The system is not asked what it would like to be called: getfqdn waits for resolvers that nobody named.
    """
    try:
        name = parse_domain(hostname)
    except InvalidName:
        return None
    if "." not in name:
        return None
    replies = await asyncio.gather(questions.ask(name, "A"), questions.ask(name, "AAAA"))
    return name if any(reply.status is DnsStatus.ok and reply.records for reply in replies) else None
