"""The steps of a check, as a person is told them: what was done or found, how it came out, what to do about it."""

from enum import StrEnum

from msgspec import Struct


class Section(StrEnum):
    """The parts of a check, in the order in which they are told."""

    syntax = "syntax"
    zone = "zone"
    sender = "sender"
    route = "route"
    servers = "servers"
    reverse = "reverse"
    policies = "policies"
    answer = "answer"


class StepResult(StrEnum):
    """What a step is: something that is done now, something to know, or a test and how it came out.

    `failed` is said of what others must repair; `unknown` of what could not be found out from here, also when
    the fault is ours.
    """

    action = "action"
    information = "information"
    passed = "passed"
    failed = "failed"
    unknown = "unknown"


class Step(Struct, frozen=True):
    """One step. `said` and `what_to_do` are plain text: what came over the wire stands in it escaped."""

    section: Section
    result: StepResult
    said: str
    what_to_do: str = ""
