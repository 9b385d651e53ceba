"""The picture of the floors in scanner/DESIGN.md is true, and whoever breaks it is named."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .floor_rules import (
    FORBIDDEN_MODULES,
    Picture,
    circle,
    imports_of,
    modules_of,
    offences_against_direction,
    offences_against_purity,
    offences_against_the_picture,
    parse_picture,
)

REPOSITORY = Path(__file__).parents[2]
DESIGN = (REPOSITORY / "scanner" / "DESIGN.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def picture() -> Picture:
    return parse_picture(DESIGN)


def test_every_package_and_module_stands_on_one_floor_of_the_picture(picture: Picture) -> None:
    assert list(offences_against_the_picture(picture, REPOSITORY)) == []


def test_every_import_goes_down(picture: Picture) -> None:
    assert list(offences_against_direction(picture, REPOSITORY)) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle(REPOSITORY) == []


def test_below_the_line_there_is_no_input_no_output_no_clock_and_no_randomness(picture: Picture) -> None:
    assert list(offences_against_purity(picture, REPOSITORY)) == []


def test_the_rules_saw_the_code(picture: Picture) -> None:
    # Against a picture that is read wrongly, or a tree that is not found: all of the above would hold.
    assert {"scanner", "scanner.names", "scanner.net.clock"} <= modules_of(REPOSITORY).keys()
    assert picture.lowest_impure_floor == 8
    assert picture.places["names"].floor == 0
    assert picture.places["net"].floor == picture.places["lab"].floor == 8
    assert picture.places["lab"].only == frozenset({0, 3})
    assert len(list(imports_of(REPOSITORY))) > 100


def test_the_design_names_everything_that_is_forbidden_below_the_line() -> None:
    purity = DESIGN[DESIGN.index("**The purity line.**") :].replace(",", " ").split()
    assert FORBIDDEN_MODULES | {"open", "print", "now", "today"} <= set(purity)


# The rules fail on planted offences ------------------------------------------------------------------------

PLANTED_PICTURE = """
<!-- floors -->
```
 4  shell                  the way in
 3  run/                   runs
 2  net/                   sockets
 2  lab/ [only 0]          what stands in for the world
------------------------------------------------- the purity line
 1  smtp/ tls/             protocols
 0  names words            the vocabulary
```
"""

#: Every module that the picture draws, empty.
PLANTED_TREE: dict[str, str | None] = {
    "__init__.py": "",
    "shell.py": "",
    "run/__init__.py": "",
    "run/start.py": "",
    "net/__init__.py": "",
    "net/streams.py": "",
    "lab/__init__.py": "",
    "lab/world.py": "",
    "smtp/__init__.py": "",
    "smtp/replies.py": "",
    "smtp/session.py": "",
    "tls/__init__.py": "",
    "tls/identity.py": "",
    "names.py": "",
    "words.py": "",
}

Check = Callable[[Picture, Path], Iterator[str]]


def plant(root: Path, changes: dict[str, str | None]) -> Path:
    """The planted tree with other files, by their paths below scanner/; None leaves a file out."""
    for name, text in (PLANTED_TREE | changes).items():
        path = root / "scanner" / name
        if text is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return root


def offences(check: Check, root: Path) -> list[str]:
    return sorted(check(parse_picture(PLANTED_PICTURE), root))


DOWN_AND_WITHIN = """
import json
import scanner
from scanner import __version__, names
from scanner.net.streams import connect
from scanner.smtp import replies
from . import other
"""


def test_imports_that_go_down_or_stay_within_are_no_offence(tmp_path: Path) -> None:
    root = plant(
        tmp_path,
        {"run/start.py": DOWN_AND_WITHIN, "smtp/session.py": "from scanner.smtp.replies import Reply"},
    )
    for check in (offences_against_direction, offences_against_purity, offences_against_the_picture):
        assert offences(check, root) == []
    assert circle(root) == []


@pytest.mark.parametrize(
    ("where", "code", "named"),
    [
        (
            "names.py",
            "import scanner.net.streams",
            "names.py:1: names (floor 0) imports net (floor 2): upwards",
        ),
        (
            "names.py",
            "from scanner import smtp",
            "names.py:1: names (floor 0) imports smtp (floor 1): upwards",
        ),
        ("names.py", "from . import smtp", "names.py:1: names (floor 0) imports smtp (floor 1): upwards"),
        (
            "names.py",
            "from .words import Word",
            "names.py:1: names (floor 0) imports words (floor 0): sideways",
        ),
        (
            "smtp/replies.py",
            "from scanner.tls import identity",
            "replies.py:1: smtp (floor 1) imports tls (floor 1): s",
        ),
        (
            "smtp/replies.py",
            "from ..tls.identity import x",
            "replies.py:1: smtp (floor 1) imports tls (floor 1): s",
        ),
        (
            "smtp/__init__.py",
            "from ..net import x",
            "__init__.py:1: smtp (floor 1) imports net (floor 2): upwards",
        ),
        (
            "net/streams.py",
            "import scanner.lab.world",
            "streams.py:1: net (floor 2) imports lab (floor 2): sideways",
        ),
        (
            "lab/world.py",
            "\n\nimport scanner.net",
            "world.py:3: lab (floor 2) imports net (floor 2): sideways",
        ),
        (
            "lab/world.py",
            "from scanner.smtp import x",
            "world.py:1: lab (floor 2) imports smtp (floor 1): may import",
        ),
        (
            "net/streams.py",
            "import scanner.shell as s",
            "streams.py:1: net (floor 2) imports shell (floor 4): up",
        ),
        (
            "net/streams.py",
            "def f():\n    import scanner.run",
            "streams.py:2: net (floor 2) imports run (floor 3): up",
        ),
        (
            "net/streams.py",
            "if TYPE_CHECKING:\n  from scanner.run import x",
            "streams.py:2: net (floor 2) imports run",
        ),
        (
            "net/streams.py",
            "import scanner\nscanner.run.start.x()",
            "streams.py:2: net (floor 2) imports run (floor 3)",
        ),
        (
            "net/streams.py",
            "import_module('scanner.run.start')",
            "streams.py:1: net (floor 2) imports run (floor 3)",
        ),
        (
            "net/streams.py",
            "importlib.import_module('scanner.run')",
            "streams.py:1: net (floor 2) imports run (floor",
        ),
        (
            "net/streams.py",
            "__import__('scanner.run')",
            "streams.py:1: net (floor 2) imports run (floor 3): upwards",
        ),
        (
            "__init__.py",
            "from scanner.names import x",
            "__init__.py:1: scanner itself imports names: it may import",
        ),
    ],
)
def test_an_import_that_goes_up_or_sideways_is_named(tmp_path: Path, where: str, code: str, named: str) -> None:
    found = offences(offences_against_direction, plant(tmp_path, {where: code}))
    assert found
    assert all(named in offence for offence in found)


@pytest.mark.parametrize(
    ("code", "named"),
    [
        *((f"import {module}", f"replies.py:1: imports {module}") for module in sorted(FORBIDDEN_MODULES)),
        ("import os.path", "replies.py:1: imports os"),
        ("from os import environ", "replies.py:1: imports os"),
        ("from urllib.request import urlopen", "replies.py:1: imports urllib"),
        ("import json, time as t", "replies.py:1: imports time"),
        ("from dns import resolver", "replies.py:1: imports dns.resolver"),
        ("from dns.resolver import Resolver", "replies.py:1: imports dns.resolver"),
        ("import dns.message\ndns.resolver.resolve('x')", "replies.py:2: imports dns.resolver"),
        ("from OpenSSL import SSL", "replies.py:1: imports OpenSSL.SSL"),
        ("from OpenSSL.SSL import Connection", "replies.py:1: imports OpenSSL.SSL"),
        ("import OpenSSL\nOpenSSL.SSL.Connection", "replies.py:2: imports OpenSSL.SSL"),
        ("import OpenSSL as o\no.SSL", "replies.py:1: imports OpenSSL"),
        ("import dns as d", "replies.py:1: imports dns"),
        ("import uvloop", "replies.py:1: imports uvloop"),
        ("import builtins", "replies.py:1: imports builtins"),
        ("def f():\n    import socket", "replies.py:2: imports socket"),
        ("if TYPE_CHECKING:\n    import asyncio", "replies.py:2: imports asyncio"),
        ("__import__('socket')", "replies.py:1: imports socket"),
        ("open('x')", "replies.py:1: calls open"),
        ("x = open", "replies.py:1: calls open"),
        ("codecs.open('x')", "replies.py:1: calls open"),
        ("print('x')", "replies.py:1: calls print"),
        ("console.print('x')", "replies.py:1: calls print"),
        ("datetime.now(UTC)", "replies.py:1: calls now"),
        ("from datetime import datetime as d\nd.now()", "replies.py:2: calls now"),
        ("field(default_factory=datetime.utcnow)", "replies.py:1: calls utcnow"),
        ("date.today()", "replies.py:1: calls today"),
        ("eval('1')", "replies.py:1: calls eval"),
    ],
)
def test_what_is_not_pure_below_the_line_is_named(tmp_path: Path, code: str, named: str) -> None:
    found = offences(offences_against_purity, plant(tmp_path, {"smtp/replies.py": code}))
    assert f"scanner/smtp/{named}" in found


@pytest.mark.parametrize("code", ["import socket", "open('x')", "datetime.now(UTC)", "from OpenSSL import SSL"])
@pytest.mark.parametrize("where", ["net/streams.py", "lab/world.py", "run/start.py", "shell.py"])
def test_above_the_line_it_may_be(tmp_path: Path, where: str, code: str) -> None:
    assert offences(offences_against_purity, plant(tmp_path, {where: code})) == []


@pytest.mark.parametrize(
    "code",
    [
        "from datetime import time, timedelta",
        "import dns.message, dns.rdatatype",
        "from OpenSSL import crypto",
        "now = 5\nx = now",
        "is_open = opened(state)",
        "'import socket'  # import socket",
    ],
)
def test_what_only_looks_impure_is_no_offence(tmp_path: Path, code: str) -> None:
    assert offences(offences_against_purity, plant(tmp_path, {"smtp/replies.py": code})) == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"words.py": None}, "DESIGN.md: words stands on floor 0, and is not there"),
        (
            {"lab/__init__.py": None, "lab/world.py": None},
            "DESIGN.md: lab stands on floor 2, and is not there",
        ),
        ({"extra.py": ""}, "scanner/extra.py: stands on no floor"),
        ({"dns/mail_routes.py": ""}, "scanner/dns: stands on no floor"),
        ({"names.py": None, "names/__init__.py": ""}, "scanner/names: a package is drawn as name/"),
        (
            {"run/__init__.py": None, "run/start.py": None, "run.py": ""},
            "scanner/run.py: a package is drawn as name/",
        ),
    ],
)
def test_a_picture_that_is_not_true_is_named(tmp_path: Path, changes: dict[str, str | None], named: str) -> None:
    found = offences(offences_against_the_picture, plant(tmp_path, changes))
    assert len(found) == 1
    assert found[0].startswith(named)


def test_what_is_built_has_no_parentheses(tmp_path: Path) -> None:
    picture = parse_picture(PLANTED_PICTURE.replace("tls/ ", "(tls/) "))
    assert list(offences_against_the_picture(picture, plant(tmp_path, {}))) == [
        "scanner/tls: is built, take its parentheses off"
    ]
    picture = parse_picture(PLANTED_PICTURE.replace("tls/ ", "tls/ (dns/) "))
    assert list(offences_against_the_picture(picture, plant(tmp_path, {}))) == []


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        ("no picture", "no block of floors"),
        (PLANTED_PICTURE.replace("net/ ", "net/ smtp/ "), "smtp stands on two floors: 2 and 1"),
        (PLANTED_PICTURE.replace(" 3  run/", "three run/"), "not a floor"),
    ],
)
def test_a_picture_that_can_not_be_read_is_refused(picture: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_picture(picture)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            {"smtp/replies.py": "import scanner.smtp.session", "smtp/session.py": "\nfrom .replies import x"},
            [
                "scanner/smtp/replies.py:1: scanner.smtp.session",
                "scanner/smtp/session.py:2: scanner.smtp.replies",
            ],
        ),
        (
            {
                "smtp/__init__.py": "from .replies import x",
                "smtp/replies.py": "def f():\n  from scanner.smtp import x",
            },
            ["scanner/smtp/__init__.py:1: scanner.smtp.replies", "scanner/smtp/replies.py:2: scanner.smtp"],
        ),
        (
            {
                "names.py": "import scanner.words",
                "words.py": "import scanner.net.streams",
                "net/streams.py": "import scanner.names",
            },
            [
                "scanner/names.py:1: scanner.words",
                "scanner/net/streams.py:1: scanner.names",
                "scanner/words.py:1: scanner.net.streams",
            ],
        ),
        ({"shell.py": "import scanner.run.start", "run/start.py": "import scanner.names"}, []),
    ],
)
def test_a_circle_is_named_import_by_import(tmp_path: Path, changes: dict[str, str | None], named: list[str]) -> None:
    assert sorted(circle(plant(tmp_path, changes))) == named
