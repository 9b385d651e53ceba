"""What commands in the foreground have in common: the name by which we introduce ourselves."""

import platform
from collections.abc import Sequence

from scanner.commands.settings_source import change_settings
from scanner.lookup.own_name import lookup_own_name
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
