"""Who is told: operators of everything, owners of what is theirs, and of an end only who was told of the begin."""

from collections.abc import Iterable

from msgspec.json import decode
from msgspec.structs import replace

from scanner.outages.alerts import Alert, AlertKind
from scanner.outages.deliveries import Channel, Delivery, DeliveryState, Routing, deliveries_of, group_of
from tests.report.alerts import DOMAINS, EACH, a_domain, a_host, an_alert

OPERATORS = ("ops@example.net", "boss@example.net")
OWNED = Routing(operators=OPERATORS, tells_owners=True)
DOWN, BACK, REMINDER = (EACH[kind] for kind in (AlertKind.down, AlertKind.back_online, AlertKind.reminder))


def told(alerts: Iterable[Alert], routing: Routing = OWNED, known: Iterable[str] = ()) -> tuple[Delivery, ...]:
    return deliveries_of(alerts, routing, set(known).__contains__)


def mails(deliveries: Iterable[Delivery]) -> dict[str, Alert]:
    """Recipient → what he is told; one mail each."""
    found = [(delivery.recipients, delivery) for delivery in deliveries if delivery.channel is Channel.mail]
    assert len({recipients for recipients, _ in found}) == len(found)
    return {recipient: decode(delivery.payload, type=Alert) for [recipient], delivery in found}


def test_an_operator_gets_the_whole_alert_and_an_owner_his_domains() -> None:
    got = mails(told([DOWN]))
    assert set(got) == {*OPERATORS, "hostmaster@example.org", "it@example.com"}
    assert got["ops@example.net"] == DOWN
    names = {who: [domain.domain for domain in alert.domains] for who, alert in got.items()}
    assert names["hostmaster@example.org"] == ["example.org"]
    assert names["it@example.com"] == ["example.com"]


def test_an_owner_sees_no_other_owner_no_metadata_and_no_number_of_others() -> None:
    shared = a_domain(owners=("a@x.test", "b@y.test"), metadata={"customer": "4711"})
    got = mails(told([an_alert(domains=(shared, *DOMAINS[1:]))]))["a@x.test"]
    assert (got.domains_total, got.domains[0].owners, got.domains[0].metadata) == (1, ("a@x.test",), {})


def test_an_owner_sees_the_mail_hosts_of_his_domains_only() -> None:
    other = a_host(exchange="mx.backup.example")
    strange = a_host(exchange="mx.of-others.example")
    alert = an_alert(hosts=(a_host(), other, strange), still_down=("mx.backup.example", "mx.of-others.example"))
    got = mails(told([alert]))
    assert [host.exchange for host in got["hostmaster@example.org"].hosts] == ["mx1.example.org"]
    assert [host.exchange for host in got["it@example.com"].hosts] == ["mx1.example.org", "mx.backup.example"]
    assert got["it@example.com"].still_down == ("mx.backup.example",)
    assert len(got["ops@example.net"].hosts) == 3


def test_the_host_that_an_owners_domain_no_longer_has_is_still_told() -> None:
    got = mails(told([an_alert(hosts=(a_host(exchange="mx.old.example"),))]))
    assert [host.exchange for host in got["it@example.com"].hosts] == ["mx.old.example"]


def test_an_owner_who_is_an_operator_too_gets_one_mail() -> None:
    domain = a_domain(owners=("Ops@EXAMPLE.net", "ops@example.NET", " ops@example.net "))
    got = mails(told([an_alert(domains=(domain,))]))
    assert set(got) == {*OPERATORS, "Ops@example.net"}  # a local part may be another one (RFC 5321 §2.4)
    assert got["ops@example.net"].domains[0].owners == domain.owners


def test_without_a_column_of_owners_only_operators_get_mail() -> None:
    assert set(mails(told([DOWN], Routing(operators=OPERATORS)))) == set(OPERATORS)
    assert mails(told([DOWN], Routing())) == {}


def test_what_is_about_no_domain_goes_to_operators_only() -> None:
    assert set(mails(told([EACH[AlertKind.monitor_trouble]]))) == set(OPERATORS)


def test_the_file_and_the_command_get_everything() -> None:
    deliveries = told([DOWN], Routing(has_command=True))
    assert [(delivery.channel, delivery.delivery) for delivery in deliveries] == [
        (Channel.file, "3f9a2c41-1.1.file.all"),
        (Channel.command, "3f9a2c41-1.1.command.all"),
    ]
    assert [decode(delivery.payload, type=Alert) for delivery in deliveries] == [DOWN, DOWN]
    assert [delivery.channel for delivery in told([DOWN], Routing())] == [Channel.file]


def test_a_delivery_is_queued_under_a_key_that_tells_it_from_all_others() -> None:
    deliveries = told([DOWN, REMINDER, replace(EACH[AlertKind.monitor_trouble], alert="3f9a2c41-2")])
    keys = [delivery.delivery for delivery in deliveries]
    assert len(set(keys)) == len(keys) == 3 * (1 + 2) + 2 * 2
    assert f"3f9a2c41-1.1.mail.{group_of('ops@example.net')}" in keys
    assert {delivery.state for delivery in deliveries} == {DeliveryState.queued}
    assert deliveries[0].queued_at == DOWN.at


def first_of(recipient: str) -> str:
    return f"3f9a2c41-1.1.mail.{group_of(recipient)}"


def test_who_never_was_to_hear_of_an_outage_does_not_hear_of_its_end() -> None:
    got = mails(told([BACK], known=[first_of("ops@example.net")]))
    assert set(got) == {"ops@example.net"}


def test_a_reminder_goes_to_who_is_new_as_well() -> None:
    deliveries = [each for each in told([REMINDER], known=[first_of("ops@example.net")]) if each.recipients]
    waits_for = {delivery.recipients[0]: delivery.waits_for for delivery in deliveries}
    assert waits_for["ops@example.net"] == first_of("ops@example.net")
    assert waits_for["boss@example.net"] is None


def test_a_later_alert_waits_for_the_first_one_of_its_thread() -> None:
    first, later = (
        told([DOWN], Routing(operators=OPERATORS[:1], has_command=True)),
        told(
            [BACK],
            Routing(operators=OPERATORS[:1], has_command=True),
            known=[first_of("ops@example.net"), "3f9a2c41-1.1.command.all"],
        ),
    )
    assert [delivery.waits_for for delivery in first] == [None, None, None]
    # The file says everything in order by itself.
    assert [delivery.waits_for for delivery in later] == [None, "3f9a2c41-1.1.command.all", first_of("ops@example.net")]


def test_first_and_later_alerts_of_one_run_wait_for_each_other() -> None:
    deliveries = told([DOWN, BACK], Routing(operators=OPERATORS[:1]))
    assert [delivery.waits_for for delivery in deliveries] == [None, None, None, first_of("ops@example.net")]
