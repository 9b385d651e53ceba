"""What the lab's resolver says about security: AD, CD and DO, as a resolver that validates does."""

import hashlib
from typing import Any

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from scanner.lab.dns_server import encode_response
from scanner.lab.security import Security
from scanner.lab.world import CertificateKind, Server, World
from scanner.lab.world_file import DNS_ADDRESS, find_problems
from scanner.lab.zone import Zone
from scanner.lab.zone_lines import ZoneError, parse_record

from .conftest import OpenLab
from .running import ADDRESS, HOST, RunningLab, entry, start_tls, world_of

LINES = [
    "signed.lab. MX 10 mx.signed.lab.",
    "mx.signed.lab. A 127.64.9.1",
    "a.below.signed.lab. A 127.64.9.2",
    "again.below.signed.lab. A 127.64.9.3",
    "plain.lab. A 127.64.9.4",
    "to-signed.plain.lab. CNAME mx.signed.lab.",
    "to-plain.signed.lab. CNAME plain.lab.",
    "to-nothing.signed.lab. CNAME nothing.signed.lab.",
    "alias.signed.lab. CNAME mx.signed.lab.",
    ". SOA ns.lab. hostmaster.lab. 1 3600 600 86400 60",
]
FAULTS: dict[str, Any] = {
    "broken.signed.lab A": "servfail",
    "mx.signed.lab AAAA": "bogus",
    "mx.signed.lab TXT": "nxdomain",
    "mx.signed.lab SRV": "truncate",
    "signed.lab A": ("bogus", "ok"),
}


def a_zone(*, validates: bool = True) -> Zone:
    security = Security(
        ["signed.lab", "again.below.signed.lab"], ["below.signed.lab", "to-plain.signed.lab."], validates=validates
    )
    return Zone(LINES, FAULTS, security)


def ask(zone: Zone, name: str, record_type: str, *, ad: bool = True, cd: bool = False, do: bool = False) -> Any:
    query = dns.message.make_query(name, record_type, want_dnssec=do)
    query.flags |= ad * dns.flags.AD | cd * dns.flags.CD
    answer = dns.message.from_wire(encode_response(query.to_wire(), zone)[0])
    assert query.is_response(answer)
    return answer


def is_secure(answer: dns.message.Message) -> bool:
    return bool(answer.flags & dns.flags.AD)


ANSWERS = [
    (".", "SOA", True, "the root, by which a resolver is known to validate"),
    ("signed.lab", "MX", True, "a signed zone"),
    ("MX.Signed.LAB", "A", True, "and a name in it, in any case"),
    ("nothing.signed.lab", "MX", True, "a name that is not there, for sure"),
    ("mx.signed.lab", "MX", True, "a type that is not there, for sure"),
    ("alias.signed.lab", "A", True, "an alias, both ends signed"),
    ("to-nothing.signed.lab", "A", True, "an alias of nothing, for sure"),
    ("example.org", "MX", True, "the root is signed: it denies what is not of this world"),
    ("plain.lab", "A", False, "a zone that is not signed"),
    ("plain.lab", "MX", False, "nor what it denies"),
    ("nothing.lab", "MX", False, "nor what its parent denies"),
    ("a.below.signed.lab", "A", False, "an insecure delegation"),
    ("again.below.signed.lab", "A", True, "and a signed zone below it"),
    ("to-signed.plain.lab", "A", False, "an alias that is not secure itself (RFC 4035 §3.2.3: all of an answer)"),
    ("to-plain.signed.lab", "A", False, "nor one of a zone that ends the chain of trust"),
    ("broken.signed.lab", "A", False, "a failure proves nothing"),
    ("mx.signed.lab", "TXT", False, "nor does a denial that is a fault"),
    ("mx.signed.lab", "SRV", False, "nor an answer that is cut"),
]


@pytest.mark.parametrize(("name", "record_type", "secure", "why"), ANSWERS, ids=[row[-1] for row in ANSWERS])
def test_ad_is_said_of_what_a_resolver_can_validate(name: str, record_type: str, secure: bool, why: str) -> None:
    assert is_secure(ask(a_zone(), name, record_type)) is secure


def test_an_alias_is_secure_by_itself_whatever_it_leads_to() -> None:
    zone = Zone(LINES, {}, Security(["signed.lab"], [], validates=True))
    assert is_secure(ask(zone, "to-plain.signed.lab", "CNAME"))
    assert not is_secure(ask(zone, "to-plain.signed.lab", "A"))


ASKED = [
    ({"ad": True}, True, "RFC 6840 §5.7: AD in a query asks for it"),
    ({"ad": False, "do": True}, True, "so does DO"),
    ({"ad": False}, False, "who asks for neither is told nothing"),
    ({"ad": True, "cd": True}, False, "who checks for himself is told nothing"),
]


@pytest.mark.parametrize(("flags", "secure", "why"), ASKED, ids=[row[-1] for row in ASKED])
def test_ad_is_said_to_who_wants_to_know(flags: dict[str, bool], secure: bool, why: str) -> None:
    assert is_secure(ask(a_zone(), "signed.lab", "MX", **flags)) is secure


@pytest.mark.parametrize("do", [True, False])
def test_do_comes_back_as_it_was_sent(do: bool) -> None:
    answer = ask(a_zone(), "signed.lab", "MX", do=do)
    assert bool(answer.ednsflags & dns.flags.DO) is do


def test_bogus_records_are_withheld_from_all_who_do_not_check_for_themselves() -> None:
    zone = Zone([*LINES, "mx.signed.lab. AAAA ::ffff:127.64.9.1"], FAULTS, Security(["signed.lab"], [], validates=True))
    withheld = ask(zone, "mx.signed.lab", "AAAA")
    assert (withheld.rcode(), withheld.answer, is_secure(withheld)) == (dns.rcode.SERVFAIL, [], False)
    through_an_alias = ask(zone, "alias.signed.lab", "AAAA")
    assert through_an_alias.rcode() == dns.rcode.SERVFAIL
    given = ask(zone, "mx.signed.lab", "AAAA", cd=True)
    assert (given.rcode(), len(given.answer), is_secure(given)) == (dns.rcode.NOERROR, 1, False)


def test_what_was_bogus_may_be_mended() -> None:
    zone = a_zone()
    assert ask(zone, "signed.lab", "A").rcode() == dns.rcode.SERVFAIL
    assert is_secure(ask(zone, "signed.lab", "A"))


def test_a_resolver_that_does_not_validate_knows_of_no_security() -> None:
    zone = a_zone(validates=False)
    assert not any(is_secure(ask(zone, name, record_type)) for name, record_type, *_ in ANSWERS)
    assert ask(zone, "mx.signed.lab", "AAAA").rcode() == dns.rcode.NOERROR


# TLSA --------------------------------------------------------------------------------------------------

KINDS = {
    "this": CertificateKind(),
    "other": CertificateKind(key="p256_next"),
    "under": CertificateKind(issuer="intermediate"),
}
DIGESTS = {1: hashlib.sha256, 2: hashlib.sha512}


def tlsa_world(*data: str, **changes: Any) -> World:
    here = f"_25._tcp.{HOST}."
    return world_of(
        certificates=KINDS,
        entries=(entry("here.lab", *[f"{here} TLSA {each}" for each in data], signed=("here.lab",)),),
        servers=(Server(address=ADDRESS, host=HOST, behaviour="this", certificate="under"),),
        **changes,
    )


def tlsa_of(lab: RunningLab, owner: str) -> list[str]:
    answer = dns.query.udp(dns.message.make_query(owner, "TLSA"), DNS_ADDRESS, 5, lab.lab.ports.dns)
    return [
        f"{rdata.usage} {rdata.selector} {rdata.mtype} {rdata.cert.hex()}" for rrset in answer.answer for rdata in rrset
    ]


def association_data(certificate: bytes, selector: int, matching_type: int) -> str:
    key = x509.load_der_x509_certificate(certificate).public_key()
    selected = certificate
    if selector == 1:
        selected = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return (DIGESTS[matching_type](selected).digest() if matching_type else selected).hex()


def test_records_are_made_of_what_the_server_serves(open_lab: OpenLab) -> None:
    numbers = [(3, 0, 1), (3, 1, 1), (3, 0, 2), (3, 1, 2), (3, 1, 0)]
    lab = open_lab(tlsa_world(*[f"{u} {s} {m} {{leaf:{HOST}}}" for u, s, m in numbers], "2 0 1 {intermediate}"))
    leaf, anchor = start_tls(lab).chain()
    expected = [f"{u} {s} {m} {association_data(leaf, s, m)}" for u, s, m in numbers]
    expected.append(f"2 0 1 {association_data(anchor, 0, 1)}")
    for port in (25, lab.lab.ports.smtp):
        assert sorted(tlsa_of(lab, f"_{port}._tcp.{HOST}")) == sorted(expected)


def test_a_record_may_be_of_another_certificate_than_the_server_has(open_lab: OpenLab) -> None:
    lab = open_lab(tlsa_world(f"3 1 1 {{leaf:{HOST}/other}}"))
    (leaf, _) = start_tls(lab).chain()
    (record,) = tlsa_of(lab, f"_25._tcp.{HOST}")
    assert record.removeprefix("3 1 1 ") != association_data(leaf, 1, 1)


@pytest.mark.parametrize(
    ("name", "problems"),
    [
        (f"{{leaf:{HOST}}}", 0),
        (f"{{leaf:{HOST}/other}}", 0),
        ("{hidden}", 0),
        ("{leaf:nobody.lab}", 1),
        (f"{{leaf:{HOST}/nothing}}", 1),
        ("{stranger}", 1),
        ("{leaf}", 1),
        ("{}", 1),
    ],
)
def test_a_record_of_no_certificate_is_a_problem_of_its_world(name: str, problems: int) -> None:
    assert len(list(find_problems(tlsa_world(f"3 1 1 {name}")))) == problems


@pytest.mark.parametrize("zones", [{"signed": ("a..lab",)}, {"insecure": ("münchen.lab",)}])
def test_a_zone_whose_name_is_none_is_a_problem_of_its_world(zones: dict[str, Any]) -> None:
    for world in (world_of(**zones), world_of(entries=(entry("here.lab", **zones),))):
        assert len(list(find_problems(world))) == 1


def test_records_may_be_such_as_no_library_would_write() -> None:
    for data, octets in (("0 9 200 00ff", "0009c800ff"), ("3 1 1", "030101"), ("3 1 1 0A 0b", "0301010a0b")):
        assert parse_record(f"x.lab. TLSA {data}").rdata == bytes.fromhex(octets)
    for data in ("3 1", "3 1 256 00", "3 1 1 0", "3 1 1 xx"):
        with pytest.raises(ZoneError):
            parse_record(f"x.lab. TLSA {data}")


def test_the_anchor_that_everybody_trusts_may_stand_in_full(open_lab: OpenLab) -> None:
    lab = open_lab(tlsa_world("2 0 0 {authority}"))
    (record,) = tlsa_of(lab, f"_25._tcp.{HOST}")
    roots = (lab.directory / "roots.pem").read_bytes()
    assert record == f"2 0 0 {x509.load_pem_x509_certificate(roots).public_bytes(Encoding.DER).hex()}"
