"""The TXT records of MTA-STS and TLS-RPT: a version, then fields, by one and the same grammar.

RFC 8461 §3.1 and RFC 8460 §3 differ in their names only. In both, `v=…;` with its semicolon decides whether a
TXT record is meant at all; others (SPF, a wildcard's) may stand at the same name and are discarded.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from scanner.policy.problem import ProblemFound, quote

WSP = b" \t"
# ext-name = (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")
_NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
# ext-value = 1*(%x21-3A / %x3C / %x3E-7E): no "=", no ";", no space, no control
_EXTENSION_VALUE = re.compile(rb"[\x21-\x3A\x3C\x3E-\x7E]+")


class Field(NamedTuple):
    """A field `name=value`, its value not looked at yet."""

    name: bytes
    value: bytes


def select_record(txt_records: Sequence[Sequence[bytes]], version: bytes) -> bytes | None:
    """The one TXT record that begins with the version and a semicolon; None if nothing of the kind is there.

    Each record comes as its character-strings, which are joined without spaces. Raises ProblemFound if there
    are several, and if there is none but one that was probably meant to be: senders discard it, unsaid.
    """
    records = [b"".join(strings) for strings in txt_records]
    begun = [record for record in records if record.startswith(version + b";")]
    if len(begun) > 1:
        # "If the number of resulting records is not one, senders MUST assume [nothing is there]".
        raise ProblemFound(f"{len(begun)} records begin with {quote(version + b';')}, there must be exactly one")
    if begun:
        return begun[0]
    for record in records:
        _refuse_what_was_meant(record, version)
    return None


def parse_fields(record: bytes, version: bytes) -> list[Field]:
    """The fields behind the version, in order, duplicates included. Raises ProblemFound."""
    # field-delim = *WSP ";" *WSP; by hand, as a pattern would take a second for a record full of spaces.
    *delimited, last = record[len(version) + 1 :].split(b";")
    texts = [text.strip(WSP) for text in delimited]
    if last.strip(WSP) or not texts:
        texts.append(last.lstrip(WSP))  # there is no WSP at the end, unless a delimiter stands before it
    return [_parse_field(text) for text in texts]


def refuse_invalid_extensions(fields: Sequence[Field], known: bytes) -> None:
    """Hold every field but the known one to the grammar of extensions; what they mean is nobody's business."""
    for name, value in fields:
        if name != known and not _EXTENSION_VALUE.fullmatch(value):
            raise ProblemFound(f"the value of {quote(name)} holds spaces, controls or =, or nothing: {quote(value)}")


def _parse_field(text: bytes) -> Field:
    name, equals, value = text.partition(b"=")
    if not text:
        raise ProblemFound("nothing stands between two semicolons, or behind the version")
    if not equals:
        raise ProblemFound(f"{quote(text)} is no field: it has no equals sign")
    if not _NAME.fullmatch(name):
        raise ProblemFound(f"{quote(name)} is no name of a field (1 to 32 letters, digits, _, -, .; no spaces)")
    return Field(name, value)


def _refuse_what_was_meant(record: bytes, version: bytes) -> None:
    meant = re.compile(rb"\s*v\s*=\s*" + re.escape(version.removeprefix(b"v=")) + rb"(?![A-Za-z0-9])", re.IGNORECASE)
    if meant.match(record):
        expected = quote(version + b";")
        raise ProblemFound(f"the record begins with {quote(record[:20])} and not with {expected}: senders discard it")
