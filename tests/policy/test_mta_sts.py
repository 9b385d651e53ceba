"""MTA-STS: the record and the policy by the RFC's grammar, and which hosts a policy names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.policy.mta_sts import (
    MAX_POLICY_BYTES,
    StsMode,
    StsPolicy,
    StsRecord,
    matches,
    parse_policy,
    parse_record,
)
from scanner.policy.problem import Problem
from tests.grammar import nearly
from tests.policy.grammar import DOMAIN, STS_ID, cut_into_strings, policies, records
from tests.properties import SAME_EVERYWHERE

SPF = (b"v=spf1 -all",)

#: RFC 8461 §3.2 and Appendix A.
EXAMPLE = (
    b"version: STSv1\nmode: enforce\n"
    b"mx: mail.example.com\nmx: *.example.net\nmx: backupmx.example.com\nmax_age: 604800\n"
)


@pytest.mark.parametrize(
    ("txt_records", "policy_id", "why"),
    [
        ([(b"v=STSv1; id=20160831085700Z;",)], "20160831085700Z", "the example of RFC 8461 §3.1 and Appendix A"),
        ([(b"v=STSv1; id=20160831085700Z",)], "20160831085700Z", "the last delimiter is optional"),
        ([(b"v=STSv1;id=1",)], "1", "no space is needed"),
        ([(b"v=STSv1;\t id=1 \t;\t",)], "1", "WSP stands on either side of a delimiter"),
        ([(b"v=ST", b"Sv1; i", b"", b"d=1")], "1", "strings are joined without spaces"),
        ([SPF, (b"v=STSv1; id=1",), (b"",), ()], "1", "other records at the name are discarded"),
        ([(b"v=STSv1; a=b; id=1; a_b-c.d=x:/?!",)], "1", "extensions, before and behind"),
        ([(b"v=STSv1; id=1; id=2",)], "1", "of duplicates the first counts"),
        ([(b"v=STSv1; id=1; id=not valid",)], "1", "the others are ignored, whatever they say"),
        ([(b"v=STSv1; ID=2; id=1",)], "1", "names are case-sensitive: ID is an extension"),
        ([(b"v=STSv1; id=" + b"a" * 32,)], "a" * 32, "32 are enough"),
    ],
)
def test_a_record_is_read(txt_records: list[tuple[bytes, ...]], policy_id: str, why: str) -> None:
    assert parse_record(txt_records) == StsRecord(policy_id), why


@pytest.mark.parametrize(
    "txt_records",
    [
        [],
        [()],
        [(b"",)],
        [SPF],
        [(b"v=STSv2; id=1",)],
        [(b"v=STSv10; id=1",)],
        [(b"id=1; v=STSv1",)],
        [(b"x v=STSv1;",)],
    ],
)
def test_nothing_published_is_nothing(txt_records: list[tuple[bytes, ...]]) -> None:
    assert parse_record(txt_records) is None


@pytest.mark.parametrize(
    ("txt_records", "what"),
    [
        ([(b"v=STSv1; id=1",), (b"v=STSv1; id=2",)], '2 records begin with "v=STSv1;"'),
        ([(b"v=STSv1; id=1",), (b"v=STSv1; id=1",)], "2 records"),
        ([(b"v=STSv1;",)], "nothing stands between"),
        ([(b"v=STSv1; ;id=1",)], "nothing stands between"),
        ([(b"v=STSv1; id=1;;",)], "nothing stands between"),
        ([(b"v=STSv1; id",)], '"id" is no field'),
        ([(b"v=STSv1; a=b",)], '"id" is missing'),
        ([(b"v=STSv1; id=",)], 'not 1 to 32 letters and digits: ""'),
        ([(b"v=STSv1; id=2016-08-31",)], "not 1 to 32 letters and digits"),
        ([(b"v=STSv1; id=" + b"a" * 33,)], "not 1 to 32 letters and digits"),
        ([(b"v=STSv1; id=1 ",)], 'not 1 to 32 letters and digits: "1 "'),
        ([(b"v=STSv1; id=-; id=1",)], "not 1 to 32 letters and digits"),
        ([(b"v=STSv1; id =1",)], '"id " is no name of a field'),
        ([(b"v=STSv1; id=1; _a=b",)], '"_a" is no name'),
        ([(b"v=STSv1; id=1; " + b"a" * 33 + b"=b",)], "is no name"),
        ([(b"v=STSv1; id=1; a=",)], 'the value of "a"'),
        ([(b"v=STSv1; id=1; a=b=c",)], 'the value of "a"'),
        ([(b"v=STSv1; id=1; a=\xff\x00",)], r"\xFF\x00"),
        ([(b"v=STSv1",)], "senders discard it"),
        ([(b"v=STSv1 ; id=1",)], "senders discard it"),
        ([(b"v=stsv1; id=1",)], 'begins with "v=stsv1; id=1" and not with "v=STSv1;"'),
        ([(b" v = STSv1; id=1",)], "senders discard it"),
        ([(b"v=STSv1, id=1",), SPF], "senders discard it"),
    ],
)
def test_what_is_published_and_broken_says_why(txt_records: list[tuple[bytes, ...]], what: str) -> None:
    problem = parse_record(txt_records)
    assert isinstance(problem, Problem)
    assert what in problem.what
    assert problem.line is None


def test_the_example_of_the_rfc_is_read() -> None:
    assert parse_policy(EXAMPLE) == StsPolicy(
        mode=StsMode.enforce,
        max_age_s=604800,
        mx_patterns=("mail.example.com", "*.example.net", "backupmx.example.com"),
    )


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"\n", b"\r\n", "CRLF, as the text says; LF, as the grammar says"),
        (b"max_age: 604800\n", b"max_age: 604800", "the last line needs no end"),
        (b": ", b":", "no space is needed"),
        (b"\n", b" \t\n", "*WSP at the end of a line"),
        (b"mode: enforce\n", b"mode: enforce\nmode: what\nx: caf\xc3\xa9 y\n", "duplicates and unknown fields"),
        (b"mx: mail.example.com\n", b"mx: MAIL.example.com\nmx: mail.Example.com\n", "case does not matter"),
    ],
)
def test_these_say_the_same_as_the_example(old: bytes, new: bytes, why: str) -> None:
    assert parse_policy(EXAMPLE.replace(old, new)) == parse_policy(EXAMPLE), why


@pytest.mark.parametrize(
    ("body", "policy", "why"),
    [
        (
            b"max_age: 0\nmode: none\nversion: STSv1",
            StsPolicy(mode=StsMode.none, max_age_s=0, mx_patterns=()),
            "mode none needs no mx; fields come in any order",
        ),
        (
            b"version: STSv1\nmode: testing\nmx: *.x.test\nmax_age: 0031557600\n",
            StsPolicy(mode=StsMode.testing, max_age_s=31557600, mx_patterns=("*.x.test",)),
            "the longest max_age, in ten digits",
        ),
        (
            b"\nversion: STSv1\nmode: testing\n \t\r\nmx: xn--mnchen-3ya.test\nmax_age: 1\n\n",
            StsPolicy(
                mode=StsMode.testing,
                max_age_s=1,
                mx_patterns=("xn--mnchen-3ya.test",),
                departures=(Problem("an empty line", 1), Problem("an empty line", 4), Problem("an empty line", 7)),
            ),
            "empty lines, which strict senders refuse",
        ),
    ],
)
def test_a_policy_is_read(body: bytes, policy: StsPolicy, why: str) -> None:
    assert parse_policy(body) == policy, why


@pytest.mark.parametrize(
    ("old", "new", "what", "line"),
    [
        (b"version: STSv1\n", b"", '"version" is missing', None),
        (b"STSv1", b"STSv2", 'the version is "STSv2"', 1),
        (b"STSv1", b"stsv1", 'the version is "stsv1"', 1),
        (b"mode: enforce\n", b"", '"mode" is missing', None),
        (b"mode: ", b"Mode: ", 'written "mode", in lower case', 2),
        (b"enforce", b"Enforce", 'the mode is "Enforce"', 2),
        (b"enforce", b"report", 'the mode is "report"', 2),
        (b"enforce", b"", 'the field "mode" has no value', 2),
        (b"enforce", b"enforce\nmode", '"mode" does not begin', 3),
        (b"mode: enforce\n", b"mode: what\nmode: enforce\n", 'the mode is "what"', 2),
        (b"max_age: 604800\n", b"", '"max_age" is missing', None),
        (b"604800", b"31557601", 'max_age is "31557601"', 6),
        (b"604800", b"-1", 'max_age is "-1"', 6),
        (b"604800", b"1_000", 'max_age is "1_000"', 6),
        (b"604800", b"00000604800", "max_age", 6),
        (b"604800", "٣".encode(), "max_age", 6),
        (b"mx: mail.example.com\nmx: *.example.net\nmx: backupmx.example.com\n", b"", '"mx" is missing', None),
        (b"*.example.net", b"*", 'mx is "*"', 4),
        (b"*.example.net", b"*.*.example.net", "mx is", 4),
        (b"*.example.net", b"mx*.example.net", "mx is", 4),
        (b"*.example.net", b"a.*.example.net", "mx is", 4),
        (b"*.example.net", b".example.net", "mx is", 4),
        (b"*.example.net", b"example.net.", "mx is", 4),
        (b"*.example.net", b"a.test, b.test", "mx is", 4),
        (b"*.example.net", b"-a.test", "mx is", 4),
        (b"*.example.net", b"a" * 64 + b".test", "mx is", 4),
        (b"*.example.net", b"a." * 130 + b"test", "mx is", 4),
        (b"*.example.net", "münchen.test".encode(), r'mx is "m\xC3\xBCnchen.test"', 4),
        (b"mx: *", b" mx: *", '" mx: *.example.net" does not begin', 4),
        (b"mx: *", b"mx : *", "does not begin", 4),
        (b"mx: *.example.net", b"a comment", '"a comment" does not begin', 4),
        (b"mx: *.example.net", b"x: \xff", 'the value of "x" is not UTF-8', 4),
        (b"mx: *.example.net", b"x: a\x00b", "a control character, 0x00", 4),
        (b"mx: *.example.net", b"x: a\tb", "a control character, 0x09", 4),
        (b"\nmx: *", b"\rmx: *", "a control character, 0x0D", 3),
        (b"version", b"\xef\xbb\xbfversion", "byte order mark", 1),
    ],
)
def test_a_broken_policy_says_what_is_wrong_and_where(old: bytes, new: bytes, what: str, line: int | None) -> None:
    assert old in EXAMPLE
    problem = parse_policy(EXAMPLE.replace(old, new))
    assert isinstance(problem, Problem)
    assert what in problem.what
    assert problem.line == line


@pytest.mark.parametrize("body", [b"", b"\n", b"<!DOCTYPE html>\n<html>", b"\x00", b"version: STSv1"])
def test_what_is_no_policy_at_all_is_a_problem(body: bytes) -> None:
    assert isinstance(parse_policy(body), Problem)


def test_a_policy_has_64_kilobytes_at_most() -> None:
    filled = EXAMPLE + b"x: " + b"y" * (MAX_POLICY_BYTES - len(EXAMPLE) - 3)
    assert isinstance(parse_policy(filled), StsPolicy)
    assert parse_policy(filled + b"y") == Problem("longer than 65536 octets")


@pytest.mark.parametrize("filling", [b" " * 60_000, b"a:" + b" " * 60_000 + b"b", b";" * 60_000, b"a=" * 30_000])
def test_no_octets_take_long(filling: bytes) -> None:
    # With a pattern that tries every way, 60,000 spaces are minutes: the test's limit is that it ends.
    assert isinstance(parse_policy(filling), Problem)
    assert isinstance(parse_record([(b"v=STSv1;" + filling,)]), Problem)


@pytest.mark.parametrize(
    ("pattern", "host", "expected", "why"),
    [
        ("*.example.com", "mail.example.com", True, "the example of RFC 8461 §4.1"),
        ("*.example.com", "example.com", False, "the same: a wildcard is one label, not none"),
        ("*.example.com", "foo.bar.example.com", False, "the same: and not two"),
        ("mail.example.com", "mail.example.com", True, "the name itself"),
        ("Mail.Example.com", "mAIL.eXAMPLE.com.", True, "case and the trailing dot do not matter"),
        ("*.Example.com", "A.EXAMPLE.com", True, "nor with a wildcard"),
        ("mail.example.com", "x.mail.example.com", False, "a name is not its children"),
        ("example.com", "mail.example.com", False, "a domain is not a wildcard"),
        ("*.example.com", "*.example.com", True, "whatever the label is"),
        ("*.example.com", ".example.com", False, "an empty label is none"),
        ("*.example.com", "mailexample.com", False, "the dot counts"),
        ("*.com", "example.com", True, "one label, however high"),
        ("*.xn--mnchen-3ya.test", "mx.xn--mnchen-3ya.test", True, "A-labels"),
        ("*.example.com", "", False, "no name"),
    ],
)
def test_a_pattern_matches(pattern: str, host: str, expected: bool, why: str) -> None:
    assert matches(pattern, host) is expected, why


def test_a_policy_names_what_one_of_its_patterns_matches() -> None:
    policy = parse_policy(EXAMPLE)
    assert isinstance(policy, StsPolicy)
    assert [policy.names(host) for host in ("mail.example.com", "a.example.net", "mail2.example.com")] == [
        True,
        True,
        False,
    ]


@given(st.data(), records(b"v=STSv1", STS_ID.map(lambda value: b"id=" + value.encode()), b"id"))
@SAME_EVERYWHERE
def test_every_record_of_the_grammar_gives_its_id(data: st.DataObject, record: bytes) -> None:
    parsed = parse_record([SPF, data.draw(cut_into_strings(record))])
    assert isinstance(parsed, StsRecord), parsed
    assert f"id={parsed.id}".encode() in record


@given(policies())
@SAME_EVERYWHERE
def test_every_policy_of_the_grammar_gives_what_was_put_in(written: tuple[bytes, str, int, list[str]]) -> None:
    body, mode, max_age, mx = written
    assert parse_policy(body) == StsPolicy(mode=StsMode(mode), max_age_s=max_age, mx_patterns=tuple(dict.fromkeys(mx)))


@given(
    st.lists(st.lists(st.binary(max_size=30) | st.sampled_from([b"v=STSv1;", b"id=1", b";"]), max_size=4), max_size=3)
)
@SAME_EVERYWHERE
def test_any_octets_are_a_record_or_none_or_a_problem(txt_records: list[list[bytes]]) -> None:
    assert isinstance(parse_record(txt_records), StsRecord | Problem | None)


@given(st.binary(max_size=200) | nearly(policies().map(lambda written: written[0])))
@SAME_EVERYWHERE
def test_any_octets_are_a_policy_or_a_problem(body: bytes) -> None:
    parsed = parse_policy(body)
    assert isinstance(parsed, StsPolicy | Problem)
    if isinstance(parsed, Problem) and parsed.line is not None:
        assert 1 <= parsed.line <= body.count(b"\n") + 1


@given(DOMAIN, st.from_regex(r"[a-z0-9]{1,10}", fullmatch=True), DOMAIN)
@SAME_EVERYWHERE
def test_a_wildcard_is_exactly_one_label(parent: str, label: str, other: str) -> None:
    assert matches(f"*.{parent}", f"{label}.{parent}")
    assert not matches(f"*.{parent}", parent)
    assert not matches(f"*.{parent}", f"{label}.{label}.{parent}")
    assert matches(parent, other) is (parent.lower() == other.lower())
