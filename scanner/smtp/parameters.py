"""The arguments of MAIL and RCPT (RFC 5321 §4.1.1.2, §4.1.1.3): a path, and the parameters that extensions add.

One table says which parameter belongs to which extension; whoever sends one that was not offered breaks §2.2.1.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from scanner.smtp.commands import MAX_COMMAND_OCTETS, CommandError, Verb
from scanner.smtp.extensions import Extensions
from scanner.smtp.mailboxes import Mailbox, path_of


class _Extension(NamedTuple):
    """What an EHLO keyword adds to a command: parameters, and octets to the line's limit."""

    keyword: bytes
    verb: Verb
    parameters: frozenset[str]
    octets: int


_EXTENSIONS = (
    _Extension(b"SIZE", Verb.mail, frozenset({"SIZE"}), 26),  # RFC 1870 §3
    _Extension(b"8BITMIME", Verb.mail, frozenset({"BODY"}), 17),  # RFC 6152 §2
    _Extension(b"SMTPUTF8", Verb.mail, frozenset({"SMTPUTF8"}), 10),  # RFC 6531 §3.1
    _Extension(b"AUTH", Verb.mail, frozenset({"AUTH"}), 500),  # RFC 4954 §3
    _Extension(b"DSN", Verb.mail, frozenset({"RET", "ENVID"}), 100),  # RFC 3461 §4, and the next
    _Extension(b"DSN", Verb.rcpt, frozenset({"NOTIFY", "ORCPT"}), 500),
)

#: RFC 3461 §4.4, §4.2: what the values of ENVID and ORCPT have at most, as they are written.
MAX_ENVID = 100
MAX_ORCPT = 500

# RFC 5321 §4.1.1.2, §4.1.2: "FROM:" Reverse-path or "TO:" Forward-path, then *(SP esmtp-param). Within a path a
# quoted string may hold brackets and spaces, so it is read as one.
_PATH = r'<(?:[^<>"\\ ]|"(?:[^"\\]|\\.)*")*>'
_PARAMETER = r"[A-Za-z0-9][A-Za-z0-9-]*(?:=[^ =]+)?"
_ARGUMENTS = {
    verb: re.compile(rf"{word}:{_PATH}((?: {_PARAMETER})*)", re.DOTALL)
    for verb, word in ((Verb.mail, "FROM"), (Verb.rcpt, "TO"))
}

# RFC 3461 §4: xtext is what stands for itself, and "+" with two hexadecimal digits for the rest.
_NOT_XCHAR = re.compile(r"[^!-*,-<>-~]")
# RFC 6533 §3: of utf-8-addr-xtext, what is no QCHAR stands as \x{HEXPOINT}.
_NOT_QCHAR = re.compile(r"[^!-*,-<>-\[\]-~]")
_SIZE_VALUE = re.compile(rb"[0-9]{1,20}")
# RFC 4422 §3.1: sasl-mech.
_MECHANISM = re.compile(rb"[A-Za-z0-9_-]{1,20}")


class Return(StrEnum):
    """What of the message a failure report brings back (RFC 3461 §4.3)."""

    full = "FULL"
    headers = "HDRS"


class Notify(StrEnum):
    """When a report on a recipient is wanted (RFC 3461 §4.1); `never` excludes the others."""

    never = "NEVER"
    success = "SUCCESS"
    failure = "FAILURE"
    delay = "DELAY"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailParameters:
    """Parameters of MAIL; what is None or False is not said.

    `size` in octets (RFC 1870); `eight_bit` says BODY=8BITMIME (RFC 6152); `ret` and `envid` are of a DSN
    (RFC 3461), `envid` as plain text; `submitter_unknown` says AUTH=<> (RFC 4954 §5).
    """

    size: int | None = None
    eight_bit: bool = False
    smtputf8: bool = False
    ret: Return | None = None
    envid: str | None = None
    submitter_unknown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RcptParameters:
    """Parameters of RCPT, both of a DSN (RFC 3461 §4.1, §4.2); what is empty or None is not said."""

    notify: frozenset[Notify] = frozenset()
    original_recipient: Mailbox | None = None


def mail_argument(reverse_path: Mailbox | None, parameters: MailParameters = MailParameters()) -> str:
    """The argument of MAIL: `FROM:<reverse-path> parameters`; None is the null reverse-path (§4.5.5)."""
    return " ".join([f"FROM:{path_of(reverse_path)}", *_said_with_mail(parameters)])


def rcpt_argument(forward_path: Mailbox, parameters: RcptParameters = RcptParameters()) -> str:
    """The argument of RCPT: `TO:<forward-path> parameters`."""
    return " ".join([f"TO:{path_of(forward_path)}", *_said_with_rcpt(parameters)])


def _said_with_mail(parameters: MailParameters) -> Iterator[str]:
    if parameters.size is not None:
        yield f"SIZE={parameters.size}"
    if parameters.eight_bit:
        yield "BODY=8BITMIME"
    if parameters.smtputf8:
        yield "SMTPUTF8"
    if parameters.ret is not None:
        yield f"RET={parameters.ret}"
    if parameters.envid is not None:
        yield f"ENVID={_limited('ENVID', encode_xtext(parameters.envid), MAX_ENVID)}"
    if parameters.submitter_unknown:
        yield "AUTH=<>"


def _said_with_rcpt(parameters: RcptParameters) -> Iterator[str]:
    if Notify.never in parameters.notify and len(parameters.notify) > 1:
        raise CommandError("NOTIFY=NEVER stands alone (RFC 3461 §4.1)")
    if parameters.notify:
        yield "NOTIFY=" + ",".join(word for word in Notify if word in parameters.notify)
    if parameters.original_recipient is not None:
        yield f"ORCPT={_limited('ORCPT', _original_recipient(parameters.original_recipient), MAX_ORCPT)}"


def _original_recipient(mailbox: Mailbox) -> str:
    """RFC 3461 §4.2; one that is not ASCII is of type utf-8, in the form that ASCII servers take (RFC 6533 §3)."""
    if mailbox.needs_smtputf8:
        return "utf-8;" + _NOT_QCHAR.sub(lambda found: f"\\x{{{ord(found[0]):02X}}}", str(mailbox))
    return f"rfc822;{encode_xtext(str(mailbox))}"


def encode_xtext(text: str) -> str:
    """Printable ASCII as xtext (RFC 3461 §4); raises CommandError for anything else, and for nothing."""
    if not text or not text.isascii() or not text.isprintable():
        raise CommandError("xtext is made of printable ASCII (RFC 3461 §4)")
    return _NOT_XCHAR.sub(lambda found: f"+{ord(found[0]):02X}", text)


def _limited(name: str, value: str, most: int) -> str:
    if len(value) > most:
        raise CommandError(f"{name} has at most {most} characters, this one {len(value)}")
    return value


def parameters_of(verb: Verb, argument: str) -> dict[str, str]:
    """The parameters, by names in upper case, of an argument of MAIL or RCPT. CommandError for what is no argument.

    Of what stands within paths and values only what separates them is looked at; `encode_command` judges the octets.
    """
    match = _ARGUMENTS[verb].fullmatch(argument)
    if match is None:
        raise CommandError(f"not an argument of {verb}: a path in angle brackets, then parameters (RFC 5321 §4.1.1)")
    pairs = (parameter.partition("=") for parameter in match[1].split(" ")[1:])
    return {name.upper(): value for name, _, value in pairs}


def not_offered(verb: Verb, names: Iterable[str], extensions: Extensions) -> set[str]:
    """Those parameters that no extension offered adds to the command: they must not be said (RFC 5321 §2.2.1)."""
    return set(names) - {name for extension in _added(verb, extensions) for name in extension.parameters}


def max_command_octets(verb: Verb, extensions: Extensions) -> int:
    """How long a command's line may be, with its CRLF, given what the server offered."""
    return MAX_COMMAND_OCTETS + sum(extension.octets for extension in _added(verb, extensions))


def _added(verb: Verb, extensions: Extensions) -> Iterator[_Extension]:
    return (extension for extension in _EXTENSIONS if extension.verb is verb and extension.keyword in extensions)


def size_limit(extensions: Extensions) -> int | None:
    """The largest message in octets that the server takes, as it says (RFC 1870 §3).

    None if it names no limit: no SIZE, SIZE without a number, or 0 (§4); what is no number says nothing.
    """
    value = extensions.parameters.get(b"SIZE", b"")
    return int(value) or None if _SIZE_VALUE.fullmatch(value) else None


def auth_mechanisms(extensions: Extensions) -> tuple[str, ...]:
    """The SASL mechanisms offered, in upper case, each once, in the server's order (RFC 4954 §3)."""
    words = extensions.parameters.get(b"AUTH", b"").split()
    return tuple(dict.fromkeys(word.decode("ascii").upper() for word in words if _MECHANISM.fullmatch(word)))
