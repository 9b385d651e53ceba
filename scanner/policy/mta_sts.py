"""MTA-STS (RFC 8461): the TXT record that announces a policy, the policy, and whether it names a mail host."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scanner.names import MAX_LABEL, MAX_NAME
from scanner.policy.problem import Problem, ProblemFound, quote
from scanner.policy.txt_fields import WSP, Field, parse_fields, refuse_invalid_extensions, select_record

#: §3.1: sts-version of the record; §3.2: sts-policy-version-value.
RECORD_VERSION = b"v=STSv1"
POLICY_VERSION = b"STSv1"

#: §3.2: a year, in seconds.
MAX_AGE_S = 31_557_600

#: §3.3: the maximum that it suggests to senders, 64 kilobytes.
MAX_POLICY_BYTES = 65_536

# §3.1: sts-id = %s"id=" 1*32(ALPHA / DIGIT)
_ID = re.compile(rb"[A-Za-z0-9]{1,32}")
# §3.2: sts-policy-ext-name = sts-policy-alphanum *31(sts-policy-alphanum / "_" / "-" / ".")
_NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
# §3.2: sts-policy-max-age-value = 1*10(DIGIT)
_MAX_AGE = re.compile(rb"[0-9]{1,10}")
# §3.2: sts-policy-mx-value = ["*."] Domain; RFC 5321 §4.1.2: Domain = sub-domain *("." sub-domain)
_SUB_DOMAIN = rf"[A-Za-z0-9](?:[A-Za-z0-9-]{{0,{MAX_LABEL - 2}}}[A-Za-z0-9])?"
_MX_PATTERN = re.compile(rf"(?:\*\.)?{_SUB_DOMAIN}(?:\.{_SUB_DOMAIN})*".encode())
# §3.2: sts-policy-vchar excludes them. UTF-8 (RFC 3629) is what `bytes.decode` takes.
_CONTROL = re.compile(rb"[\x00-\x1F\x7F]")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class StsMode(StrEnum):
    """What a sender does if a host fails validation (§5)."""

    enforce = "enforce"
    testing = "testing"
    none = "none"


@dataclass(frozen=True, slots=True)
class StsRecord:
    """The TXT record: a policy is there, and it has changed if `id` has (§3.1)."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StsPolicy:
    """A policy (§3.2). Patterns are in lower case, each once; `departures` are what strict readers would refuse."""

    mode: StsMode
    max_age_s: int
    mx_patterns: tuple[str, ...]
    departures: tuple[Problem, ...] = ()

    def names(self, host: str) -> bool:
        """Whether a mail host, by its name in the MX record, is one of those that the policy allows (§4.1)."""
        return any(matches(pattern, host) for pattern in self.mx_patterns)


def parse_record(txt_records: Sequence[Sequence[bytes]]) -> StsRecord | Problem | None:
    """The record among the TXT records of `_mta-sts.<domain>`, each given as its character-strings (§3.1).

    None: not published. Problem: published, and no sender can use it; to senders both are the same.
    """
    try:
        record = select_record(txt_records, RECORD_VERSION)
        return None if record is None else StsRecord(_parse_id(parse_fields(record, RECORD_VERSION)))
    except ProblemFound as found:
        return found.problem


def parse_policy(body: bytes) -> StsPolicy | Problem:
    """The policy in the body of an HTTPS response, whatever its content type."""
    try:
        return _read_policy(body)
    except ProblemFound as found:
        return found.problem


def matches(pattern: str, host: str) -> bool:
    """Whether a mail host's name is a pattern of a policy, both in A-labels (§4.1); case does not matter.

    The wildcard is the whole left-most label and stands for exactly one.
    """
    name, pattern = host.lower().removesuffix("."), pattern.lower()
    if not pattern.startswith("*."):
        return name == pattern
    label, dot, parent = name.partition(".")
    return bool(label and dot) and parent == pattern[2:]


def _parse_id(fields: Sequence[Field]) -> str:
    refuse_invalid_extensions(fields, b"id")
    # §3.2, of records and policies: "If any non-repeated field […] is duplicated, all entries except for the
    # first SHALL be ignored."
    value = next((field.value for field in fields if field.name == b"id"), None)
    if value is None:
        raise ProblemFound('the field "id" is missing')
    if not _ID.fullmatch(value):
        raise ProblemFound(f"the id is not 1 to 32 letters and digits: {quote(value)}")
    return value.decode("ascii")


@dataclass(frozen=True, slots=True)
class _Line:
    """A field of a policy and where it stands."""

    number: int
    name: bytes
    value: bytes


class _PolicyFields:
    """The fields of a policy by name."""

    def __init__(self, lines: list[_Line]) -> None:
        self._lines = lines

    def first(self, name: bytes) -> _Line:
        """The field of a name; of duplicates only the first counts (§3.2). Raises ProblemFound if it is missing."""
        for line in self._lines:
            if line.name == name:
                return line
        for line in self._lines:
            if line.name.lower() == name:
                raise ProblemFound(f"the name of the field is written {quote(name)}, in lower case", line.number)
        raise ProblemFound(f"the field {quote(name)} is missing")

    def all(self, name: bytes) -> list[_Line]:
        return [line for line in self._lines if line.name == name]


def _read_policy(body: bytes) -> StsPolicy:
    if len(body) > MAX_POLICY_BYTES:
        raise ProblemFound(f"longer than {MAX_POLICY_BYTES} octets")
    if body.startswith(_BYTE_ORDER_MARK):
        raise ProblemFound("begins with a byte order mark (EF BB BF), which belongs to no field", 1)
    departures: list[Problem] = []
    return _build_policy(_PolicyFields(list(_parse_lines(body, departures))), tuple(departures))


def _parse_lines(body: bytes, departures: list[Problem]) -> Iterator[_Line]:
    """The fields, each on a line that ends with LF or CRLF (§3.2, sts-policy-term); the last may do without."""
    *terminated, unterminated = body.split(b"\n")
    lines = [line.removesuffix(b"\r") for line in terminated]
    for number, line in enumerate([*lines, unterminated] if unterminated else lines, 1):
        if line.strip(WSP):
            yield _parse_line(number, line)
        else:
            # No sts-policy-field is empty. Some senders skip such lines, some refuse the policy for them.
            departures.append(Problem("an empty line", number))


def _parse_line(number: int, line: bytes) -> _Line:
    # sts-policy-field-delim = ":" *WSP, and *WSP at the end of the line
    name, colon, value = line.partition(b":")
    value = value.strip(WSP)
    if control := _CONTROL.search(value):
        raise ProblemFound(f"a control character, 0x{control[0][0]:02X}", number)
    if not colon or not _NAME.fullmatch(name):
        raise ProblemFound(f"{quote(line)} does not begin with the name of a field and a colon", number)
    if not value:
        raise ProblemFound(f"the field {quote(name)} has no value", number)
    if not _is_utf8(value):
        raise ProblemFound(f"the value of {quote(name)} is not UTF-8", number)
    return _Line(number, name, value)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _build_policy(fields: _PolicyFields, departures: tuple[Problem, ...]) -> StsPolicy:
    version = fields.first(b"version")
    if version.value != POLICY_VERSION:
        raise ProblemFound(f"the version is {quote(version.value)} and not {quote(POLICY_VERSION)}", version.number)
    mode = _parse_mode(fields.first(b"mode"))
    max_age_s = _parse_max_age(fields.first(b"max_age"))
    patterns = tuple(dict.fromkeys(_parse_mx_pattern(line) for line in fields.all(b"mx")))
    if not patterns and mode is not StsMode.none:
        # §3.2: "required at least once, except when mode is 'none'"
        raise ProblemFound('the field "mx" is missing')
    return StsPolicy(mode=mode, max_age_s=max_age_s, mx_patterns=patterns, departures=departures)


def _parse_mode(line: _Line) -> StsMode:
    for mode in StsMode:
        if line.value == mode.encode():
            return mode
    raise ProblemFound(f"the mode is {quote(line.value)} and not enforce, testing or none", line.number)


def _parse_max_age(line: _Line) -> int:
    if not _MAX_AGE.fullmatch(line.value) or int(line.value) > MAX_AGE_S:
        raise ProblemFound(f"max_age is {quote(line.value)} and not seconds, 0 to {MAX_AGE_S}", line.number)
    return int(line.value)


def _parse_mx_pattern(line: _Line) -> str:
    # §3.2: internationalized names stand there as A-labels; RFC 1035 §2.3.4: 253 characters.
    if not _MX_PATTERN.fullmatch(line.value) or len(line.value.removeprefix(b"*.")) > MAX_NAME:
        raise ProblemFound(f"mx is {quote(line.value)} and not a host name, or *. and a domain", line.number)
    return line.value.decode("ascii").lower()
