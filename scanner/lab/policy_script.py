"""A policy behaviour → the steps of a policy host. Pure."""

import gzip

from scanner.lab.steps import Step, octets_of, parse_step
from scanner.lab.world import PolicyBehaviour, PolicyHost
from scanner.settings import Limits

#: A good response (RFC 8461 §3.3); the connection stays open, as HTTP/1.1 has it.
GOOD_RESPONSE = (
    r"send HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n",
    "send {policy}",
)

_PADDING = "padding: "


def parse_stage(texts: tuple[str, ...], host: str, limits: Limits) -> tuple[Step, ...]:
    """Steps whose waits are shares of the limit of a fetch. Raises ValueError."""
    return tuple([step for text in texts for step in parse_step(text, host=host, limit_s=limits.policy_s)])


def parse_response(behaviour: PolicyBehaviour, host: PolicyHost, limits: Limits) -> tuple[Step, ...]:
    """What a policy host says to who asks for its policy. Raises ValueError."""
    texts = GOOD_RESPONSE if behaviour.response is None else behaviour.response
    written = _written_policy(host)
    policy = octets_of(written, host.host)
    gzipped = gzip.compress(policy, mtime=0)
    for placeholder, meant in (
        ("{policy}", written),
        ("{length}", str(len(policy))),
        ("{hex_length}", f"{len(policy):x}"),
        ("{gzipped}", "".join([f"\\x{octet:02x}" for octet in gzipped])),
        ("{gzipped_length}", str(len(gzipped))),
    ):
        texts = tuple([text.replace(placeholder, meant) for text in texts])
    return parse_stage(texts, host.host, limits)


def _written_policy(host: PolicyHost) -> str:
    """The policy as it is written in a step, with its padding."""
    missing = host.padded_to - len(octets_of(host.policy, host.host)) - len(_PADDING)
    return host.policy + _PADDING + "x" * missing if host.padded_to else host.policy
