"""`differences` sees every deviation of a record from its entry, and nothing where there is none."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import msgspec
import pytest

from scanner.lab.world import Entry
from scanner.outcomes import AddressFlag, FindingKind, Severity
from scanner.records import Domain, Record
from tests.expectation import NOT_COMPARED, differences, expected_record
from tests.notation import optional_flags, parse_address, parse_finding, parse_verdict

from .entries import WORLD, each_entry

ENTRIES = {entry.domain: entry for entry in WORLD.entries}

#: Between them they have hosts, addresses of both sorts, flags of every level, reasons, findings, certificates, TLSA
#: records and policies.
VARIED = (
    *("ten-addresses.lab", "half-private.lab", "mx-a-fails.lab", "three-hundred-mx.lab", "two..dots.lab"),
    *("dane-rollover.lab", "dane-digest-agility.lab", "sts-untrusted.lab"),
)

HOST = expected_record(ENTRIES["good.lab"]).mail_hosts[0]

#: What may be one too many where there is nothing of the kind.
ANOTHER: dict[str, object] = {
    "mail_hosts": HOST,
    "addresses": HOST.addresses[0],
    "findings": parse_finding("bare-lf notice mx.good.lab [127.64.2.1]"),
}

#: A value of the type that is not the one there.
OTHER: dict[type, Any] = {str: "other", int: 4711, type(None): "other"}


@each_entry
def test_a_record_that_is_as_expected_does_not_differ(entry: Entry) -> None:
    assert differences(entry, expected_record(entry)) == []


def deviations(record: Record, path: str = "") -> Iterator[tuple[str, bool, Record]]:
    """Every record with one field changed: where, whether the field is compared, the record."""
    for field in record.__struct_fields__:
        is_compared = field not in NOT_COMPARED.get(type(record), ())
        for where, deeper, value in changes(getattr(record, field), f"{path}.{field}"):
            yield where, is_compared and deeper, msgspec.structs.replace(record, **{field: value})


def changes(value: Any, path: str) -> Iterator[tuple[str, bool, Any]]:
    match value:
        case Record():
            yield from deviations(value, path)
        case tuple():
            yield (
                f"{path} longer",
                True,
                (*value, value[-1] if value else ANOTHER.get(path.rpartition(".")[2], "other")),
            )
            for index, item in enumerate(value):
                yield f"{path} without {index}", True, value[:index] + value[index + 1 :]
                for where, is_compared, changed in changes(item, f"{path}[{index}]"):
                    yield where, is_compared, (*value[:index], changed, *value[index + 1 :])
        case StrEnum():
            yield path, True, next(word for word in type(value) if word is not value)
        case bool():
            yield path, True, not value
        case dict():
            yield path, True, {"other": "other"}
        case _:
            yield path, True, OTHER[type(value)] if value != OTHER[type(value)] else None


@pytest.mark.parametrize("domain", VARIED)
def test_each_field_that_is_compared_is_noticed_when_it_deviates(domain: str) -> None:
    entry = ENTRIES[domain]
    unnoticed = [
        where
        for where, is_compared, record in deviations(expected_record(entry))
        if is_compared and not differences(entry, as_domain(record))
    ]
    assert unnoticed == []


def as_domain(record: Record) -> Domain:
    assert isinstance(record, Domain)
    return record


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("lines", (4, 7), "where a domain stands in the input"),
        ("lines_total", 2, "how often"),
        ("metadata", {"customer": "4711"}, "what stands beside it"),
        ("metadata_more", ({"customer": "4712"},), "and beside it elsewhere"),
    ],
)
def test_what_is_not_compared_may_be_anything(field: str, value: object, why: str) -> None:
    record = msgspec.structs.replace(expected_record(ENTRIES["good.lab"]), **{field: value})
    assert differences(ENTRIES["good.lab"], record) == [], why


def test_the_list_of_what_is_not_compared_names_fields_that_exist() -> None:
    for record, fields in NOT_COMPARED.items():
        assert fields < set(record.__struct_fields__)


def with_finding(record: Domain, **changed: Any) -> Domain:
    first, *others = record.findings
    return msgspec.structs.replace(record, findings=(msgspec.structs.replace(first, **changed), *others))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"evidence": ""}, "mx-over-limit notice three-hundred-mx.lab: without evidence"),
        ({"fix": ""}, "mx-over-limit notice three-hundred-mx.lab: without a word on what to do"),
        ({"session": "f" * 16 + ".1.survey"}, "which is none of the domain's"),
    ],
)
def test_a_finding_needs_its_proof_and_its_advice(changed: dict[str, str], told: str) -> None:
    entry = ENTRIES["three-hundred-mx.lab"]
    (line,) = differences(entry, with_finding(expected_record(entry), **changed))
    assert told in line


def test_findings_are_counted_and_their_order_is_free() -> None:
    entry = ENTRIES["snake-oil.lab"]
    record = expected_record(entry)
    assert differences(entry, msgspec.structs.replace(record, findings=record.findings[::-1])) == []
    twice = msgspec.structs.replace(record, findings=(*record.findings, record.findings[0]))
    (line,) = differences(entry, twice)
    assert line == "unexpected finding: certificate-expired error mx.snake-oil.lab [127.64.109.1]"


def test_a_difference_says_where_what_was_expected_and_what_was_found() -> None:
    good, silent = ENTRIES["good.lab"], expected_record(ENTRIES["silent.lab"])
    lines = differences(good, silent)
    assert "domain: expected good.lab, found silent.lab" in lines
    assert "mail_hosts[1].addresses[1].outcome: expected ok, found timed_out" in lines
    assert "mail_hosts[1].addresses[1].limit: expected nothing, found limits.greeting_s" in lines
    assert "verdicts.smtp.value: expected yes, found unknown" in lines
    assert "unexpected finding: timed-out warning mx.silent.lab [127.64.32.1]" in lines


def with_flags(record: Domain, *flags: AddressFlag) -> Domain:
    """The record with these flags at every address."""
    hosts = [
        msgspec.structs.replace(
            host, addresses=tuple(msgspec.structs.replace(address, flags=flags) for address in host.addresses)
        )
        for host in record.mail_hosts
    ]
    return msgspec.structs.replace(record, mail_hosts=tuple(hosts))


def test_a_flag_with_a_question_mark_may_be_there_or_not_and_no_other() -> None:
    entry = ENTRIES["shared-refused.lab"]
    record = expected_record(entry)
    assert differences(entry, record) == []
    assert differences(entry, with_flags(record, AddressFlag.shared_across_names)) == []
    wrong = differences(entry, with_flags(record, AddressFlag.server_name_inferred))
    assert len(wrong) == 5
    assert "mail_hosts[1].addresses[1].flags: expected [], found" in wrong[0]


def test_a_flag_without_one_must_be_there() -> None:
    entry = ENTRIES["no-service-at-first.lab"]
    assert differences(entry, expected_record(entry)) == []
    assert len(differences(entry, with_flags(expected_record(entry)))) == 1


def test_one_more_address_is_noticed_also_where_flags_are_free() -> None:
    entry = ENTRIES["shared-refused.lab"]
    host, *others = expected_record(entry).mail_hosts
    host = msgspec.structs.replace(host, addresses=host.addresses * 2)
    record = msgspec.structs.replace(expected_record(entry), mail_hosts=(host, *others))
    assert differences(entry, record) == ["mail_hosts[1].addresses[2]: expected nothing, found 127.64.156.1"]


def test_any_of_the_records_that_are_right_is_right() -> None:
    good, silent = ENTRIES["good.lab"], ENTRIES["silent.lab"]
    either = msgspec.structs.replace(good, or_expect=(silent.expect,))
    as_silent = msgspec.structs.replace(expected_record(silent), domain="good.lab", input="good.lab")
    assert differences(either, expected_record(good)) == []
    assert differences(either, as_silent) == []
    assert differences(good, as_silent) != []


def test_a_record_that_is_none_of_the_right_ones_is_compared_with_the_nearest() -> None:
    good, silent = ENTRIES["good.lab"], ENTRIES["silent.lab"]
    either = msgspec.structs.replace(good, or_expect=(silent.expect,))
    record = msgspec.structs.replace(expected_record(good), metadata=None, findings=expected_record(silent).findings)
    assert differences(either, record) == ["unexpected finding: timed-out warning mx.silent.lab [127.64.32.1]"]


@pytest.mark.parametrize(
    ("text", "optional"),
    [
        ("127.64.2.1 done ok", set()),
        ("127.64.2.1 done ok +attempts_differ", set()),
        ("127.64.2.1 done ok +attempts_differ +server_name_inferred?", {AddressFlag.server_name_inferred}),
        ("127.64.2.1 - over_limit +shared_across_names?", {AddressFlag.shared_across_names}),
    ],
)
def test_an_address_line_marks_the_flags_that_may_be_there(text: str, optional: set[AddressFlag]) -> None:
    assert optional_flags(text) == optional
    assert optional.isdisjoint(parse_address(text).flags)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("yes", "is not VALUE YES/NO/UNKNOWN"),
        ("yes 1/0", "is not VALUE YES/NO/UNKNOWN"),
        ("yes 1/0/1 timed_out,reset", "is not VALUE YES/NO/UNKNOWN"),
        ("good 1/0/0", "'good' is not a valid VerdictValue"),
        ("yes 1/0/0 preferred=good", "'good' is not a valid VerdictValue"),
        ("yes 1/0/1 tired", "'tired' is no reason"),
    ],
)
def test_a_verdict_that_is_none_is_refused(text: str, refusal: str) -> None:
    with pytest.raises(ValueError, match=refusal):
        parse_verdict(text)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("127.64.2.1", "not enough values"),
        ("127.64.2.1 done", "not enough values"),
        ("127.64.2.1 finished ok", "'finished' is not a valid Stage"),
        ("127.64.2.1 done good", "'good' is not a valid Outcome"),
        ("127.64.2.1 done ok +shiny", "'shiny' is not a valid AddressFlag"),
        ("127.64.2.1 done ok +shiny?", "'shiny' is not a valid AddressFlag"),
        ("127.64.2.1 - tired", "'tired' is no reason"),
        ("127.64.2.1 - not_public limits.tls_s", "'limits.tls_s' is too much"),
        ("127.64.2.1 tls timed_out limits.tls_s limits.reply_s", "'limits.reply_s' is too much"),
    ],
)
def test_an_address_line_that_is_none_is_refused(text: str, refusal: str) -> None:
    with pytest.raises(ValueError, match=refusal):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("bare-lf notice", "is not KIND SEVERITY SUBJECT"),
        ("bare-cr notice mx.lab", "'bare-cr' is not a valid FindingKind"),
        ("bare-lf fatal mx.lab", "'fatal' is not a valid Severity"),
    ],
)
def test_a_finding_that_is_none_is_refused(text: str, refusal: str) -> None:
    with pytest.raises(ValueError, match=refusal):
        parse_finding(text)


def test_a_subject_may_have_spaces() -> None:
    finding = parse_finding("bare-lf notice mx.lab [127.64.2.1]")
    assert (finding.kind, finding.severity) == (FindingKind.bare_lf, Severity.notice)
    assert finding.subject == "mx.lab [127.64.2.1]"
