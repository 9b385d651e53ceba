"""Looking a mail host up again before a session: what DANE senders find is asked for again as well."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from scanner.addresses import AddressPolicy
from scanner.contact_policy import ContactPolicy
from scanner.dns.answers import Answer
from scanner.judgement.targets import server_name_of
from scanner.lookup.tls_discovery import TlsDiscovery
from scanner.outcomes import DnsStatus
from scanner.passes.parts_writer import PartsWriter
from scanner.passes.published import PublishedAddresses
from scanner.passes.target_plan import TargetPlan
from scanner.policy.tlsa import parse_text
from scanner.records import Host, Target
from tests.lookup.fakes import ABSENT, SECURE, FakeResolver, FakeValidated, Question

RECORD = f"3 1 1 {'ab' * 32}"
ADDRESS = Answer(DnsStatus.ok, ("192.0.2.1",), cname_chain=("real.test",))
A, TLSA = ("mx.test", "A"), ("_25._tcp.real.test", "TLSA")


def looked_up_again(answers: dict[Question, Answer[Any]] | None) -> tuple[Host, Host]:
    """`mx.test`, an alias that was asked for as `real.test`: what is written, and what is planned with."""
    written: list[Host] = []
    planned: list[Host] = []
    policy = ContactPolicy(AddressPolicy())
    plan = SimpleNamespace(
        asked_at={"real.test": 0.0}, exchanges={"real.test": "mx.test"}, add=lambda host, _: planned.append(host)
    )
    discovery = TlsDiscovery(FakeValidated(answers), 25, policy) if answers is not None else None

    def fresh_resolver() -> FakeResolver:
        return FakeResolver({A: ADDRESS})

    published = PublishedAddresses(cast("TargetPlan", plan), cast("Any", fresh_resolver), policy, discovery)
    published.write_to(
        cast("PartsWriter[Host]", SimpleNamespace(append=written.append)), cast("PartsWriter[Target]", None)
    )
    assert asyncio.run(published.has("192.0.2.1", "real.test", 1.0))
    return written[0], planned[0]


#: What the validating resolver says now (None: there is none), the TLSA records written, the name asked for.
AGAIN: list[tuple[dict[Question, Answer[Any]] | None, tuple[str, ...], str, str]] = [
    ({A: SECURE, TLSA: Answer(DnsStatus.ok, (parse_text(RECORD),), ad=True)}, (RECORD,), "real.test", "as before"),
    ({A: SECURE, TLSA: ABSENT}, (), "mx.test", "its records are gone"),
    ({A: SECURE, TLSA: Answer(DnsStatus.timed_out)}, (), "real.test", "not known now: the earlier answer stands"),
    ({A: Answer(DnsStatus.timed_out)}, (), "real.test", "nor whether it is secure"),
    (None, (), "real.test", "a resumed run without a resolver that validates"),
]


@pytest.mark.parametrize(("answers", "records", "server_name", "why"), AGAIN, ids=[row[-1] for row in AGAIN])
def test_the_tlsa_records_are_looked_up_with_the_addresses(
    answers: dict[Question, Answer[Any]] | None, records: tuple[str, ...], server_name: str, why: str
) -> None:
    written, planned = looked_up_again(answers)
    assert tuple(record for lookup in written.tlsa or () for record in lookup.records) == records
    assert server_name_of(planned) == server_name, why
