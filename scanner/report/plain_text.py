"""Plain text of at most 78 columns: paragraphs, rows of a label and its words, blocks under a heading."""

from collections.abc import Iterable, Sequence
from textwrap import TextWrapper

from scanner.report.shown_text import shown

#: RFC 5322 §2.1.1: lines of a message should have no more characters.
COLUMNS = 78

#: A label that is longer, as names in DNS can be, stands above what it says.
MAX_LABEL = 40

_NAMES_TOLD = 5


def paragraph(text: str, *, indent: int = 0, hanging: int = 0) -> list[str]:
    """Words in lines, all indented, those after the first by `hanging` more. A word that fits no line is broken."""
    wrapper = TextWrapper(
        COLUMNS,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hanging),
        break_on_hyphens=False,
    )
    return wrapper.wrap(shown(text))


def rows(pairs: Iterable[tuple[str, str]], *, indent: int = 2, width: int = 0) -> list[str]:
    """A label and what it says; the labels' column is as wide as the widest, or `width`. "" says nothing: no row."""
    told = [(label, words) for label, words in pairs if words]
    column = min(MAX_LABEL, max([width, *(len(label) for label, _ in told)]))
    return [line for label, words in told for line in _row(label, words, indent, column)]


def _row(label: str, words: str, indent: int, column: int) -> list[str]:
    lines = paragraph(words, indent=indent + column + 2)
    if len(label) > column:
        return [*paragraph(label, indent=indent), *lines]
    return [" " * indent + f"{shown(label):<{column}}  " + lines[0].lstrip(" "), *lines[1:]]


def items(texts: Iterable[str], *, indent: int = 2) -> list[str]:
    """One item below the other, each with a dash."""
    return [line for text in texts for line in paragraph(f"- {text}", indent=indent, hanging=2)]


def block(heading: str, lines: Sequence[str]) -> list[str]:
    """A heading and what stands under it; without lines, nothing."""
    return [heading.upper(), "", *lines, ""] if lines else []


def counted(count: int, word: str) -> str:
    """`1 domain`, `2 domains`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def named(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b, c, d, e and 7 more`."""
    told = list(names[:_NAMES_TOLD])
    if len(names) > _NAMES_TOLD:
        return f"{', '.join(told)} and {len(names) - _NAMES_TOLD} more"
    return " and ".join(filter(None, (", ".join(told[:-1]), *told[-1:])))
