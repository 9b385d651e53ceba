"""The README tells the truth: its examples give what stands there, its tables name what there is."""

import html
import re
import shutil
import subprocess

import click
import msgspec
import orjson
import pytest

from scanner import cli, exit_codes
from scanner.commands.scan import command as scan_command
from scanner.passes.run_directory import PARTS
from scanner.records import RECORDS, Domain, Verdicts
from tests.acceptance.picture import PICTURE, draw, seen_on_terminal
from tests.acceptance.readme import README as README_FILE
from tests.acceptance.readme import Desk, blocks, examples
from tests.acceptance.running import ENVIRONMENT, MXSCAN, domains_of

README = README_FILE.read_text()

#: What differs from run to run: dates, times, ports, session ids of targets on chosen ports, durations.
_DIFFERS = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "TIME"),
    (re.compile(r"\b[0-9a-f]{16}\.1\.survey"), "SESSION"),
    (re.compile(r"(127\.\d+\.\d+\.\d+:|port )\d+"), r"\1PORT"),
    (re.compile(r"^( +)\d+\.\d{3} "), r"\1SECONDS "),
    # The lab makes its certificates anew for every run.
    (re.compile(r"\b[0-9a-f]{64}\b|(?<=sha256 )[0-9a-f]{16}"), "SHA256"),
    (re.compile(r"(?<=until )\d{4}-\d\d-\d\d"), "DAY"),
    # How often a server that limits our rate has to say so is a matter of milliseconds.
    (re.compile(r"\b\d+ sessions"), "SESSIONS"),
    (re.compile(r"transient_negative \d+"), "transient_negative N"),
    # Whether this machine has IPv6 is its own affair.
    (re.compile(r"^\S+ +IPv6 .*"), "IPv6"),
]


def _comparable(text: str) -> list[str]:
    return [_without_what_differs(line).rstrip() for line in text.rstrip().splitlines()]


def _without_what_differs(line: str) -> str:
    for pattern, word in _DIFFERS:
        line = pattern.sub(word, line)
    return line


EXAMPLES = examples(README)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, list[str]]:
    """A desk at which README's examples were run one after another, and what each said."""
    at = Desk(tmp_path_factory.mktemp("readme"))
    return at, [at.run(example.command, example.exit_code) for example in EXAMPLES]


def test_every_example_gives_what_stands_there(desk: tuple[Desk, list[str]]) -> None:
    assert len(EXAMPLES) >= 3
    for example, said in zip(EXAMPLES, desk[1], strict=True):
        assert _comparable(said) == _comparable(example.output), example.command


def test_the_example_of_a_record_is_the_records_own(desk: tuple[Desk, list[str]]) -> None:
    (block,) = blocks(README, "record: expired.lab")
    shown = orjson.loads(block)
    real = next(record for record in domains_of(desk[0].place / "run1") if record.domain == "expired.lab")
    assert msgspec.convert(shown, Domain)
    assert _comparable(_indented(shown)) == _comparable(_indented(msgspec.to_builtins(real)))


def _indented(record: object) -> str:
    return orjson.dumps(record, option=orjson.OPT_INDENT_2).decode()


def test_the_query_with_jq_gives_what_stands_there(desk: tuple[Desk, list[str]]) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    (block,) = blocks(README, "example: jq")
    command, _, output = block.removeprefix("$ ").partition("\n")
    assert _comparable(desk[0].run(command.replace(" | head", " 2>/dev/null | head"))) == _comparable(output)


def test_the_query_with_duckdb_gives_what_stands_there(desk: tuple[Desk, list[str]]) -> None:
    (query,) = blocks(README, "example: duckdb")
    (expected,) = blocks(README, "result: duckdb")
    assert desk[0].query(query) == expected.splitlines()[1:]


def test_the_picture_shows_what_a_terminal_shows() -> None:
    drawn, kept = draw(seen_on_terminal()), PICTURE.read_text(encoding="utf-8")
    assert _comparable(_words_of(drawn)) == _comparable(_words_of(kept))


def _words_of(svg: str) -> str:
    """The text of a picture, a line a piece; where a piece stands depends on the length of what differs."""
    pieces = (html.unescape(piece).replace("\xa0", " ") for piece in re.findall(r"<text[^>]*>([^<]*)</text>", svg))
    return "\n".join(re.sub(r"^(\s*)\d+\.\d{3}", r"\1SECONDS", piece) for piece in pieces)


def test_the_commands_to_paste_are_one_line_each() -> None:
    for name in ("scan", "test"):
        (block,) = blocks(README, f"command: {name}")
        assert block.count("\n") == 1
        assert block.startswith("python3 -m venv .venv && .venv/bin/pip install")


def test_every_exit_code_is_in_the_table() -> None:
    table = README[README.index("| exit code") :].partition("\n\n")[0]
    codes = {value for name, value in vars(exit_codes).items() if name.isupper()}
    assert {int(code) for row in re.findall(r"^\| ([0-9, ]+) \|", table, re.MULTILINE) for code in row.split(",")} == {
        *codes,
        130,
        143,
    }


def test_every_file_of_a_run_is_in_the_table() -> None:
    parts = set(PARTS.values())
    for name in RECORDS:
        ending = ".json`" if name in ("run", "judge") else "-*.jsonl`" if name in parts else ".jsonl`"
        assert f"`{name}{ending}" in README.replace(", `judge", " `judge")


def test_every_verdict_has_its_row() -> None:
    assert set(Verdicts.__struct_fields__) <= set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE))


def test_every_option_of_scan_has_a_help_text() -> None:
    assert [option.name for option in scan_command.params if isinstance(option, click.Option) and not option.help] == []


def test_the_help_names_every_command() -> None:
    result = subprocess.run([*MXSCAN, "--help"], capture_output=True, text=True, env=ENVIRONMENT, check=True)
    for name, (_, text) in cli.COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(text[:20])}", result.stdout, re.MULTILINE), name
