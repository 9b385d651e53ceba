"""What an entry says of the answers to one question → what comes to it, time after time. Pure but for its count."""

from typing import get_args

from scanner.lab.world import DnsAnswers, DnsFault
from scanner.lab.zone_lines import Record, ZoneError, encode_name, parse_record, parse_type

#: A fault; other records than the zone's, which may be none; or None for those of the zone.
Said = DnsFault | tuple[Record, ...] | None

_FAULTS: dict[str, DnsFault] = {fault: fault for fault in get_args(DnsFault)}


class Turns:
    """The answers of one question in turn, the last from then on. `question` is its name on the wire, its type."""

    def __init__(self, key: str, answers: DnsAnswers) -> None:
        """Raises ZoneError for a key that is not NAME TYPE, and for what is no answer."""
        name, _, word = key.partition(" ")
        try:
            self.question = encode_name(name).lower(), parse_type(word.strip().upper())
        except ZoneError as error:
            raise ZoneError(f"dns {key!r} is not NAME TYPE: {error}") from error
        texts = (answers,) if isinstance(answers, str) else answers
        if not texts:
            raise ZoneError(f"dns {key!r} has no answer")
        self._said = [_parse(key, text) for text in texts]
        self._count = 0

    @property
    def changes(self) -> bool:
        """True if not every answer is the same."""
        return len(self._said) > 1

    def next(self) -> Said:
        """What is said to the question that has come now."""
        self._count += 1
        return self._said[min(self._count, len(self._said)) - 1]


def _parse(key: str, text: str) -> Said:
    if text == "ok":
        return None
    word, _, rdata = text.partition(" ")
    if word == "is" and rdata:
        return tuple([parse_record(f"{key} {each}") for each in rdata.split(";")])
    if text not in _FAULTS:
        raise ZoneError(f"dns {key!r}: {text!r} is neither ok nor a fault nor 'is RDATA[; RDATA…]'")
    return _FAULTS[text]
