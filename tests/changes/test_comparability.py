"""What to know before two runs are compared."""

from typing import Any

import pytest
from msgspec.structs import replace

from scanner.changes.comparability import find_remarks
from scanner.records import JudgeInfo, Run, Start
from tests.passes.examples import TIME
from tests.passes.examples import run as run_record

START = Start(
    start=1, at=TIME, version="1", host="here", command_line=("mxscan",), loop="asyncio", no_ipv6=False, exit=0
)
LATER = "2026-11-23T12:00:00.000Z"
SETTINGS = {"probe": {"port": 25, "width": 500}, "run": {"seed": 1}, "dns": {"servers": ["192.0.2.53"]}}


def run(*, at: str = TIME, no_ipv6: bool = False, lab: bool = False, settings: dict[str, Any] | None = None) -> Run:
    start = replace(START, at=at, no_ipv6=no_ipv6)
    return replace(run_record(), starts=(start,), lab=lab, settings=settings or SETTINGS)


def remarks(before: Run, after: Run, rules: tuple[int, int] = (3, 3)) -> list[str]:
    judged = [JudgeInfo(rules=number, version="1", judged_at=LATER) for number in rules]
    return find_remarks(before, after, *judged)


def changed(**sections: Any) -> dict[str, Any]:
    return {**SETTINGS, **sections}


@pytest.mark.parametrize(
    ("before", "after", "remark"),
    [
        (run(), run(at=LATER), None),
        (run(at=LATER), run(), "the first run began after the second: what is called new here is older"),
        (run(), run(no_ipv6=True), "the second run was made from a place without IPv6"),
        (run(no_ipv6=True), run(), "the first run was made from a place without IPv6"),
        (run(no_ipv6=True), run(no_ipv6=True), None),
        (run(), run(lab=True), "one of the runs is of the lab, the other is not"),
        (run(), run(settings=changed(run={"seed": 2})), None),
        (run(), run(settings=changed(probe={"port": 24, "width": 500})), "settings that differ: probe.port"),
        (
            run(),
            run(settings=changed(probe={"port": 24}, more={"new": 1})),
            "settings that differ: more.new, probe.port, probe.width",
        ),
        (
            run(settings=changed(many={f"s{number}": 0 for number in range(10)})),
            run(),
            "settings that differ: many.s0, many.s1, many.s2, many.s3, many.s4, many.s5, many.s6, many.s7 and 2 more",
        ),
        (run(lab=True), run(lab=True, settings=changed(dns={"servers": ["127.64.0.1:5300"]})), None),
        (run(), run(settings=changed(dns={"servers": ["192.0.2.54"]})), "settings that differ: dns.servers"),
    ],
)
def test_what_was_not_alike_is_told(before: Run, after: Run, remark: str | None) -> None:
    assert remarks(before, after) == ([remark] if remark else [])


def test_other_rules_are_told_with_what_to_do() -> None:
    (remark,) = remarks(run(), run(), (2, 3))
    assert "different rules (2 and 3)" in remark
    assert "`mxscan judge`" in remark
