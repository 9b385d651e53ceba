"""The event loop that the settings ask for."""

import asyncio
from collections.abc import Callable

from scanner.commands.settings_source import SettingsError
from scanner.net.machine import loop_factory
from scanner.settings import Settings


def chosen_loop(settings: Settings) -> tuple[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop's name and factory. Raises SettingsError."""
    try:
        return loop_factory(settings.run.loop)
    except ImportError as error:
        raise SettingsError(f"run.loop: uvloop can't be imported here ({error}); use asyncio or auto") from error
