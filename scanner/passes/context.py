"""What every pass of a start needs: the run, its directory and settings, the clock, and whom to tell."""

from dataclasses import dataclass

from scanner.addresses import AddressPolicy
from scanner.contact_policy import ContactPolicy
from scanner.net.clock import Clock
from scanner.passes.progress import Progress, StopRequest
from scanner.passes.run_directory import RunDirectory
from scanner.records import Run
from scanner.settings import Settings

_PUBLIC_ONLY = ContactPolicy(AddressPolicy())


@dataclass(frozen=True, slots=True)
class RunContext:
    """A run as one process works on it; `settings` may differ from the run's in what changes no result.

    `tells_us_apart` is false if somebody else finds out whether it is us: a run of one domain cannot, so there
    nothing that fails is held back as our own fault.
    """

    directory: RunDirectory
    run: Run
    settings: Settings
    clock: Clock
    progress: Progress
    stop: StopRequest
    policy: ContactPolicy = _PUBLIC_ONLY
    tells_us_apart: bool = True
