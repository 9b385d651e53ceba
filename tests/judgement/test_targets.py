"""Which addresses of a mail host are talked to, and what a session with one is called."""

import pytest
from msgspec.structs import replace

from scanner.judgement.targets import is_contactable, select_addresses, server_name_of, target_id
from scanner.outcomes import AddressFlag

from .found import flagged, host, looked_up


def test_a_target_is_known_by_the_same_name_in_every_run() -> None:
    # The first 16 hexadecimal digits of the SHA-256 of "192.0.2.1|25|mx1.example.org".
    assert target_id("192.0.2.1", 25, "mx1.example.org") == "d6da9fa63bba2009"


@pytest.mark.parametrize(
    ("address", "port", "server_name", "why"),
    [
        ("192.0.2.2", 25, "mx1.example.org", "another address"),
        ("192.0.2.1", 465, "mx1.example.org", "another port"),
        ("192.0.2.1", 25, "mx2.example.org", "another name asked for"),
        ("192.0.2.12", 5, "mx1.example.org", "the parts do not run into each other"),
    ],
)
def test_another_target_has_another_name(address: str, port: int, server_name: str, why: str) -> None:
    assert target_id(address, port, server_name) != target_id("192.0.2.1", 25, "mx1.example.org")


V4 = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
V6 = ("2001:db8::1", "2001:db8::2")


@pytest.mark.parametrize(
    ("most", "tried", "left_out", "why"),
    [
        (8, [V4[0], V6[0], V4[1], V6[1], V4[2]], [], "both families in turn, then what is left of one"),
        (2, [V4[0], V6[0]], [V4[1], V6[1], V4[2]], "RFC 5321 §5.1: at least two; one of each family"),
        (5, [V4[0], V6[0], V4[1], V6[1], V4[2]], [], "exactly as many as there are"),
    ],
)
def test_both_families_get_their_turn(most: int, tried: list[str], left_out: list[str], why: str) -> None:
    found = select_addresses(host(looked_up(*V4), looked_up(*V6)), most)
    assert [[address.address for address in part] for part in found] == [tried, left_out]


@pytest.mark.parametrize(
    ("flags", "contactable"),
    [
        ((), True),
        ((AddressFlag.not_public,), False),
        ((AddressFlag.own_address,), False),
        ((AddressFlag.opted_out,), False),
        ((AddressFlag.address_withdrawn,), False),
        ((AddressFlag.shared_across_names,), True),
        ((AddressFlag.shared_across_names, AddressFlag.not_public), False),
    ],
)
def test_an_address_with_a_reason_not_to_is_not_contacted(flags: tuple[AddressFlag, ...], contactable: bool) -> None:
    address = flagged("192.0.2.1", *flags)
    assert is_contactable(address) is contactable
    assert select_addresses(host(looked_up(address)), 8)[0] == [address] * contactable


def test_an_address_that_is_not_contacted_takes_no_place_of_another() -> None:
    addresses = looked_up(flagged("10.0.0.1", AddressFlag.not_public), *V4)
    tried, left_out = select_addresses(host(addresses), 3)
    assert [address.address for address in tried] == list(V4)
    assert left_out == []


def test_the_name_asked_for_is_the_mail_hosts() -> None:
    assert server_name_of(host(exchange="mx_1.example.org")) == "mx_1.example.org"


def test_a_session_asks_for_the_tlsa_base_domain_where_there_is_one() -> None:
    behind_an_alias = replace(host(exchange="mx.example.org"), tlsa_base_domain="mx_1.provider.example")
    assert server_name_of(behind_an_alias) == "mx_1.provider.example"
