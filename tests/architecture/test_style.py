"""Files that can be read at one sitting, functions that can be seen at once, nothing of one machine."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

MAX_FILE_LINES = 350
MAX_FUNCTION_LINES = 50
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

#: Made by tools, in nobody's repository (see .gitignore).
_NOT_OURS = re.compile(r"(?:^|/)(?:\.git|\.venv|\.[a-z]+_cache|__pycache__|\.hypothesis|runs|dist|build|.*\.egg-info)/")
_TEXT = {
    ".py",
    ".toml",
    ".md",
    ".txt",
    ".conf",
    ".zone",
    ".c",
    ".yml",
    ".yaml",
    ".json",
    ".lock",
    ".cfg",
    "",
    ".sh",
}

#: Directories that are another one's elsewhere: homes, work places, temporary ones (tests have tmp_path).
_PATH_OF_ONE_MACHINE = re.compile(r"(?<![\w.~}/-])/(?:home|root|Users|work|workspace|tmp|mnt|media)/[\w.-]+")


def files_of(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and not _NOT_OURS.search(f"{path.relative_to(root)}"):
            yield path


def modules_of(root: Path) -> list[Path]:
    return [path for folder in ("scanner", "benchmarks") for path in files_of(root / folder) if path.suffix == ".py"]


def too_long(root: Path) -> Iterator[str]:
    for path in modules_of(root):
        text = path.read_text(encoding="utf-8")
        functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, FUNCTIONS)]
        lines = text.count("\n")
        if lines > MAX_FILE_LINES and functions:  # without any it is a list, of records or words, and looked up
            yield f"{path.relative_to(root)}: {lines} lines"
        for node in functions:
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                yield f"{path.relative_to(root)}:{node.lineno}: {node.name} has {lines} lines"


def without_docstring(root: Path) -> Iterator[str]:
    for path in modules_of(root):
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))):
            yield f"{path.relative_to(root)}: does not say what lives in it"


def naming_one_machine(root: Path) -> Iterator[str]:
    for path in files_of(root):
        if path.suffix in _TEXT:
            for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
                if found := _PATH_OF_ONE_MACHINE.search(line):
                    yield f"{path.relative_to(root)}:{number}: {found[0]}"


def test_files_and_functions_are_short() -> None:
    assert list(too_long(REPOSITORY)) == []


def test_every_module_says_what_lives_in_it() -> None:
    assert list(without_docstring(REPOSITORY)) == []


def test_no_file_names_a_path_of_one_machine() -> None:
    this = str(Path(__file__).relative_to(REPOSITORY))
    assert [found for found in naming_one_machine(REPOSITORY) if not found.startswith(this)] == []


def test_the_checks_saw_the_code() -> None:
    assert REPOSITORY / "scanner" / "names.py" in modules_of(REPOSITORY)
    assert REPOSITORY / "pyproject.toml" in set(files_of(REPOSITORY))


@pytest.mark.parametrize(
    ("path", "text", "named"),
    [
        ("scanner/a.py", "def f(): x\n" * 351, ["scanner/a.py: 351 lines"]),
        ("scanner/a.py", "def f(): x\n" * 350, []),
        ("scanner/a.py", "class A: x: int\n" * 351, []),
        ("benchmarks/a.py", "\ndef f():\n" + "    x\n" * 50, ["benchmarks/a.py:2: f has 51 lines"]),
        ("scanner/a.py", "class A:\n  async def f():\n" + "    x\n" * 50, ["scanner/a.py:2: f has 51 lines"]),
        ("scanner/a.py", "def f():\n" + "    x\n" * 49, []),
        ("scanner/world.toml", "x\n" * 1000, []),
        ("tests/test_a.py", "x\n" * 1000, []),
    ],
)
def test_what_is_too_long_is_named(tmp_path: Path, path: str, text: str, named: list[str]) -> None:
    assert list(too_long(plant(tmp_path, path, text))) == named


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("import json\n", ["scanner/a.py: does not say what lives in it"]),
        ("# A comment\n", ["scanner/a.py: does not say what lives in it"]),
        ("", ["scanner/a.py: does not say what lives in it"]),
        ('"""What lives here."""\n', []),
    ],
)
def test_a_module_without_a_docstring_is_named(tmp_path: Path, text: str, named: list[str]) -> None:
    assert list(without_docstring(plant(tmp_path, "scanner/a.py", text))) == named


@pytest.mark.parametrize(
    ("path", "text", "named"),
    [
        ("README.md", "\nrun /home/me/mxscan now", ["README.md:2: /home/me"]),
        ("configs/a.toml", 'file = "/tmp/x"', ["configs/a.toml:1: /tmp/x"]),
        (".ci/run", "cd /root/x", [".ci/run:1: /root/x"]),
        ("scanner/a.py", "'/Users/x/y'", ["scanner/a.py:1: /Users/x"]),
        ("README.md", "https://example.org/home/page and ~/tmp/x and $HOME/work/x", []),
        ("configs/unbound.conf", "/var/lib/unbound/root.key", []),
        (".git/config", "/home/me/mxscan", []),
    ],
)
def test_a_path_of_one_machine_is_named(tmp_path: Path, path: str, text: str, named: list[str]) -> None:
    assert list(naming_one_machine(plant(tmp_path, path, text))) == named


def plant(root: Path, path: str, text: str) -> Path:
    planted = root / path
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(text, encoding="utf-8")
    return root
