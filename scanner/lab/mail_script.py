"""What a server does with mail and with those who say who they are: a behaviour, read. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from scanner.lab.steps import Step, Verb
from scanner.lab.world import Behaviour

Steps = tuple[Step, ...]
#: A stage and its texts → their steps. Raises ValueError.
ParseStage = Callable[[str, tuple[str, ...]], Steps]

#: The largest message that is taken where neither the behaviour nor SIZE says one.
MAX_MESSAGE_BYTES = 35_882_577

_SIZE = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class MailScript:
    """Steps are None, or there are none, where the server does what a good one does.

    `extensions` have their keywords in upper case. `local_domains` are in lower case; () is every domain.
    """

    auth: Steps | None
    mail: Steps | None
    rcpt: Steps | None
    data: Steps | None
    message: Steps | None
    senders: Mapping[str, Steps]
    recipients: Mapping[str, Steps]
    extensions: Mapping[str, str]
    max_message_bytes: int
    mechanisms: tuple[str, ...]
    takes_auth_before_tls: bool
    requires_tls: bool
    requires_auth: bool
    local_domains: tuple[str, ...]

    def steps_for_sender(self, address: str) -> Steps | None:
        """What is said to MAIL from an address."""
        return _fitting(self.senders, address, self.mail)

    def steps_for_recipient(self, address: str) -> Steps | None:
        """What is said to RCPT to an address."""
        return _fitting(self.recipients, address, self.rcpt)

    def is_local(self, address: str) -> bool:
        """Whether mail to an address is for somebody here."""
        return not self.local_domains or address.lower().rpartition("@")[2] in (*self.local_domains, "postmaster")


def parse_mail_script(behaviour: Behaviour, parse_stage: ParseStage) -> MailScript:
    """Raises ValueError with the stage and step that is none."""

    def parse(stage: str) -> Steps | None:
        texts: tuple[str, ...] | None = getattr(behaviour, stage)
        return None if texts is None else parse_stage(stage, texts)

    extensions = dict([_extension(line) for line in offered_extensions(behaviour)])
    return MailScript(
        auth=parse("auth"),
        mail=parse("mail"),
        rcpt=parse("rcpt"),
        data=parse("data"),
        message=parse("message"),
        senders={pattern: parse_stage("mail", texts) for pattern, texts in behaviour.senders.items()},
        recipients={pattern: parse_stage("rcpt", texts) for pattern, texts in behaviour.recipients.items()},
        extensions=extensions,
        max_message_bytes=behaviour.max_message_bytes or _offered_size(extensions) or MAX_MESSAGE_BYTES,
        mechanisms=behaviour.auth_mechanisms,
        takes_auth_before_tls=behaviour.auth_before_tls == "taken",
        requires_tls=behaviour.requires_tls,
        requires_auth=behaviour.requires_auth,
        local_domains=behaviour.local_domains,
    )


def offered_extensions(behaviour: Behaviour, *, with_auth: bool = True) -> tuple[str, ...]:
    """The lines of EHLO that a behaviour stands for, but for STARTTLS."""
    auth = (" ".join(("AUTH", *behaviour.auth_mechanisms)),) if behaviour.auth_mechanisms and with_auth else ()
    return (*behaviour.extensions, *auth)


def first_digit(steps: Steps) -> bytes:
    """What a reply means (RFC 5321 §4.2.1): b"2" is a yes, b"3" goes on; b"" if nothing is said."""
    return next((step.octets[:1] for step in steps if step.verb is Verb.send), b"")


def _fitting(patterns: Mapping[str, Steps], address: str, otherwise: Steps | None) -> Steps | None:
    fitting = (steps for pattern, steps in patterns.items() if fnmatchcase(address.lower(), pattern))
    return next(fitting, otherwise)


def _extension(line: str) -> tuple[str, str]:
    keyword, _, parameters = line.partition(" ")
    return keyword.upper(), parameters


def _offered_size(extensions: Mapping[str, str]) -> int:
    """RFC 1870 §3: no number, and 0, are no fixed limit."""
    size = extensions.get("SIZE", "")
    return int(size) if _SIZE.fullmatch(size) else 0
