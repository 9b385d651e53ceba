"""A provider whose customers insist on TLS: half of them by MTA-STS, half by DANE, nearly all of them well. Pure.

Mail hosts and policy hosts are few, as in the wild; each customer has a policy, and a signed zone, of its own.
"""

from collections.abc import Iterator
from typing import NamedTuple

from msgspec.structs import replace

from scanner.lab.grown_expectation import GrownHost, expect_mx
from scanner.lab.grown_hosts import Provider, address_records, lab_address, servers_at
from scanner.lab.habits import YES, Habit
from scanner.lab.world import CertificateKind, Entry, Expectation, PolicyBehaviour, PolicyHost

#: Beyond the networks of all other providers.
_FIRST_NETWORK = 4200
_CUSTOMERS_A_HOST = 50
_ADDRESSES_A_NETWORK = 100
#: Of the customers with DANE, those on a host whose records are out of date, and those whose own zone is not signed.
_RENEWED_EVERY, _UNSIGNED_EVERY = 10, 13
_ID = "20261122"

SECURED_CERTIFICATES = {"renewed": CertificateKind(key="p256_next")}
SECURED_BEHAVIOURS = {
    "good": PolicyBehaviour(about="has the policy"),
    "not_found": PolicyBehaviour(
        about="has none", response=(r"send HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",)
    ),
}

_GOOD = Habit("good", "good", "done ok", (YES,) * 5)
_RENEWED = Habit("good", "renewed", "done ok", (YES,) * 5)


class _Fate(NamedTuple):
    """What a customer has of MTA-STS, and what senders that obey it make of that (`delivery`)."""

    mode: str = "enforce"
    names_host: bool = True
    behaviour: str = "good"
    certificate: str = "good"
    record: str = f"v=STSv1; id={_ID};"
    verdict: str = "valid"
    delivery: str = "delivers_authenticated"
    has_policy: bool = True
    findings: tuple[str, ...] = ()


_WELL = _Fate()
_RARER_FATES = (
    _Fate(mode="testing"),
    _Fate(
        mode="testing",
        names_host=False,
        verdict="invalid validation-failure",
        delivery="delivers_encrypted validation-failure",
        findings=("validation-failure warning HOST",),
    ),
    _Fate(
        behaviour="not_found",
        verdict="invalid sts-policy-fetch-error",
        delivery="delivers_encrypted sts-policy-fetch-error",
        has_policy=False,
        findings=("sts-policy-fetch-error error mta-sts.DOMAIN",),
    ),
    _Fate(
        certificate="expired",
        verdict="invalid sts-webpki-invalid",
        delivery="delivers_encrypted sts-webpki-invalid",
        has_policy=False,
        findings=("sts-webpki-invalid error mta-sts.DOMAIN",),
    ),
    _Fate(
        record="v=STSv1; id=2026-11-22;",
        verdict="invalid sts-policy-invalid",
        delivery="delivers_encrypted sts-policy-invalid",
        has_policy=False,
        findings=("sts-policy-invalid error _mta-sts.DOMAIN",),
    ),
)
#: In this order over and over: three of four customers are well.
_FATES = tuple([fate for rarer in _RARER_FATES for fate in (_WELL, _WELL, _WELL, rarer)])


def grow_secured(customers: int) -> Provider:
    """So many customers, half of them (rounded down) with DANE."""
    with_dane = customers // 2
    hosts = [_dane_host(number) for number in range(-(-with_dane // _CUSTOMERS_A_HOST))]
    others = [_plain_host(number) for number in range(-(-(customers - with_dane) // _CUSTOMERS_A_HOST))]
    entries = [_dane_customer(number, hosts[number // _CUSTOMERS_A_HOST]) for number in range(with_dane)]
    entries += [_sts_customer(number, others[number // _CUSTOMERS_A_HOST]) for number in range(customers - with_dane)]
    return Provider(
        entries=tuple(entries),
        records=tuple([line for host in (*hosts, *others) for line in _host_records(host)]),
        servers=tuple([server for host in (*hosts, *others) for server in servers_at(host)]),
        signed=(_DANE_PROVIDER,),
    )


_DANE_PROVIDER = "dane-provider.lab"


def _dane_host(number: int) -> GrownHost:
    habit = _RENEWED if number % _RENEWED_EVERY == _RENEWED_EVERY - 1 else _GOOD
    return GrownHost(f"mx{number}.{_DANE_PROVIDER}", ((_address(0, number), habit),))


def _plain_host(number: int) -> GrownHost:
    return GrownHost(f"mx{number}.sts-provider.lab", ((_address(50, number), _GOOD),))


def _address(first: int, number: int) -> str:
    network, position = divmod(number, _ADDRESSES_A_NETWORK)
    return lab_address(_FIRST_NETWORK + first + network, position)


def _host_records(host: GrownHost) -> Iterator[str]:
    yield from address_records(host)
    if host.exchange.endswith(_DANE_PROVIDER):
        yield f"_25._tcp.{host.exchange}. TLSA 3 1 1 {{leaf:{host.exchange}/good}}"


# DANE --------------------------------------------------------------------------------------------------


def _dane_customer(number: int, host: GrownHost) -> Entry:
    domain = f"dane-{number:06d}.lab"
    is_signed = number % _UNSIGNED_EVERY != 0
    return Entry(
        domain=domain,
        why="sits on a host with TLSA records",
        records=(f"{domain} MX 10 {host.exchange}",),
        signed=(domain,) if is_signed else (),
        expect=_expect_dane(domain, host, is_signed=is_signed),
    )


def _expect_dane(domain: str, host: GrownHost, *, is_signed: bool) -> Expectation:
    """RFC 7672 §2.2: the host's records hold or do not; §2.2.1: they protect only who cannot be led elsewhere."""
    holds = host.addresses[0][1] is _GOOD
    expect = expect_mx([(10, host)])
    findings = () if is_signed else (f"dane-mx-insecure notice {domain}",)
    if holds:
        verdict, delivery = ("valid", "delivers_authenticated") if is_signed else ("unusable mx_insecure", None)
    else:
        verdict, delivery = "invalid validation-failure", "fails validation-failure"
        findings = (f"validation-failure error {host.exchange}", *findings)
    record = replace(
        expect.hosts[0],
        dane=f"{'valid' if holds else 'invalid'} usable_records {host.exchange}",
        matched=("3 1 1",) if holds else (),
        unmatched=() if holds else ("3 1 1",),
    )
    senders = (*expect.delivery, f"dane {delivery}") if delivery else expect.delivery
    return replace(expect, hosts=(record,), dane=verdict, delivery=senders, findings=findings)


# MTA-STS -----------------------------------------------------------------------------------------------


def _sts_customer(number: int, host: GrownHost) -> Entry:
    domain, fate = f"sts-{number:06d}.lab", _FATES[number % len(_FATES)]
    address = _policy_address(fate, number)
    pattern = host.exchange if fate.names_host else "mx.elsewhere.lab"
    return Entry(
        domain=domain,
        why="has a policy at its provider",
        records=(
            f"{domain} MX 10 {host.exchange}",
            f'_mta-sts.{domain} TXT "{fate.record}"',
            f"mta-sts.{domain} A {address}",
        ),
        policy_hosts=(
            PolicyHost(
                address=address,
                host=f"mta-sts.{domain}",
                behaviour=fate.behaviour,
                certificate=fate.certificate,
                policy=rf"version: STSv1\nmode: {fate.mode}\nmx: {pattern}\nmax_age: 604800\n",
            ),
        ),
        expect=_expect_sts(domain, host, fate, pattern),
    )


def _policy_address(fate: _Fate, number: int) -> str:
    """Few addresses have all policies; a behaviour and a kind of certificate are an address's."""
    if fate.behaviour != "good":
        return _address(99, 0)
    return _address(99, 1) if fate.certificate != "good" else _address(98, number % 4)


def _expect_sts(domain: str, host: GrownHost, fate: _Fate, pattern: str) -> Expectation:
    expect = expect_mx([(10, host)])
    findings = [found.replace("HOST", host.exchange).replace("DOMAIN", domain) for found in fate.findings]
    return replace(
        expect,
        mta_sts=fate.verdict,
        policy=f"{_ID} {fate.mode} 604800 {pattern}" if fate.has_policy else "",
        delivery=(*expect.delivery, f"mta_sts {fate.delivery}"),
        findings=tuple(findings),
    )
