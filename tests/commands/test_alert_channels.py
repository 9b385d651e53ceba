"""The ways by which alerts leave, from settings: what is wrong is told before a scan begins, and no password is."""

from pathlib import Path
from typing import Any

import click
import pytest
from msgspec.structs import replace

from scanner.commands.alert_channels import open_channels, routing_of, second_zone
from scanner.commands.alert_options import ALERT_SETTINGS, alert_options
from scanner.commands.settings_source import SettingsError, load_settings
from scanner.outages.deliveries import Channel, Routing
from scanner.settings import AlertSettings, Settings, WatchSettings

US = "monitor.example.net"
PASSWORD = "s3cret word"


def settings(owner_column: str = "", **alerts: Any) -> Settings:
    return Settings(alerts=AlertSettings(**alerts), watch=WatchSettings(owner_column=owner_column))


def channels(made: Settings, ehlo_name: str = US) -> set[Channel]:
    return set(open_channels(made, Path("alerts.jsonl"), ehlo_name))


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (settings(), {Channel.file}),
        (settings(to=("a@b.test",), relay="relay.test"), {Channel.file, Channel.mail}),
        (settings(owner_column="owner", relay="relay.test"), {Channel.file, Channel.mail}),
        (settings(command="notify --now"), {Channel.file, Channel.command}),
        # What an earlier run queued goes out although this one has nobody to tell.
        (settings(relay="127.0.0.1:25"), {Channel.file, Channel.mail}),
    ],
)
def test_a_way_is_there_if_settings_name_it(made: Settings, expected: set[Channel]) -> None:
    assert channels(made) == expected


def relay_of(made: Settings) -> Any:
    mails: Any = open_channels(made, Path("alerts.jsonl"), US)[Channel.mail]
    return mails._postman._relay


@pytest.mark.parametrize(
    ("relay", "tls", "place", "security"),
    [
        ("relay.test", "auto", ("relay.test", 587), "starttls"),
        ("relay.test:25", "auto", ("relay.test", 25), "starttls"),
        ("relay.test:465", "auto", ("relay.test", 465), "implicit"),
        ("relay.test", "implicit", ("relay.test", 465), "implicit"),
        ("relay.test", "none", ("relay.test", 25), "none"),
        ("[::1]:2525", "none", ("::1", 2525), "none"),
    ],
)
def test_port_and_security_follow_from_each_other(relay: str, tls: str, place: tuple[str, int], security: str) -> None:
    found = relay_of(settings(relay=relay, tls=tls))
    assert ((found.host, found.port), found.security, found.ehlo_name) == (place, security, US)


def test_the_password_comes_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    monkeypatch.setenv("RELAY_PASSWORD", PASSWORD)
    for source in ({"password_env": "RELAY_PASSWORD"}, {"password_file": str(file)}):
        found = relay_of(settings(relay="relay.test", user="watch", **source))
        assert (found.user, found.password) == ("watch", PASSWORD)
        assert PASSWORD not in repr(found)


def test_the_sender_is_ours_unless_one_is_named() -> None:
    for made, sender, domain in [
        (settings(relay="relay.test"), f"mxscan@{US}", US),
        (
            settings(relay="relay.test", sender="alerts@Größe.example"),
            "alerts@xn--gre-6ka8i.example",
            "xn--gre-6ka8i.example",
        ),
    ]:
        mails: Any = open_channels(made, Path("alerts.jsonl"), US)[Channel.mail]
        assert (mails._style.sender, mails._style.domain) == (sender, domain)


WRONG = [
    ("nobody takes the mails", settings(to=("a@b.test",)), "give --relay"),
    ("nor those of owners", settings(owner_column="owner"), "give --relay"),
    ("no port", settings(relay="relay.test:0"), "--relay"),
    ("no host", settings(relay=":25"), "--relay"),
    ("no sender", settings(relay="relay.test", sender="nobody"), "--alert-from 'nobody'"),
    ("a sender of UTF-8", settings(relay="relay.test", sender="größe@b.test"), "ASCII"),
    ("a user without a password", settings(relay="relay.test", user="watch"), "give either --password-env"),
    ("no such variable", settings(relay="relay.test", user="watch", password_env="NOT_THERE"), "NOT_THERE"),
    ("no such file", settings(relay="relay.test", user="watch", password_file="/nonexistent"), "/nonexistent"),
    ("no such zone", settings(relay="relay.test", timezone="Europe/Nowhere"), "--timezone 'Europe/Nowhere'"),
    ("a zone that is a path", settings(relay="relay.test", timezone="../etc/passwd"), "--timezone"),
    ("no such roots", settings(relay="relay.test", ca_file="/nonexistent"), "alerts.ca_file '/nonexistent'"),
    ("an open quote", settings(command="notify 'x"), "--alert-command"),
    ("only space", settings(command="  "), "--alert-command"),
]  # fmt: skip


@pytest.mark.parametrize(("made", "told"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_is_told_with_its_option(made: Settings, told: str) -> None:
    with pytest.raises(SettingsError) as error:
        channels(made)
    assert told in str(error.value)


def test_a_password_does_not_cross_a_network_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_PASSWORD", PASSWORD)
    far = settings(relay="relay.test", tls="none", user="watch", password_env="RELAY_PASSWORD")
    with pytest.raises(SettingsError, match="in the clear") as error:
        channels(far)
    assert PASSWORD not in str(error.value)
    for near in ("localhost:25", "127.0.0.1", "[::1]:25"):
        assert channels(replace(far, alerts=replace(far.alerts, relay=near)))


def test_who_gets_what() -> None:
    made = settings("owner", to=("Ops@Größe.example", "b@c.test"), command="notify")
    assert routing_of(made) == Routing(
        operators=("Ops@xn--gre-6ka8i.example", "b@c.test"), tells_owners=True, has_command=True
    )
    assert routing_of(settings()) == Routing()
    with pytest.raises(SettingsError, match="--alert-to 'nobody'"):
        routing_of(settings(to=("nobody",)))


def test_a_zone_is_one_of_the_systems() -> None:
    assert second_zone(AlertSettings()) is None
    assert str(second_zone(AlertSettings(timezone="Europe/Berlin"))) == "Europe/Berlin"


def test_every_option_is_a_setting() -> None:
    given: dict[str, Any] = {}

    @click.command()
    @alert_options
    def command(**options: Any) -> None:
        given.update(options)

    arguments = [
        "--alert-to", "a@b.test", "--alert-to", "c@d.test", "--alert-from", "e@f.test", "--relay", "relay.test:25",
        "--relay-tls", "none", "--user", "watch", "--password-env", "NAME", "--password-file", "FILE", "--timezone",
        "Europe/Berlin", "--alert-command", "notify --now", "--metrics", "mxscan.prom",
    ]  # fmt: skip
    command.main(arguments, standalone_mode=False)
    made = load_settings(None, {ALERT_SETTINGS[name]: value for name, value in given.items()}, lab=False).alerts
    assert made == AlertSettings(
        to=("a@b.test", "c@d.test"), sender="e@f.test", relay="relay.test:25", tls="none", user="watch",
        password_env="NAME", password_file="FILE", timezone="Europe/Berlin", command="notify --now",
        metrics="mxscan.prom",
    )  # fmt: skip
    assert set(given) == set(ALERT_SETTINGS)
