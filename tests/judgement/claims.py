"""Claims as a test writes them: `yes`, `no`, `-` for not applicable, `?REASON` for an unknown."""

from scanner.judgement.claims import Claim, Claims
from scanner.outcomes import VerdictValue

_WORDS = {VerdictValue.yes: "yes", VerdictValue.no: "no", VerdictValue.not_applicable: "-"}
_VALUES = {word: value for value, word in _WORDS.items()}


def claim(word: str) -> Claim:
    """A claim from its word."""
    if word.startswith("?"):
        return Claim(VerdictValue.unknown, word[1:])
    return Claim(_VALUES[word])


def claims(words: str) -> Claims:
    """Five claims: reachable, smtp, starttls, certificate_trusted, certificate_name."""
    return Claims(*map(claim, words.split()))


def words(said: Claims) -> str:
    """The words of five claims."""
    return " ".join(_word(getattr(said, name)) for name in Claims.__dataclass_fields__)


def _word(said: Claim) -> str:
    if said.value is VerdictValue.unknown:
        return f"?{said.reason}"
    assert said.reason is None, f"{said.value} needs no reason"
    return _WORDS[said.value]
