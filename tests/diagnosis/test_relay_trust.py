"""Whether a certificate is one to give a message or a password to: chains of every kind → a problem, or none."""

from ipaddress import ip_address

import pytest
from cryptography import x509

from scanner.diagnosis.relay_trust import judge_relay_certificate
from scanner.tls.trust import TrustStore
from tests.tls.issuing import DAY, NOW, Issued, authority, basic_constraints, dns_names, issue, purposes

ROOT = authority()
INTERMEDIATE = authority("Intermediate", by=ROOT)
STRANGER = authority("Stranger")
ROOTS = TrustStore(ROOT.pem)
RELAY = "smtp.example.org"
NAMED = dns_names(RELAY)
OF_ADDRESSES = (
    x509.SubjectAlternativeName([x509.IPAddress(ip_address("192.0.2.1")), x509.IPAddress(ip_address("2001:db8::1"))]),
    False,
)
MANY = dns_names(*(f"h{number}.test" for number in range(9)))


def leaf(*names: x509.ExtensionType, by: Issued = ROOT, extension: tuple[x509.ExtensionType, bool] = NAMED) -> Issued:
    return issue(by=by, extensions=[extension])


GOOD = leaf()

#: A row: why, the chain, the reference, and words of the problem ("" if there is none).
CHAINS: list[tuple[str, list[Issued], str, str]] = [
    ("all is well", [GOOD], RELAY, ""),
    ("by an intermediate", [leaf(by=INTERMEDIATE), INTERMEDIATE], RELAY, ""),
    ("names have no case", [GOOD], "SMTP.Example.org", ""),
    ("a wildcard", [leaf(extension=dns_names("*.example.org"))], RELAY, ""),
    ("an address", [leaf(extension=OF_ADDRESSES)], "192.0.2.1", ""),
    ("an IPv6 address", [leaf(extension=OF_ADDRESSES)], "2001:DB8:0::1", ""),
    ("no certificate", [], RELAY, "showed no certificate"),
    ("of a stranger", [leaf(by=STRANGER), STRANGER], RELAY, "not trusted: self-signed in the chain"),
    ("its intermediate is missing", [leaf(by=INTERMEDIATE)], RELAY, "not trusted: unknown issuer"),
    ("self-signed", [issue(extensions=[NAMED])], RELAY, "not trusted: self-signed"),
    ("expired", [issue(by=ROOT, extensions=[NAMED], ends=NOW - DAY)], RELAY, "expired since 2026-11-21"),
    ("not yet valid", [issue(by=ROOT, extensions=[NAMED], starts=NOW + DAY)], RELAY, "not yet valid before 2026-11-23"),
    ("for a client", [issue(by=ROOT, extensions=[NAMED, purposes("1.3.6.1.5.5.7.3.2")])], RELAY, "wrong purpose"),
    ("for another name", [leaf(extension=dns_names("www.test"))], RELAY, f"is not for {RELAY}: it is for www.test"),
    ("for many others", [leaf(extension=MANY)], RELAY, "h4.test and 4 more"),
    ("for no name", [issue("nobody", by=ROOT, extensions=[basic_constraints(ca=False)])], RELAY, "for no name at all"),
    ("as its common name only", [issue(RELAY, by=ROOT)], RELAY, "as its common name only"),
    ("a name for an address", [GOOD], "192.0.2.1", "is not for the address 192.0.2.1"),
    ("another address", [leaf(extension=OF_ADDRESSES)], "192.0.2.2", "is not for the address 192.0.2.2"),
    ("an address for a name", [leaf(extension=OF_ADDRESSES)], RELAY, "it is for 192.0.2.1, 2001:db8::1"),
    ("an address written as a name", [leaf(extension=dns_names("192.0.2.1"))], "192.0.2.1", "not for the address"),
]  # fmt: skip


@pytest.mark.parametrize(("chain", "reference", "words"), [row[1:] for row in CHAINS], ids=[row[0] for row in CHAINS])
def test_a_chain_is_taken_or_has_its_problem(chain: list[Issued], reference: str, words: str) -> None:
    problem = judge_relay_certificate([each.der for each in chain], reference, ROOTS, NOW)
    assert problem is None if not words else words in (problem or "")


def test_what_is_no_certificate_has_a_problem() -> None:
    assert "unreadable" in (judge_relay_certificate([b"no certificate"], RELAY, ROOTS, NOW) or "")
