"""Where settings come from: defaults, the lab's limits, a TOML file, the command line; the later wins."""

import re
import tomllib
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from scanner.addresses import parse_address
from scanner.judgement.expectation import parse_expectation
from scanner.names import InvalidName, parse_domain
from scanner.settings import Settings

#: What the lab lays between the defaults and the settings file: its servers are near and misbehave on
#: purpose, and nobody else is burdened. `--lab-real-limits` leaves it out.
LAB_LAYER: dict[str, Any] = {
    "dns": {"lookup_s": 3.0},
    "probe": {"width": 100},
    "limits": {
        "connect_s": 1.0,
        "greeting_s": 3.0,
        "reply_s": 2.0,
        "tls_s": 2.0,
        "quit_s": 0.5,
        "session_s": 6.0,
        "policy_s": 3.0,
        "message_s": 2.0,
    },
    "pace": {
        "address_per_s": 100.0,
        "network_sessions": 64,
        "network_per_s": 1000.0,
        "group_sessions": 256,
        "group_per_s": 4000.0,
        "back_off_s": 0.25,
    },
    "second_attempt": {"limits_factor": 1.6, "pause_s": 0.0, "short_pause_s": 0.0, "lookups_per_s": 1000.0},
    "vantage": {
        "nothing_there": "127.127.255.254",
        "canary_domains": ["good.lab"],
        "pause_s": 1.0,
        "pauses": 2,
    },
    "watch": {"pause_s": 0.0},
}

#: What `check` and `send` lay there instead: somebody waits, and one domain is no burden on anybody.
FOREGROUND_LAYER: dict[str, Any] = {
    "pace": {"back_off_s": 5.0, "back_off_times": 2},
    "second_attempt": {"pause_s": 5.0, "short_pause_s": 5.0},
}

#: The networks that the lab's servers have, the only ones that a scan of it may contact.
LAB_NETWORKS = ("127.64.0.0/10", "::ffff:127.64.0.0/106")
LAB_EHLO_NAME = "scanner.lab"

_SERVER = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<v4>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?|(?P<bare>[0-9A-Fa-f:.]+)")


class SettingsError(Exception):
    """A setting that can't be used: which, from where, and what was expected."""


def load_settings(
    config: Path | None, options: Mapping[str, Any], *, lab: bool, layer: Mapping[str, Any] = MappingProxyType({})
) -> Settings:
    """The settings of a new run. `options` are by path (`limits.connect_s`); None is "not given".

    `layer` is what a command lays between the defaults and the file where it is not in the lab.

    Raises SettingsError.
    """
    from_file = _read_config(config) if config is not None else {}
    from_options: dict[str, Any] = {}
    for path, value in options.items():
        if value is not None:
            table, _, key = path.partition(".")
            from_options.setdefault(table, {})[key] = value
    real_limits = _merge(from_file, from_options).get("lab", {}).get("real_limits", False)
    layers = [] if lab and real_limits else [LAB_LAYER if lab else layer]
    merged: dict[str, Any] = {}
    for above in (*layers, from_file, from_options):
        merged = _merge(merged, above)
    settings = _convert(merged, "the command line")
    _check(settings)
    return _with_absolute_paths(settings)


def _with_absolute_paths(settings: Settings) -> Settings:
    """A run may go on from another directory than it was begun in."""
    if not settings.probe.opt_out:
        return settings
    return change_settings(settings, {"probe.opt_out": str(Path(settings.probe.opt_out).absolute())})


def change_settings(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """The settings with other values of the right types, by path. Raises SettingsError for one that can't be used."""
    for path, value in values.items():
        table, _, key = path.partition(".")
        changed = msgspec.structs.replace(getattr(settings, table), **{key: value})
        settings = msgspec.structs.replace(settings, **{table: changed})
    _check(settings)
    return settings


def _read_config(path: Path) -> dict[str, Any]:
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is no TOML: {error}") from error
    _convert(tables, str(path))
    return tables


def _convert(tables: dict[str, Any], where: str) -> Settings:
    try:
        return msgspec.convert(tables, Settings)
    except msgspec.ValidationError as error:
        text = str(error).replace("`$.", "`")
        raise SettingsError(f"{where}: {text} (every setting is in configs/default.toml)") from error


def _merge(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        inner = merged.get(key)
        merged[key] = _merge(inner, value) if isinstance(inner, dict) and isinstance(value, Mapping) else value
    return merged


# What types cannot say -----------------------------------------------------------------------------


def _check(settings: Settings) -> None:
    for server in settings.dns.servers:
        _expect("dns.servers", server, "ADDRESS or ADDRESS:PORT, an IPv6 address with a port in brackets", _server)
    for address in settings.probe.source_address:
        _expect("probe.source_address", address, "an IP address of this machine", parse_address)
    for address in settings.vantage.canaries:
        _expect("vantage.canaries", address, "an IP address", parse_address)
    if settings.vantage.nothing_there:
        _expect("vantage.nothing_there", settings.vantage.nothing_there, 'an IP address, or ""', parse_address)
    for network in settings.probe.allow_networks:
        _expect("probe.allow_networks", network, "a network as 192.0.2.0/24", ip_network)
    _expect("judge.expect_mx", settings.judge.expect_mx, "PATTERN, CIDR or metadata:COLUMN", parse_expectation)
    if settings.probe.ehlo_name:
        _expect("probe.ehlo_name", settings.probe.ehlo_name, "a fully qualified domain name", _fqdn)


def _expect(path: str, value: Any, expected: str, parse: Callable[[Any], object]) -> None:
    try:
        parse(value)
    except (ValueError, InvalidName) as error:
        raise SettingsError(f"{path}: expected {expected}, found {value!r} ({error})") from error


def _server(text: str) -> None:
    match = _SERVER.fullmatch(text)
    if match is None:
        raise ValueError("no address")
    parse_address(match["v6"] or match["v4"] or match["bare"])
    if match["port"] is not None and not 1 <= int(match["port"]) <= 65535:
        raise ValueError("no port")


def _fqdn(text: str) -> None:
    # RFC 5321 §4.1.1.1: a domain name that resolves; one label alone never does in the public DNS.
    if parse_domain(text) != text.lower() or "." not in text:
        raise ValueError("at least two labels, in ASCII, without a final dot")
