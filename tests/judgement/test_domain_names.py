"""Whether the certificates of mail hosts are for the mail domain: the same units as their own names, another name."""

import pytest

from scanner.judgement.domains import judge_domain
from scanner.records import Domain, SessionRecord, Verdict
from tests.tls.issuing import Issued, dns_names, issue

from .found import ROOT, found, host, lines, looked_up, mx
from .sessions import ADDRESS, MX, session, without_starttls
from .transport import CERTIFICATES, LEAF, served, to

HOST = host(looked_up(ADDRESS))
WILDCARD = issue(by=ROOT, extensions=[dns_names("*.example.org", MX)])
BOTH = issue(by=ROOT, extensions=[dns_names(MX, "Example.ORG")])
CN_ONLY = issue("example.org", by=ROOT, extensions=[dns_names(MX)])
KNOWN = [*CERTIFICATES, *(one.der for one in (WILDCARD, BOTH, CN_ONLY))]


def judged(*ends: SessionRecord, domain: str = "example.org") -> Domain:
    """The record of a domain whose mail hosts were met like this."""
    names = [MX, "mx2.example.org"][: len(ends)]
    addresses = [ADDRESS, "192.0.2.2"]
    hosts = [host(looked_up(address), exchange=name) for name, address in zip(names, addresses, strict=False)]
    sessions = {(name, address): end for name, address, end in zip(names, addresses, ends, strict=False)}
    run = found(*hosts, sessions=sessions, certificates=KNOWN)
    return judge_domain(lines(), to(mx(MX, 10), mx("mx2.example.org", 20), domain=domain), run)


def words(verdict: Verdict | None) -> str:
    assert verdict is not None
    return f"{verdict.value} {verdict.yes}/{verdict.no}/{verdict.unknown} {verdict.preferred}"


@pytest.mark.parametrize(
    ("leaf", "domain", "said", "why"),
    [
        (LEAF, "example.org", "no 0/2/0 no", "for the mail hosts alone"),
        (BOTH, "example.org", "yes 2/0/0 yes", "for the domain too, in whatever case"),
        (BOTH, "example.net", "no 0/2/0 no", "for another domain"),
        (WILDCARD, "sub.example.org", "yes 2/0/0 yes", "a wildcard covers it"),
        (WILDCARD, "example.org", "no 0/2/0 no", "but not its own parent"),
        (WILDCARD, "a.b.example.org", "no 0/2/0 no", "nor two labels"),
        (CN_ONLY, "example.org", "no 0/2/0 no", "the common name does not count"),
    ],
)
def test_it_is_the_domain_that_the_certificates_are_held_to(leaf: Issued, domain: str, said: str, why: str) -> None:
    verdict = judged(served(leaf), served(leaf), domain=domain).verdicts.certificate_domain_name
    assert words(verdict) == said


def test_each_host_has_its_unit() -> None:
    verdicts = judged(served(BOTH), served(LEAF)).verdicts
    assert words(verdicts.certificate_domain_name) == "mixed 1/1/0 yes"


@pytest.mark.parametrize("end", [without_starttls(), session()])
def test_without_a_certificate_it_says_what_the_verdict_on_names_says(end: SessionRecord) -> None:
    verdicts = judged(end, end).verdicts
    assert verdicts.certificate_domain_name == verdicts.certificate_name


def test_domains_that_share_their_hosts_each_have_their_own() -> None:
    run = found(HOST, sessions={(MX, ADDRESS): served(BOTH)}, certificates=KNOWN)
    said = [
        judge_domain(lines(), to(mx(), domain=domain), run).verdicts.certificate_domain_name
        for domain in ("example.org", "example.net", "example.org")
    ]
    assert [words(verdict) for verdict in said] == ["yes 1/0/0 yes", "no 0/1/0 no", "yes 1/0/0 yes"]
