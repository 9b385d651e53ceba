"""Whether it is us, where nobody answers: servers that should be up are asked, one connection, EHLO and QUIT each."""

import asyncio

from scanner.contact_policy import ContactPolicy
from scanner.net.clock import Clock
from scanner.net.resolver import Resolver
from scanner.passes.canaries import configured_canaries
from scanner.passes.preflight_sample import find_canaries
from scanner.passes.progress import StopRequest
from scanner.probe.session import ProbedSession, Survey, probe_target
from scanner.settings import Settings

#: So many are asked at most: one that answers is enough.
MAX_ASKED = 3


async def ask_canaries(
    settings: Settings, resolver: Resolver, policy: ContactPolicy, clock: Clock, *, besides: str | None
) -> list[ProbedSession]:
    """Sessions with the canaries of the settings, else with mail servers of the canary domains but `besides`.

    None if there is nobody to ask. Nothing of it is recorded.
    """
    canaries = configured_canaries(settings.vantage.canaries, settings.probe.port, policy)
    if not canaries:
        domains = [domain for domain in settings.vantage.canary_domains if domain != besides]
        canaries = await find_canaries(domains, resolver, settings, policy, StopRequest())
    survey = Survey.of(settings, run="way out", start=1, clock=clock)
    return await asyncio.gather(*(probe_target(canary, survey, 1, None) for canary in canaries[:MAX_ASKED]))
