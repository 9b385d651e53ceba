"""Whom we contact: every reason against an address stands beside the others, and the list is asked each time."""

import pytest

from scanner.addresses import AddressPolicy, parse_address
from scanner.contact_policy import ContactPolicy
from scanner.opt_out import OptOut, parse_opt_out
from scanner.outcomes import AddressFlag

NOT_PUBLIC, OWN, OPTED_OUT = AddressFlag.not_public, AddressFlag.own_address, AddressFlag.opted_out

#: Ours: a public one, a private one, one in an allowed network, IPv6, a DNS server on loopback.
OURS = [parse_address(text) for text in ("9.9.9.1", "10.0.0.1", "127.64.0.1", "2620:fe::1", "127.0.0.1")]
LISTED = parse_opt_out("9.9.9.2\n9.9.9.1\n10.9.0.0/16\nexample.org\n")

FLAGS = [
    ("9.9.9.9", (), "public, nobody's"),
    ("10.0.0.2", (NOT_PUBLIC,), "private"),
    ("127.64.0.2", (), "in an allowed network"),
    ("9.9.9.2", (OPTED_OUT,), "public, and opted out"),
    ("10.9.0.1", (NOT_PUBLIC, OPTED_OUT), "private, and opted out: both are said"),
    ("9.9.9.1", (OWN, OPTED_OUT), "ours, and opted out: both are said"),
    ("2620:fe::1", (OWN,), "ours, public"),
    ("127.64.0.1", (OWN,), "ours, not public, but allowed"),
    ("10.0.0.1", (NOT_PUBLIC,), "ours, but private to everybody: the domain's fault"),
    ("127.0.0.1", (NOT_PUBLIC,), "a resolver on loopback hides no domain that points there"),
    ("64:ff9b::909:901", (OWN, OPTED_OUT), "ours behind NAT64"),
    ("64:ff9b::909:909", (), "nobody's behind NAT64"),
    ("::ffff:127.64.0.1", (OWN,), "mapped, both forms allowed"),
]


@pytest.mark.parametrize(("text", "flags", "why"), FLAGS, ids=[row[2] for row in FLAGS])
def test_an_address_has_every_reason_that_applies(text: str, flags: tuple[AddressFlag, ...], why: str) -> None:
    public = AddressPolicy(["127.64.0.0/10", "::ffff:127.64.0.0/106"])
    policy = ContactPolicy(public, OURS, lambda: LISTED)
    assert policy.flags(parse_address(text)) == flags


@pytest.mark.parametrize(
    ("text", "names", "flags"),
    [
        ("9.9.9.9", ["mx.example.org"], (OPTED_OUT,)),
        ("9.9.9.9", ["mx.example.net", "alias.example.org"], (OPTED_OUT,)),
        ("9.9.9.9", ["mx.example.net"], ()),
        ("9.9.9.2", ["mx.example.org"], (OPTED_OUT,)),
        ("10.0.0.1", ["mx.example.org"], (NOT_PUBLIC, OPTED_OUT)),
    ],
)
def test_an_address_is_left_alone_for_the_names_that_lead_to_it(
    text: str, names: list[str], flags: tuple[AddressFlag, ...]
) -> None:
    assert ContactPolicy(AddressPolicy(), opt_out=lambda: LISTED).flags(parse_address(text), *names) == flags


def test_a_name_is_opted_out_or_not() -> None:
    policy = ContactPolicy(AddressPolicy(), opt_out=lambda: LISTED)
    assert policy.is_opted_out("mx.example.org")
    assert not policy.is_opted_out("example.net")


def test_without_a_list_and_without_addresses_of_ours_only_the_table_decides() -> None:
    policy = ContactPolicy(AddressPolicy())
    assert policy.flags(parse_address("9.9.9.1")) == ()
    assert policy.flags(parse_address("10.0.0.1")) == (NOT_PUBLIC,)
    assert not policy.is_opted_out("example.org")


def test_the_list_is_asked_anew_each_time() -> None:
    lists = [OptOut(), LISTED, OptOut()]
    policy = ContactPolicy(AddressPolicy(), opt_out=lambda: lists.pop(0))
    assert [policy.flags(parse_address("9.9.9.2")) for _ in range(3)] == [(), (OPTED_OUT,), ()]
