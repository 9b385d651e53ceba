"""TLS-RPT: the record by the grammar of RFC 8460 §3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.policy.problem import Problem
from scanner.policy.tls_rpt import TlsRptRecord, parse_record
from tests.policy.grammar import TLSRPT_URI, WSP, cut_into_strings, records
from tests.properties import SAME_EVERYWHERE

SPF = (b"v=spf1 -all",)


@pytest.mark.parametrize(
    ("txt", "rua", "unsupported", "why"),
    [
        (b"v=TLSRPTv1;rua=mailto:reports@example.com", ["mailto:reports@example.com"], [], "RFC 8460 §3.1.1"),
        (
            b"v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt",
            ["https://reporting.example.com/v1/tlsrpt"],
            [],
            "RFC 8460 §3.1.2",
        ),
        (
            b"v=TLSRPTv1; rua=mailto:a@x.test \t, https://x.test?a=b#c ; a=b;",
            ["mailto:a@x.test", "https://x.test?a=b#c"],
            [],
            "two endpoints, WSP around the comma, an extension",
        ),
        (b"v=TLSRPTv1;rua=MailTo:a@x.test?subject=x%21", ["MailTo:a@x.test?subject=x%21"], [], "a scheme in any case"),
        (b"v=TLSRPTv1;rua=https://u@[2001:db8::1]:443/", ["https://u@[2001:db8::1]:443/"], [], "any authority"),
        (b"v=TLSRPTv1;rua=http://x.test,mailto:a@x.test", ["mailto:a@x.test"], ["http://x.test"], "one is not served"),
        (
            b"v=TLSRPTv1;rua=mailto:a@x.test;rua=mailto:b@x.test",
            ["mailto:a@x.test", "mailto:b@x.test"],
            [],
            "two fields",
        ),
    ],
)
def test_a_record_is_read(txt: bytes, rua: list[str], unsupported: list[str], why: str) -> None:
    assert parse_record([SPF, (txt,)]) == TlsRptRecord(tuple(rua), tuple(unsupported)), why


@pytest.mark.parametrize(
    "txt_records", [[], [()], [SPF], [(b"v=TLSRPTv2;rua=mailto:a@x.test",)], [(b"v=STSv1; id=1",)]]
)
def test_nothing_published_is_nothing(txt_records: list[tuple[bytes, ...]]) -> None:
    assert parse_record(txt_records) is None


@pytest.mark.parametrize(
    ("txt", "what"),
    [
        (b"v=TLSRPTv1;", "nothing stands between"),
        (b"v=TLSRPTv1;a=b", '"rua" is missing'),
        (b"v=TLSRPTv1;RUA=mailto:a@x.test", '"rua" is missing'),
        (b"v=TLSRPTv1;rua=", '"" in rua is no URI'),
        (b"v=TLSRPTv1;rua=a@x.test", '"a@x.test" in rua is no URI: mailto: is missing'),
        (b"v=TLSRPTv1;rua=mailto:a@x.test!10m", "has to be written %21"),
        (b"v=TLSRPTv1;rua=mailto:a@x.test,", '"" in rua is no URI'),
        (b"v=TLSRPTv1;rua=mailto:a@x.test rua=mailto:b@x.test", "is no URI"),
        (b"v=TLSRPTv1;rua=mailto:a%zz@x.test", "is no URI"),
        (b"v=TLSRPTv1;rua=mailto:\xc3\xa9@x.test", r"\xC3\xA9@x.test"),
        (b"v=TLSRPTv1;rua=mailto:x.test", "has no mail address or host"),
        (b"v=TLSRPTv1;rua=mailto:a@", "has no mail address or host"),
        (b"v=TLSRPTv1;rua=https:///v1", "has no mail address or host"),
        (b"v=TLSRPTv1;rua=https:x.test", "has no mail address or host"),
        (b"v=TLSRPTv1;rua=mailto:a@x.test,https://", "has no mail address or host"),
        (b"v=TLSRPTv1;rua=http://x.test", "no URI of mailto: or https:, only"),
        (b"v=TLSRPTv1;rua=mailto:a@x.test;a=b c", 'the value of "a"'),
        (b"v=TLSRPTv1 rua=mailto:a@x.test", "senders discard it"),
        (b"v=tlsrptv1;rua=mailto:a@x.test", "senders discard it"),
    ],
)
def test_what_is_published_and_broken_says_why(txt: bytes, what: str) -> None:
    problem = parse_record([SPF, (txt,)])
    assert isinstance(problem, Problem)
    assert what in problem.what


def test_two_records_are_none_that_counts() -> None:
    problem = parse_record([(b"v=TLSRPTv1;rua=mailto:a@x.test",), (b"v=TLSRPTv1;",)])
    assert problem == Problem('2 records begin with "v=TLSRPTv1;", there must be exactly one')


@given(st.data(), st.lists(TLSRPT_URI, min_size=1, max_size=3))
@SAME_EVERYWHERE
def test_every_record_of_the_grammar_gives_its_endpoints(data: st.DataObject, uris: list[str]) -> None:
    rua = b"rua=" + uris[0].encode()
    for uri in uris[1:]:
        rua += data.draw(WSP) + b"," + data.draw(WSP) + uri.encode()
    record = data.draw(records(b"v=TLSRPTv1", st.just(rua), b"rua"))
    assert parse_record([data.draw(cut_into_strings(record))]) == TlsRptRecord(tuple(uris))


@given(
    st.binary(max_size=100)
    | st.lists(st.sampled_from([b"rua=", b"mailto:", b"a@b", b"https://", b",", b";", b" ", b"!", b"%"])).map(b"".join)
)
@SAME_EVERYWHERE
def test_any_octets_are_a_record_or_none_or_a_problem(octets: bytes) -> None:
    assert isinstance(parse_record([(b"v=TLSRPTv1;" + octets,), (octets,)]), TlsRptRecord | Problem)
    assert isinstance(parse_record([(octets,)]), TlsRptRecord | Problem | None)
