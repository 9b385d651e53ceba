"""A behaviour → what a server does at each stage; at those that it does not name, what a good server does."""

from dataclasses import dataclass

from scanner.lab.mail_script import MailScript, Steps, offered_extensions, parse_mail_script
from scanner.lab.steps import parse_step
from scanner.lab.world import Behaviour
from scanner.settings import Limits

#: Of which limit a wait is a share, by the stage in which it stands.
STAGE_LIMITS = {
    "greeting": "greeting_s",
    "ehlo": "reply_s",
    "helo": "reply_s",
    "starttls": "reply_s",
    "tls": "tls_s",
    "ehlo_after_tls": "reply_s",
    "quit": "quit_s",
    "auth": "reply_s",
    "mail": "reply_s",
    "rcpt": "reply_s",
    "data": "reply_s",
    "message": "message_s",
}
_TALK = ("greeting", "ehlo", "helo", "starttls", "tls", "ehlo_after_tls", "quit")


@dataclass(frozen=True, slots=True)
class Script:
    """The steps of each stage; `mail` has those that mail needs. `tls` None: the handshake, when a step says `tls`."""

    greeting: Steps
    ehlo: Steps
    helo: Steps
    starttls: Steps
    tls: Steps | None
    ehlo_after_tls: Steps
    quit: Steps
    mail: MailScript


def parse_script(behaviour: Behaviour, host: str, limits: Limits) -> Script:
    """The script of a server called `host`. Raises ValueError with the stage and step that is none."""

    def parse_stage(stage: str, texts: tuple[str, ...]) -> Steps:
        return _parse_stage(stage, texts, host, getattr(limits, STAGE_LIMITS[stage]))

    good = _good_stages(behaviour)
    stages = {}
    for stage in _TALK:
        texts: tuple[str, ...] | None = getattr(behaviour, stage)
        if texts is None:
            texts = good.get(stage)
        stages[stage] = None if texts is None else parse_stage(stage, texts)
    return Script(**stages, mail=parse_mail_script(behaviour, parse_stage))  # type: ignore[arg-type]  # only `tls` has no good steps


def _parse_stage(stage: str, texts: tuple[str, ...], host: str, limit_s: float) -> Steps:
    try:
        return tuple([step for text in texts for step in parse_step(text, host=host, limit_s=limit_s)])
    except ValueError as error:
        raise ValueError(f"{stage}: {error}") from error


def _good_stages(behaviour: Behaviour) -> dict[str, tuple[str, ...]]:
    before_tls = offered_extensions(behaviour, with_auth=behaviour.auth_before_tls != "no")
    ready = "send 220 2.0.0 Ready to start TLS\\r\\n"
    refusal = "send 500 5.5.1 Command unrecognized\\r\\n"
    return {
        "greeting": ("send 220 {host} ESMTP\\r\\n",),
        "ehlo": (_ehlo_reply((*before_tls, "STARTTLS") if behaviour.offers_starttls else before_tls),),
        "helo": ("send 250 {host}\\r\\n",),
        "starttls": (ready, "tls") if behaviour.offers_starttls else (refusal,),
        # RFC 3207 §4.2: STARTTLS is not offered again.
        "ehlo_after_tls": (_ehlo_reply(offered_extensions(behaviour)),),
        "quit": ("send 221 2.0.0 {host} closing\\r\\n", "close"),
    }


def _ehlo_reply(extensions: tuple[str, ...]) -> str:
    """RFC 5321 §4.1.1.1: the host's name first, then a keyword a line."""
    lines = ("{host}", *extensions)
    return "send " + "".join([f"250-{line}\\r\\n" for line in lines[:-1]]) + f"250 {lines[-1]}\\r\\n"
