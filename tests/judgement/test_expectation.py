"""`--expect-mx`: whether mail still goes where it should, and no false alarm where that is not known."""

import pytest

from scanner.judgement.domains import judge_domain, judge_invalid
from scanner.judgement.expectation import ExpectedMx, parse_expectation
from scanner.outcomes import AddressFlag, DnsStatus, HostFlag, RouteKind
from scanner.records import Domain, Host, InputLine, Route

from .found import DOMAIN, flagged, found, host, lines, looked_up, mx, route, told
from .sessions import MX, session

SERVFAIL = looked_up(status=DnsStatus.servfail)
HERE = "192.0.2.0/24"


def judged(way: Route | None, *hosts: Host, expect: list[str], metadata: dict[str, str] | None = None) -> Domain:
    return judge_domain(lines(metadata), way, found(*hosts, expect_mx=expect))


def verdict(record: Domain) -> str:
    """`VALUE YES/NO/UNKNOWN REASON…` of the verdict on what was expected."""
    one = record.verdicts.expected_mx
    assert one is not None
    return " ".join((one.value, f"{one.yes}/{one.no}/{one.unknown}", *one.reasons))


TO_MX = route(RouteKind.mx, mx())


@pytest.mark.parametrize(
    ("expect", "metadata", "said", "why"),
    [
        (["mx1.example.org"], {}, "yes 1/0/0", "the name itself"),
        (["MX1.Example.ORG."], {}, "yes 1/0/0", "as people write it"),
        (["*.example.org"], {}, "yes 1/0/0", "a pattern"),
        (["*.example.com"], {}, "no 0/1/0", "another pattern"),
        (["example.org"], {}, "no 0/1/0", "a name matches as a whole"),
        (["*.example.com", "mx?.example.org"], {}, "yes 1/0/0", "one of several is enough"),
        ([HERE], {}, "yes 1/0/0", "all its addresses are in the network"),
        (["198.51.100.0/24"], {}, "no 0/1/0", "they are not"),
        (["198.51.100.0/24", HERE], {}, "yes 1/0/0", "one of several networks"),
        (["198.51.100.0/24", "*.example.org"], {}, "yes 1/0/0", "name or address"),
        (["metadata:mx"], {"mx": "mx1.example.org"}, "yes 1/0/0", "a column of the list"),
        (["metadata:mx"], {"mx": "mx9.test, *.example.org"}, "yes 1/0/0", "several words in it"),
        (["metadata:mx"], {"mx": "mx9.test"}, "no 0/1/0", "another name"),
        (["metadata:mx"], {"mx": HERE}, "yes 1/0/0", "a network in the column"),
        (["metadata:mx"], {"mx": "198.51.100.7/24"}, "no 0/1/0", "another network, host bits and all"),
        (["metadata:mx"], {"mx": "10.0.0.0/99"}, "not_applicable 0/0/0", "what is no network expects nothing"),
        (["metadata:mx"], {"mx": "not sure"}, "not_applicable 0/0/0", "nor do words that are no host names"),
        (["metadata:MX"], {"mx": "mx1.example.org"}, "yes 1/0/0", "a column in any case"),
        (["metadata:mx"], {"Mx": "mx9.test"}, "no 0/1/0", "both ways"),
        (["metadata:mx"], {"mx": ""}, "not_applicable 0/0/0", "an empty cell expects nothing"),
        (["metadata:mx"], {}, "not_applicable 0/0/0", "nor does a line without the column"),
        (["metadata:mx", HERE], {}, "yes 1/0/0", "but what else is expected counts"),
    ],
)
def test_a_host_is_expected_by_its_name_or_by_all_its_addresses(
    expect: list[str], metadata: dict[str, str], said: str, why: str
) -> None:
    record = judged(TO_MX, host(looked_up("192.0.2.1", "192.0.2.2")), expect=expect, metadata=metadata)
    assert verdict(record) == said
    assert told(record.findings) == [f"moved-away warning {DOMAIN}"] * said.startswith("no ")


@pytest.mark.parametrize(
    ("found_host", "said", "why"),
    [
        (host(looked_up("192.0.2.1", "203.0.113.1")), "no 0/1/0", "one address lies elsewhere"),
        (host(looked_up("192.0.2.1"), looked_up("2001:db8::1")), "no 0/1/0", "of either family"),
        (host(looked_up("192.0.2.1"), SERVFAIL), "unknown 0/0/1 servfail", "what nobody saw may lie elsewhere"),
        (host(SERVFAIL, SERVFAIL), "unknown 0/0/1 servfail", "nothing was seen at all"),
        (host(looked_up("203.0.113.1"), SERVFAIL), "no 0/1/0", "elsewhere is elsewhere, whatever else there is"),
        (host(), "no 0/1/0", "it has no address"),
        (host(looked_up(status=DnsStatus.nxdomain)), "no 0/1/0", "it does not exist"),
        (None, "unknown 0/0/1 not_asked", "nobody has asked, or nobody may"),
    ],
)
def test_a_network_is_judged_by_the_addresses_that_are_known(found_host: Host | None, said: str, why: str) -> None:
    hosts = [found_host] if found_host is not None else []
    record = judged(TO_MX, *hosts, expect=[HERE])
    assert verdict(record) == said
    moved = f"moved-away warning {DOMAIN}" in told(record.findings)
    assert moved is said.startswith("no ")


def test_where_mail_no_longer_goes_does_not_count() -> None:
    moved = host(looked_up("192.0.2.1", flagged("203.0.113.1", AddressFlag.address_withdrawn)))
    tried = found(moved, sessions={(MX, "203.0.113.1"): session()}, expect_mx=[HERE])
    record = judge_domain(lines(), TO_MX, tried)
    assert [one.address for one in record.mail_hosts[0].addresses] == ["192.0.2.1", "203.0.113.1"]
    assert verdict(record) == "yes 1/0/0"


def test_a_name_is_judged_without_any_address() -> None:
    assert verdict(judged(TO_MX, expect=["*.example.org"])) == "yes 1/0/0"
    assert verdict(judged(TO_MX, expect=["*.example.com"])) == "no 0/1/0"
    assert verdict(judged(TO_MX, host(SERVFAIL, SERVFAIL), expect=["*.example.com"])) == "no 0/1/0"


def test_a_name_behind_which_there_is_no_host_lies_in_no_network() -> None:
    way = route(RouteKind.mx, mx("localhost", 10, HostFlag.mx_is_localhost))
    assert verdict(judged(way, expect=["127.0.0.0/8"])) == "no 0/1/0"


@pytest.mark.parametrize(
    ("way", "said", "evidence"),
    [
        (route(RouteKind.nxdomain), "no 0/1/0", "mail goes to no mail host (nxdomain)"),
        (route(RouteKind.no_mail_host), "no 0/1/0", "mail goes to no mail host (no_mail_host)"),
        (route(RouteKind.null_mx), "no 0/1/0", "mail goes to no mail host (null_mx)"),
        (route(RouteKind.dns_failure, dns_status=DnsStatus.timed_out), "unknown 0/0/1 timed_out", None),
        (route(RouteKind.skipped, dns_status=DnsStatus.not_asked), "unknown 0/0/1 opted_out", None),
        (None, "unknown 0/0/1 not_yet_probed", None),
    ],
)
def test_a_domain_without_hosts_has_moved_away_only_if_the_dns_says_so(
    way: Route | None, said: str, evidence: str | None
) -> None:
    record = judged(way, expect=["*.example.org"])
    assert verdict(record) == said
    moved = [one.evidence for one in record.findings if one.kind == "moved-away"]
    assert moved == ([evidence] if evidence else [])


def test_where_mail_goes_instead_is_the_evidence() -> None:
    way = route(RouteKind.mx, mx("a.test", 10), mx("b.test", 20))
    record = judged(way, expect=["*.example.org"])
    assert verdict(record) == "no 0/2/0"
    assert record.findings[-1].evidence == "mail goes to a.test, b.test"


def test_some_hosts_here_and_some_there_is_mixed_and_no_alarm() -> None:
    way = route(RouteKind.mx, mx(MX, 10), mx("b.test", 20))
    record = judged(way, expect=["*.example.org"])
    assert verdict(record) == "mixed 1/1/0"
    assert record.verdicts.expected_mx is not None
    assert record.verdicts.expected_mx.preferred == "yes"
    assert told(record.findings) == []


def test_a_line_that_is_no_domain_was_not_expected_anywhere() -> None:
    line = InputLine(line=1, input="a..b", domain=None, reason="empty label")
    record = judge_invalid(line, found(expect_mx=["*.example.org"]))
    assert verdict(record) == "not_applicable 0/0/0"
    assert told(record.findings) == ["invalid-name error a..b"]


def test_nothing_is_judged_where_nothing_was_expected() -> None:
    assert parse_expectation([]) is None
    assert judged(TO_MX, expect=[]).verdicts.expected_mx is None


def test_the_three_forms_are_told_apart() -> None:
    expected = parse_expectation(["*.Example.org.", HERE, "2001:db8::/32", "metadata:mx"])
    assert isinstance(expected, ExpectedMx)
    assert expected.patterns == ("*.example.org",)
    assert [str(network) for network in expected.networks] == [HERE, "2001:db8::/32"]
    assert expected.columns == ("mx",)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nothing"),
        ("  ", "blanks"),
        ("metadata:", "a column without a name"),
        ("192.0.2.1/24", "host bits: which network is meant?"),
        ("192.0.2.0/33", "no such length"),
        ("example.org/x", "neither a name nor a network"),
    ],
)
def test_what_is_no_expectation_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are ipaddress's
        parse_expectation([text])


def test_internationalized_patterns_are_matched_as_a_labels() -> None:
    expected = parse_expectation(["*.MÜNCHEN.example"])
    assert expected is not None
    assert expected.patterns == ("*.xn--mnchen-3ya.example",)


@pytest.mark.parametrize(
    "text", ["", "metadata:", "10.0.0.0/99", "10.0.0.1/8", "a b.example", "mx1", "a..b", "ä*.test"]
)
def test_what_could_never_match_is_refused_on_the_command_line(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each says its own
        parse_expectation([text])
