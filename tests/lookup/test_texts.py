"""The TXT records of MTA-STS and TLS-RPT: where they are asked for, and what is kept of them."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from scanner.dns.answers import Answer
from scanner.lookup.texts import MAX_RECORDS, lookup_sts_record, lookup_tls_rpt_record
from scanner.net.resolver import Resolver
from scanner.outcomes import DnsStatus
from scanner.records import TxtLookup
from tests.lookup.fakes import FakeResolver

Lookup = Callable[[str, Resolver], Awaitable[TxtLookup]]

STS, RPT = b"v=STSv1; id=1;", b"v=TLSRPTv1; rua=mailto:a@b.test"


async def looked_up(lookup: Lookup, domain: str, resolver: Resolver) -> TxtLookup:
    return await lookup(domain, resolver)


@pytest.mark.parametrize(
    ("lookup", "name"),
    [(lookup_sts_record, "_mta-sts.a.test"), (lookup_tls_rpt_record, "_smtp._tls.a.test")],
)
def test_a_record_is_asked_for_where_its_rfc_says(lookup: Lookup, name: str) -> None:
    resolver = FakeResolver({}, {name: Answer(DnsStatus.ok, ((b"one",), (b"t", b"w\x00")))})
    text = asyncio.run(looked_up(lookup, "a.test", resolver))
    assert text == TxtLookup(dns_status=DnsStatus.ok, records=(("one",), ("t", r"w\x00")))
    assert resolver.asked == [(name, "TXT")]


@pytest.mark.parametrize("status", [DnsStatus.no_data, DnsStatus.nxdomain, DnsStatus.servfail, DnsStatus.local_fault])
def test_what_is_not_found_has_a_status(status: DnsStatus) -> None:
    resolver = FakeResolver({}, {"_mta-sts.a.test": Answer(status)})
    assert asyncio.run(looked_up(lookup_sts_record, "a.test", resolver)) == TxtLookup(dns_status=status)


@pytest.mark.parametrize(
    ("meant", "kept", "why"),
    [
        ([], [], "a wildcard's records, none of them meant"),
        ([STS], [STS], "one among many, found wherever it stands"),
        ([STS, STS], [STS, STS], "two: there must be exactly one, so both are kept"),
        ([b'"V=stsV1;id=1"'], [b'"V=stsV1;id=1"'], "one that is wrong, but was meant"),
        ([STS] * (MAX_RECORDS + 1), [STS] * MAX_RECORDS, "more than anybody needs to see that they are too many"),
    ],
)
def test_of_many_records_those_are_kept_that_may_be_meant(meant: list[bytes], kept: list[bytes], why: str) -> None:
    others = [b"v=spf1 -all %d" % number for number in range(40)]
    records = tuple((record,) for record in (*others, *meant))
    resolver = FakeResolver({}, {"_mta-sts.a.test": Answer(DnsStatus.ok, records)})
    text = asyncio.run(looked_up(lookup_sts_record, "a.test", resolver))
    expected = [*kept, *others][:MAX_RECORDS]
    assert [record for (record,) in text.records] == [octets.decode() for octets in expected], why


def test_each_text_is_known_by_its_own_version() -> None:
    records = (*(((b"x"),) for _ in range(MAX_RECORDS)), (STS,), (RPT,))
    resolver = FakeResolver({}, {"_smtp._tls.a.test": Answer(DnsStatus.ok, records)})
    text = asyncio.run(looked_up(lookup_tls_rpt_record, "a.test", resolver))
    assert text.records[0] == (RPT.decode(),)


def test_a_long_record_is_kept_whole() -> None:
    long = b"v=STSv1; id=1; x=" + b"y" * 20_000
    resolver = FakeResolver({}, {"_mta-sts.a.test": Answer(DnsStatus.ok, ((long,),))})
    assert asyncio.run(looked_up(lookup_sts_record, "a.test", resolver)).records == ((long.decode(),),)


def test_where_a_domain_leaves_no_room_for_the_name_nothing_is_published() -> None:
    resolver = FakeResolver({})
    domain = ".".join(["a" * 61] * 4)  # 247 characters: a domain, but no name with `_mta-sts.` before it
    assert asyncio.run(looked_up(lookup_sts_record, domain, resolver)) == TxtLookup(dns_status=DnsStatus.nxdomain)
    assert resolver.asked == []
