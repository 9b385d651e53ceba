"""Domain names: what a user or a zone wrote → A-labels in lower case, or the reason why that is no name."""

import re

import idna

#: RFC 1035 §2.3.4: 63 octets a label; 253 characters of text are the 255 octets of a name on the wire.
MAX_LABEL = 63
MAX_NAME = 253

#: No text longer than this is looked into: four times a name, for what UTS 46 shortens or leaves out.
MAX_TEXT = 4 * MAX_NAME

#: RFC 1123 §2.1: letters, digits, hyphens within.
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HOST_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}")
#: What most lists consist of: nothing has to be mapped, and no label is all digits where one must not be.
_ORDINARY = re.compile(rf"(?:{_LABEL.pattern}\.)+[a-z][a-z0-9-]{{0,61}}[a-z0-9]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class InvalidName(ValueError):  # noqa: N818 (it says what the text is, as the reasons in records do)
    """A text that is no domain name. The message says why; `meant` is the domain that was probably meant."""

    def __init__(self, reason: str, meant: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.meant = meant


def parse_domain(text: str) -> str:
    """A domain as a user writes it → A-labels, lower case, without the trailing dot.

    Only labels with characters outside ASCII are mapped (UTS 46) and encoded; `xn--` labels pass as they
    are. Octets that are no UTF-8 are expected as lone surrogates (`surrogateescape`). Raises InvalidName,
    before anything is sent anywhere, for what is no host name (RFC 1123 §2.1).
    """
    if len(text) <= MAX_NAME and _ORDINARY.fullmatch(text):
        return text
    _refuse_what_is_not_a_name(text)
    name = (text.lower() if text.isascii() else _mapped(text)).removesuffix(".")
    if not name:
        raise InvalidName("the root is not a mail domain")
    labels = [_a_label(label) for label in name.split(".")]
    for label in labels:
        _check_label(label)
    if labels[-1].isdigit():  # RFC 1123 §2.1: so that a name is never taken for an address
        raise InvalidName("an address is not a domain" if len(labels) == 4 else "the last label is a number")
    name = ".".join(labels)
    if len(name) > MAX_NAME:
        raise InvalidName(f"a name has at most {MAX_NAME} characters, this one {len(name)}")
    return name


def is_host_name(name: str) -> bool:
    """True if a name from a zone, in lower case, may be looked up as a mail host.

    Wider than `parse_domain` (underscores, hyphens anywhere), because zones hold such names and senders do
    look them up; narrow enough that nothing in it can reach a command line or turn into another name on its
    way (no escapes, no dots within a label).
    """
    return len(name) <= MAX_NAME and _HOST_NAME.fullmatch(name) is not None


def _refuse_what_is_not_a_name(text: str) -> None:
    """Names the commonest mistakes by what they are, and finds the domain in them."""
    if not text:
        raise InvalidName("empty")
    if len(text) > MAX_TEXT:
        raise InvalidName(f"a name has at most {MAX_NAME} characters, this text {len(text)}")
    if control := _CONTROL.search(text):
        raise InvalidName(f"control character 0x{ord(control[0]):02X} at position {control.start() + 1}")
    if _SURROGATE.search(text):
        raise InvalidName("not valid UTF-8")
    if "://" in text:
        authority = re.split(r"[/?#]", text.partition("://")[2])[0]
        raise InvalidName("a URL is not a domain", _meant(authority.rpartition("@")[2].partition(":")[0]))
    if "@" in text:
        raise InvalidName("a mail address is not a domain", _meant(text.rpartition("@")[2].rstrip(">")))
    if text.startswith("[") or text.count(":") > 1:
        raise InvalidName("an address is not a domain")
    if "/" in text or "\\" in text:
        raise InvalidName("a path is not a domain", _meant(re.split(r"[/\\:]", text)[0]))
    if ":" in text:
        raise InvalidName("a port does not belong here", _meant(text.partition(":")[0]))
    if re.search(r"\s", text):
        raise InvalidName("white space within the name")


def _meant(text: str) -> str | None:
    try:
        return parse_domain(text)
    except InvalidName:
        return None


def _mapped(text: str) -> str:
    # The mapping is by character, so it may be done on the whole name; it also turns the other dots into ".".
    try:
        return idna.uts46_remap(text, std3_rules=False, transitional=False)
    except idna.IDNAError as error:
        raise InvalidName(f"not allowed in an internationalized name: {error}") from error


def _a_label(label: str) -> str:
    if label.isascii():
        return label
    try:
        return idna.alabel(label).decode("ascii")
    except idna.IDNAError as error:
        raise InvalidName(f"no valid internationalized label: {error}") from error


def _check_label(label: str) -> None:
    if not label:
        raise InvalidName("empty label (two dots in a row, or a dot at the beginning)")
    if len(label) > MAX_LABEL:
        raise InvalidName(f"a label has at most {MAX_LABEL} octets, {label[:20]!r}… has {len(label)}")
    if strange := re.search(r"[^a-z0-9-]", label):
        raise InvalidName(f"label {label!r} contains {strange[0]!r}: only letters, digits and hyphens may")
    if not _LABEL.fullmatch(label):
        raise InvalidName(f"label {label!r} begins or ends with a hyphen")
