"""The embedded world agrees with itself: names, addresses, and what each entry expects of its record."""

from collections import Counter
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from scanner.lab.world import Entry, Manners
from scanner.lab.world_file import EMBEDDED_WORLD, policy_addresses_of, read_tables, servers_of
from scanner.outcomes import AddressFlag, DnsStatus, HostFlag, Outcome, RouteFlag, RouteKind, VerdictValue
from scanner.records import Domain, JudgedAddress, JudgedHost, Verdict
from scanner.settings import DnsSettings, Limits

from .entries import WORLD, each_entry, record_of

LAB_V4 = IPv4Network("127.64.0.0/10")
LAB_V6 = IPv6Network("::ffff:127.64.0.0/106")
LAB_DNS = ip_network("127.64.0.0/24")

#: A domain of these kinds is asked nothing: it has no unit in any verdict.
WITHOUT_UNITS = frozenset({RouteKind.null_mx, RouteKind.invalid_name})

#: Flags of an address that must be left alone.
NOT_CONTACTED = {AddressFlag.not_public, AddressFlag.own_address}

#: A lookup with one of these statuses says something; every other leaves the family unknown.
ANSWERED = frozenset({DnsStatus.ok, DnsStatus.no_data, DnsStatus.nxdomain, DnsStatus.not_asked})


def repeated(values: list[str]) -> set[str]:
    return {value for value, times in Counter(values).items() if times > 1}


def test_the_world_has_more_than_sixty_domains_and_the_three_that_the_manual_names() -> None:
    domains = {entry.domain for entry in WORLD.entries}
    assert len(domains) >= 75
    assert {"good.lab", "sender.lab", "münchen.lab"} <= domains


def test_no_domain_stands_in_the_world_twice() -> None:
    assert repeated([entry.domain for entry in WORLD.entries]) == set()


def test_every_behaviour_and_every_certificate_kind_is_used_and_told_about() -> None:
    servers, policy_hosts = servers_of(WORLD), [host for hosts in policy_addresses_of(WORLD) for host in hosts]
    certificates = [kind for server in servers for kind in (server.certificate, *server.by_server_name.values())]
    assert {*certificates, *(host.certificate for host in policy_hosts)} == set(WORLD.certificates)
    assert used({server.behaviour for server in servers}, WORLD.behaviours) == set(WORLD.behaviours)
    policy_behaviours = used({host.behaviour for host in policy_hosts}, WORLD.policy_behaviours)
    assert policy_behaviours == set(WORLD.policy_behaviours)
    told = {name: behaviour.about for name, behaviour in WORLD.behaviours.items()}
    told |= {f"policy {name}": behaviour.about for name, behaviour in WORLD.policy_behaviours.items()}
    told |= {f"certificate {name}": kind.about for name, kind in WORLD.certificates.items()}
    assert [name for name, about in told.items() if not about] == []


def used(names: set[str], behaviours: Mapping[str, Manners]) -> set[str]:
    """These behaviours, and those that a visitor of one of them may meet."""
    return names | {met for name in names for met in (*behaviours[name].visits, behaviours[name].otherwise) if met}


def test_no_two_behaviours_and_no_two_certificate_kinds_are_the_same() -> None:
    tables = read_tables(EMBEDDED_WORLD)
    for table in (tables["behaviours"], tables["policy_behaviours"], tables["certificates"]):
        kinds = [repr(sorted(part.items())) for part in table.values() if part.pop("about")]
        assert repeated(kinds) == set()


@each_entry
def test_an_entry_says_why_it_is_there(entry: Entry) -> None:
    assert entry.why.endswith(".")


# Addresses --------------------------------------------------------------------------------------------


def published(records: tuple[str, ...]) -> set[str]:
    """The addresses in zone file lines."""
    words = [line.split() for line in records]
    return {word[-1] for word in words if word[-2] in ("A", "AAAA")}


def in_the_lab(address: str) -> bool:
    parsed = ip_address(address)
    return (parsed in LAB_V4 and parsed not in LAB_DNS) or parsed in LAB_V6


@each_entry
def test_an_address_outside_the_lab_is_never_contacted(entry: Entry) -> None:
    mail = tuple([line for line in entry.records if not line.startswith(("mta-sts.", "ns1.", "ns2."))])
    foreign = {address for address in published(mail) if not in_the_lab(address)}
    listed = {address.address: address for address in addresses_of(record_of(entry))}
    assert {listed[address].reason for address in foreign} <= {"not_public", "own_address"}
    assert foreign == {address for address, judged in listed.items() if NOT_CONTACTED & set(judged.flags)}


@each_entry
def test_a_network_belongs_to_one_entry(entry: Entry) -> None:
    own = {network(server.address) for server in entry.servers}
    others = {network(server.address) for server in servers_of(WORLD) if server not in entry.servers}
    assert own & others == set()


def network(address: str) -> str:
    return address.rpartition(".")[0]


@each_entry
def test_every_address_that_is_contacted_has_a_server(entry: Entry) -> None:
    served = {server.address for server in (*WORLD.servers, *entry.servers)}
    contacted = {judged.address.removeprefix("::ffff:") for judged in addresses_of(record_of(entry)) if judged.stage}
    assert contacted <= served


# Expectations -----------------------------------------------------------------------------------------


def addresses_of(record: Domain) -> list[JudgedAddress]:
    return [address for host in record.mail_hosts for address in host.addresses]


def units_of(record: Domain) -> int:
    """How many claims `reachable` makes: a (mail host, address) pair each, one for a host without any."""
    route = record.mail_route
    if not record.mail_hosts:
        return 0 if route.kind in WITHOUT_UNITS else 1
    kept = sum(map(units_of_host, record.mail_hosts))
    return kept + (route.mx_total - len(record.mail_hosts)) * (RouteFlag.mx_over_limit in route.flags)


def units_of_host(host: JudgedHost) -> int:
    half_known = any(status not in ANSWERED for status in (host.a_status, host.aaaa_status))
    voting = [address for address in host.addresses if AddressFlag.address_withdrawn not in address.flags]
    return len(voting) + half_known if host.addresses else 1


def value_of(verdict: Verdict) -> VerdictValue:
    if verdict.yes and verdict.no:
        return VerdictValue.mixed
    if verdict.yes or verdict.no:
        return VerdictValue.yes if verdict.yes else VerdictValue.no
    return VerdictValue.unknown if verdict.unknown else VerdictValue.not_applicable


def units(verdict: Verdict) -> int:
    return verdict.yes + verdict.no + verdict.unknown


@each_entry
def test_every_unit_has_a_claim_until_one_of_them_is_no(entry: Entry) -> None:
    record = record_of(entry)
    verdicts = record.verdicts
    assert units(verdicts.reachable) == units_of(record)
    # What is not reachable is asked nothing more, nor what speaks no SMTP, nor what does no TLS.
    assert units(verdicts.smtp) == units(verdicts.reachable) - verdicts.reachable.no
    assert units(verdicts.starttls) == units(verdicts.smtp) - verdicts.smtp.no
    assert units(verdicts.certificate_trusted) == units(verdicts.starttls) - verdicts.starttls.no
    assert units(verdicts.certificate_name) == units(verdicts.starttls) - verdicts.starttls.no


@each_entry
def test_a_verdict_follows_from_its_units(entry: Entry) -> None:
    verdicts = record_of(entry).verdicts
    for verdict in (
        verdicts.reachable,
        verdicts.smtp,
        verdicts.starttls,
        verdicts.certificate_trusted,
        verdicts.certificate_name,
    ):
        assert verdict.value is value_of(verdict)
        assert bool(verdict.reasons) == bool(verdict.unknown)
        assert verdict.reasons == tuple(sorted(set(verdict.reasons)))


@each_entry
def test_hosts_stand_in_the_order_of_the_record(entry: Entry) -> None:
    hosts = record_of(entry).mail_hosts
    order = [(host.preference or 0, host.exchange) for host in hosts]
    assert order == sorted(order)
    assert len(hosts) <= DnsSettings().max_mx
    for host in hosts:
        tried = [address for address in host.addresses if address.reason != "over_limit"]
        assert len(tried) <= DnsSettings().max_addresses
        assert (len(tried) < len(host.addresses)) == (HostFlag.addresses_over_limit in host.flags)


@each_entry
def test_a_family_has_addresses_where_its_lookup_is_ok_and_nowhere_else(entry: Entry) -> None:
    not_looked_up = {HostFlag.mx_is_localhost, HostFlag.mx_is_address_literal}
    for host in record_of(entry).mail_hosts:
        is_ipv6 = [":" in address.address for address in host.addresses]
        assert (host.a_status is DnsStatus.ok) == (False in is_ipv6)
        assert (host.aaaa_status is DnsStatus.ok) == (True in is_ipv6)
        asked = DnsStatus.not_asked not in (host.a_status, host.aaaa_status)
        assert asked == not_looked_up.isdisjoint(host.flags)


@each_entry
def test_a_limit_is_named_where_one_fired_and_nowhere_else(entry: Entry) -> None:
    for address in addresses_of(record_of(entry)):
        fired = address.outcome in (Outcome.timed_out, Outcome.deadline, Outcome.too_long)
        assert (address.limit is not None) == fired
        assert address.limit is None or address.limit.removeprefix("limits.") in Limits.__struct_fields__


@each_entry
def test_every_finding_is_about_something_in_the_record(entry: Entry) -> None:
    record = record_of(entry)
    domain = record.domain or record.input
    subjects = {domain, f"_mta-sts.{domain}", f"mta-sts.{domain}", f"_smtp._tls.{domain}"}
    for host in record.mail_hosts:
        subjects |= {host.exchange, *(f"{host.exchange} [{address.address}]" for address in host.addresses)}
    assert {finding.subject for finding in record.findings} <= subjects
    assert len(set(entry.expect.findings)) == len(entry.expect.findings)


@each_entry
def test_what_went_wrong_at_an_address_is_a_finding(entry: Entry) -> None:
    record = record_of(entry)
    told = {finding.subject for finding in record.findings}
    for host in record.mail_hosts:
        for address in host.addresses:
            is_ours = address.reason in ("over_limit", "own_address")
            is_gone = AddressFlag.address_withdrawn in address.flags
            if address.outcome is not Outcome.ok and not is_ours and not is_gone:
                assert f"{host.exchange} [{address.address}]" in told
