"""The step language of behaviours: a text → a step with its octets and seconds. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum

#: The octets of one step; more would only fill the memory, no client reads that much.
MAX_STEP_BYTES = 16 << 20

_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{2}|.|$)", re.DOTALL)
_SIMPLE = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"\\": b"\\"}
_EXPECTED = "send TEXT, wait SHARE, drip SHARE TEXT, repeat N TEXT, close, reset, silence, swallow, deafen or tls"
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


class Verb(StrEnum):
    """What a step does. `repeat` is a `send` once parsed, `drip` sends and waits."""

    send = "send"
    wait = "wait"
    close = "close"
    reset = "reset"
    silence = "silence"
    swallow = "swallow"
    deafen = "deafen"
    tls = "tls"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `octets` to say, `seconds` to wait."""

    verb: Verb
    octets: bytes = b""
    seconds: float = 0.0


def parse_step(text: str, *, host: str, limit_s: float) -> tuple[Step, ...]:
    """The steps of a text, as world.Behaviour describes them. Raises ValueError with what is none."""
    word, _, argument = text.partition(" ")
    number, _, rest = argument.partition(" ")
    match word:
        case "send":
            return (Step(Verb.send, octets_of(argument, host)),)
        case "repeat":
            return (Step(Verb.send, _repeated(octets_of(rest, host), _count(number, text), text)),)
        case "wait":
            return (Step(Verb.wait, seconds=_share(argument, text) * limit_s),)
        case "drip":
            return _dripped(octets_of(rest, host), _share(number, text) * limit_s)
        case "close" | "reset" | "silence" | "swallow" | "deafen" | "tls" if not argument:
            return (Step(Verb(word)),)
    raise ValueError(f"{text!r} is no step: expected {_EXPECTED}")


def octets_of(text: str, host: str) -> bytes:
    """The octets that a text of a step stands for. Raises ValueError."""
    return _ESCAPE.sub(_unescaped, text.replace("{host}", host).encode())


def _unescaped(found: re.Match[bytes]) -> bytes:
    escape = found[1]
    if len(escape) == 3:
        return bytes.fromhex(escape[1:].decode("ascii"))
    if escape not in _SIMPLE:
        raise ValueError(f"unknown escape {found[0].decode(errors='backslashreplace')!r} in a step")
    return _SIMPLE[escape]


def _count(number: str, text: str) -> int:
    if not number.isdecimal():
        raise ValueError(f"{text!r}: expected repeat N TEXT")
    return int(number)


def _share(number: str, text: str) -> float:
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"{text!r}: expected a share of the stage's limit, such as 0.7")
    return float(number)


def _repeated(octets: bytes, times: int, text: str) -> bytes:
    if len(octets) * times > MAX_STEP_BYTES:
        raise ValueError(f"{text[:60]!r} would send {len(octets) * times} octets, over {MAX_STEP_BYTES}")
    return octets * times


def _dripped(octets: bytes, seconds: float) -> tuple[Step, ...]:
    pause = Step(Verb.wait, seconds=seconds)
    steps = [step for octet in octets for step in (Step(Verb.send, bytes((octet,))), pause)]
    return tuple(steps[:-1])
