"""Zones whose answers change from question to question, and lines that stand for many."""

import dns.rcode
import pytest

from scanner.lab.dns_server import encode_response
from scanner.lab.world import DnsAnswers
from scanner.lab.zone import Zone
from scanner.lab.zone_lines import ZoneError, expand_line

from .conftest import OpenLab
from .running import entry, world_of
from .test_dns_answers import ask, over_tcp, over_udp

RECORDS = ["here.lab. MX 10 mx.here.lab.", "mx.here.lab. A 127.64.1.1", "alias.lab. CNAME mx.here.lab."]


def told(zone: Zone, name: str, record_type: str) -> str:
    """The answer as a text: its records' data, or its response code."""
    answer = ask(name, record_type, zone)
    data = [str(record) for rrset in answer.answer for record in rrset]
    return ", ".join(data) if answer.rcode() == 0 and data else dns.rcode.to_text(answer.rcode())


CHANGES: list[tuple[str, DnsAnswers, list[str], str]] = [
    ("here.lab MX", ("servfail", "ok"), ["SERVFAIL", "10 mx.here.lab.", "10 mx.here.lab."], "the last holds"),
    ("mx.here.lab A", ("ok", "is 127.64.1.2"), ["127.64.1.1", "127.64.1.2", "127.64.1.2"], "another record"),
    ("mx.here.lab A", ("is 127.64.1.2; 127.64.1.3",), ["127.64.1.2, 127.64.1.3"] * 2, "two records"),
    ("mx.here.lab A", ("ok", "nxdomain", "ok"), ["127.64.1.1", "NXDOMAIN", "127.64.1.1"], "gone for once"),
    ("mx.here.lab AAAA", ("is ::1", "ok"), ["::1", "NOERROR"], "a type that the zone has not"),
    ("mx.here.lab A", "servfail", ["SERVFAIL", "SERVFAIL"], "a word alone holds for ever"),
]


@pytest.mark.parametrize(("key", "answers", "heard", "why"), CHANGES, ids=[row[-1] for row in CHANGES])
def test_a_question_gets_its_answers_in_turn(key: str, answers: DnsAnswers, heard: list[str], why: str) -> None:
    zone = Zone(RECORDS, {key: answers})
    name, record_type = key.split()
    assert [told(zone, name, record_type) for _ in heard] == heard


def test_only_the_question_that_changes_takes_a_turn() -> None:
    zone = Zone(RECORDS, {"mx.here.lab A": ("servfail", "ok")})
    assert told(zone, "mx.here.lab", "AAAA") == "NOERROR"
    assert told(zone, "here.lab", "MX") == "10 mx.here.lab."
    assert told(zone, "mx.here.lab", "A") == "SERVFAIL"
    assert told(zone, "mx.here.lab", "A") == "127.64.1.1"


def test_an_answer_along_an_alias_changes_too() -> None:
    zone = Zone(RECORDS, {"mx.here.lab A": ("ok", "is 127.64.1.2")})
    assert told(zone, "alias.lab", "A") == "mx.here.lab., 127.64.1.1"
    assert told(zone, "alias.lab", "A") == "mx.here.lab., 127.64.1.2"


def test_a_question_that_comes_again_by_tcp_takes_a_turn(open_lab: OpenLab) -> None:
    lab = open_lab(world_of(entries=(entry("here.lab", *RECORDS, dns={"here.lab MX": ("truncate", "ok", "refused")}),)))
    assert over_udp(lab, "here.lab", "MX").flags & dns.flags.TC
    assert len(over_tcp(lab, "here.lab", "MX").answer) == 1
    assert over_udp(lab, "here.lab", "MX").rcode() == dns.rcode.REFUSED


# Lines that stand for many ---------------------------------------------------------------------------

LINES = [
    ("a.lab. A 127.64.1.1", ["a.lab. A 127.64.1.1"], "an ordinary line"),
    ("$GENERATE 1-3 a$.lab. A 127.64.1.$", [f"a{n}.lab. A 127.64.1.{n}" for n in (1, 2, 3)], "each number"),
    ("$GENERATE 9-10 a${0,3}.lab. MX $ b.", ["a009.lab. MX 9 b.", "a010.lab. MX 10 b."], "with zeros"),
    ("$GENERATE 1-2 a.lab. A 127.64.1.${100,0}", [f"a.lab. A 127.64.1.{n}" for n in (101, 102)], "from another"),
    ("$GENERATE 2-1 a$.lab. A 127.64.1.1", [], "none"),
]


@pytest.mark.parametrize(("line", "lines", "why"), LINES, ids=[row[-1] for row in LINES])
def test_a_line_stands_for_these(line: str, lines: list[str], why: str) -> None:
    assert list(expand_line(line)) == lines


@pytest.mark.parametrize("line", ["$GENERATE", "$GENERATE 1-2", "$GENERATE 1 a A 127.64.1.1", "$GENERATE a-b c A ::"])
def test_a_line_that_stands_for_none_is_refused(line: str) -> None:
    with pytest.raises(ZoneError, match=r"expected .GENERATE FIRST-LAST LINE"):
        list(expand_line(line))


def test_generated_records_are_answered() -> None:
    zone = Zone(["$GENERATE 1-300 here.lab. MX $ mx-$.here.lab."], {})
    query = dns.message.make_query("here.lab", "MX").to_wire()
    answer = dns.message.from_wire(encode_response(query, zone, 65535)[0])
    assert len(answer.answer[0]) == 300
