"""What commands in the foreground have in common: the name by which we introduce ourselves, and our event loop."""

import asyncio
import platform
from collections.abc import Callable, Sequence

from scanner.commands.settings_source import SettingsError, change_settings
from scanner.lookup.own_name import lookup_own_name
from scanner.net.machine import loop_factory
from scanner.net.questions import Questions
from scanner.settings import Settings


async def settle_ehlo_name(settings: Settings, dns_servers: Sequence[str]) -> Settings:
    """The settings with this host's own name in EHLO if none is set and it resolves; else the name stays empty.

    An empty name is said as the address literal of the connection (RFC 5321 §4.1.4).
    """
    if settings.probe.ehlo_name:
        return settings
    name = await lookup_own_name(platform.node(), Questions(dns_servers, settings.dns.lookup_s))
    return settings if name is None else change_settings(settings, {"probe.ehlo_name": name})


def foreground_loop(settings: Settings) -> tuple[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop's name and factory. Raises SettingsError."""
    try:
        return loop_factory(settings.run.loop)
    except ImportError as error:
        raise SettingsError(f"run.loop: uvloop can't be imported here ({error}); use asyncio or auto") from error
