"""DNS servers without a network: they answer from a table and remember what they were asked."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from scanner.addresses import AddressPolicy, parse_address
from scanner.contact_policy import ContactPolicy
from scanner.diagnosis.steps import Step
from scanner.dns.server_answers import ServerAnswer, Transport
from scanner.lookup.dns_checks import DnsChecks
from scanner.opt_out import OptOut
from scanner.outcomes import DnsStatus
from tests.conftest import Run
from tests.dns_said import said


class Asked(NamedTuple):
    """A question that somebody was asked."""

    server: str
    name: str
    record_type: str
    transport: Transport
    recursion_desired: bool = True


#: (server, name, type) → the answer over both transports, or one for each; "" as a server is any other one.
Table = Mapping[tuple[str, str, str], ServerAnswer | tuple[ServerAnswer, ServerAnswer]]


class FakeAsker:
    """Answers from the table, the first question last; what is not in it does not exist."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.asked: list[Asked] = []

    async def ask(
        self, server: str, name: str, record_type: str, transport: Transport, *, recursion_desired: bool = True
    ) -> ServerAnswer:
        self.asked.append(Asked(server, name, record_type, transport, recursion_desired))
        for _ in range(max(0, 40 - len(self.asked))):
            await asyncio.sleep(0)
        question = (name, record_type)
        found = self._table.get((server, *question)) or self._table.get(("", *question))
        found = found or said(*question, status=DnsStatus.nxdomain)
        answer = found if isinstance(found, ServerAnswer) else found[transport is Transport.tcp]
        return replace(answer, server=server, name=name, transport=transport)


class Checking:
    """The checks over such servers: what they told, and whom they asked."""

    def __init__(
        self,
        run: Run,
        table: Table,
        *servers: str,
        allow: str = "",
        own: Iterable[str] = (),
        opt_out: OptOut | None = None,
        port: int = 53,
    ) -> None:
        self._run = run
        self._asker = FakeAsker(table)
        self.steps: list[Step] = []
        allowed = [allow] if allow else []
        policy = ContactPolicy(AddressPolicy(allowed), map(parse_address, own), lambda: opt_out or OptOut())
        self._checks = DnsChecks(self._asker, servers or ("9.9.9.9",), policy, self.steps.append, port=port)

    @property
    def told(self) -> list[str]:
        """A line a step."""
        return [f"{step.section} {step.result}: {step.said}" for step in self.steps]

    @property
    def asked(self) -> list[Asked]:
        return self._asker.asked

    def zone(self, domain: str) -> list[str]:
        self._run(self._checks.check_zone(domain))
        return self.told

    def sender(self, domain: str) -> list[str]:
        self._run(self._checks.check_sender(domain))
        return self.told

    def recipient(self, domain: str) -> list[str]:
        self._run(self._checks.check_recipient(domain))
        return self.told

    def reverse(self, address: str, *, is_ours: bool = True) -> list[str]:
        self._run(self._checks.check_reverse(address, is_ours=is_ours))
        return self.told
