"""The floors of scanner/DESIGN.md, read from its picture, and what breaks them, read from the syntax trees.

Every function here works on any tree, so that the rules can be shown to fail on planted offences.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

ROOT_PACKAGE = "scanner"

#: Floors below this one are pure.
LINE = "purity line"

# fmt: off
FORBIDDEN_MODULES = frozenset({
    "socket", "ssl", "asyncio", "selectors", "time", "random", "secrets", "os", "io", "pathlib", "subprocess",
    "threading", "tempfile", "urllib", "importlib", "aiodns", "dns.resolver", "dns.query", "OpenSSL.SSL",
})

#: What would do the same by another name.
THEIR_KIN = frozenset({
    "_socket", "_ssl", "_io", "_thread", "posix", "builtins", "uvloop", "pycares", "signal", "fcntl", "mmap",
    "ctypes", "shutil", "glob", "fileinput", "multiprocessing", "concurrent", "http", "ftplib", "smtplib",
    "aiosmtplib", "socketserver", "sqlite3", "uuid", "runpy", "dns.asyncresolver", "dns.asyncquery",
})
# fmt: on

#: Packages that hold a forbidden module: under another name (`import OpenSSL as o`) they would hand it out.
_HOLDERS = frozenset(module.partition(".")[0] for module in FORBIDDEN_MODULES if "." in module)

#: Of functions and of methods: also passed on without being called, these do their work all the same.
_BUILTINS = frozenset({"open", "print", "input", "exec", "eval", "__import__"})
_CLOCKS = frozenset({"now", "today", "utcnow"})
_METHODS = frozenset({"open", "print"})


@dataclass(frozen=True)
class Place:
    """Where a package or module stands; `only`, if given, are the floors it may import from."""

    floor: int
    only: frozenset[int] | None = None


@dataclass
class Picture:
    """The floors as DESIGN.md draws them. Names are of packages and modules right below scanner/."""

    places: dict[str, Place] = field(default_factory=dict)
    not_built: set[str] = field(default_factory=set)
    packages: set[str] = field(default_factory=set)
    lowest_impure_floor: int = 0


@dataclass(frozen=True, order=True)
class Import:
    """An import of a module, or of a name in one, from a module of the tree; `where` is FILE:LINE."""

    importer: str
    what: str
    where: str


def parse_picture(design: str) -> Picture:
    """Reads the fenced block after `<!-- floors -->`. Raises ValueError for a line it can't read."""
    block = re.search(r"<!-- floors -->\n```\n(.*?)```", design, re.DOTALL)
    if block is None:
        raise ValueError("DESIGN.md has no block of floors")
    picture = Picture()
    floor = 0
    for line in block[1].splitlines():
        if line.startswith("-") and line.endswith(LINE):
            picture.lowest_impure_floor = floor
            continue
        drawn = re.fullmatch(r" ?(\d+)  (.+?)(?: \[only ([\d ]+)\])? {2,}\S.*", line)
        if drawn is None:
            raise ValueError(f"not a floor: {line!r}")
        floor = int(drawn[1])
        only = frozenset(map(int, drawn[3].split())) if drawn[3] else None
        for word in drawn[2].split():
            _stand(picture, word, Place(floor, only))
    return picture


def _stand(picture: Picture, word: str, place: Place) -> None:
    name = word.strip("()").removesuffix("/")
    if name in picture.places:
        raise ValueError(f"{name} stands on two floors: {picture.places[name].floor} and {place.floor}")
    picture.places[name] = place
    if word.startswith("("):
        picture.not_built.add(name)
    if word.strip("()").endswith("/"):
        picture.packages.add(name)


def modules_of(root: Path) -> dict[str, Path]:
    """The modules of a tree that holds the package `scanner`, by their full names."""
    found = {}
    for path in sorted((root / ROOT_PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def offences_against_the_picture(picture: Picture, root: Path) -> Iterator[str]:
    """Whatever stands in the tree and not in the picture, or the other way round."""
    modules = modules_of(root)
    standing = {name.split(".")[1]: path for name, path in modules.items() if "." in name}
    for name, path in standing.items():
        where = path.relative_to(root).parts[1]
        if name not in picture.places:
            yield f"{ROOT_PACKAGE}/{where}: stands on no floor"
        elif name in picture.not_built:
            yield f"{ROOT_PACKAGE}/{where}: is built, take its parentheses off"
        elif (name in picture.packages) is not (root / ROOT_PACKAGE / name).is_dir():
            yield f"{ROOT_PACKAGE}/{where}: a package is drawn as name/, a module as name"
    for name in picture.places.keys() - picture.not_built - standing.keys():
        yield f"DESIGN.md: {name} stands on floor {picture.places[name].floor}, and is not there"


def imports_of(root: Path) -> Iterator[Import]:
    """Every import of every module, wherever it stands: also names of modules used as attributes."""
    modules = modules_of(root)
    for name, path in modules.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for node in ast.walk(tree):
            for what in _imported_by(node, package):
                yield Import(name, what, _where(path, root, node))


def _where(path: Path, root: Path, node: ast.AST) -> str:
    return f"{path.relative_to(root)}:{getattr(node, 'lineno', 0)}"


def _imported_by(node: ast.AST, package: str) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            base = ".".join(package.split(".")[: len(package.split(".")) - level + 1]) if level else ""
            origin = ".".join(filter(None, (base, module)))
            # `from a import b` imports the module a.b or a name out of a: `_module` tells which.
            yield from (f"{origin}.{alias.name}" for alias in names)
        case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__")):
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value
        case ast.Attribute():
            # After `import dns.message`, `dns.resolver` may be used as well, if anybody imported it.
            dotted = _dotted(node) or ""
            if dotted in FORBIDDEN_MODULES | THEIR_KIN or dotted.startswith(f"{ROOT_PACKAGE}."):
                yield dotted


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return before and f"{before}.{node.attr}"
    return None


def offences_against_direction(picture: Picture, root: Path) -> Iterator[str]:
    """Imports that go up, or sideways, or to a floor that the package may not use."""
    modules = modules_of(root)
    for found in imports_of(root):
        importer, imported = _standing(found.importer), _standing(_module(found.what, modules))
        if imported is None or importer == imported:
            continue
        if importer is None:
            yield f"{found.where}: {ROOT_PACKAGE} itself imports {imported}: it may import nothing"
        elif importer in picture.places and imported in picture.places:
            here, there = picture.places[importer], picture.places[imported]
            named = f"{importer} (floor {here.floor}) imports {imported} (floor {there.floor})"
            if there.floor >= here.floor:
                yield f"{found.where}: {named}: {'sideways' if there.floor == here.floor else 'upwards'}"
            elif here.only is not None and there.floor not in here.only:
                yield f"{found.where}: {named}: may import floors {sorted(here.only)} only"


def _module(what: str, modules: dict[str, Path]) -> str:
    """The module that an imported name is, or comes from."""
    while what not in modules and "." in what:
        what = what.rpartition(".")[0]
    return what


def _standing(module: str) -> str | None:
    """What stands right below scanner/ and holds the module; None for scanner itself and for others."""
    parts = module.split(".")
    return parts[1] if parts[0] == ROOT_PACKAGE and len(parts) > 1 else None


def circle(root: Path) -> list[str]:
    """The imports, as FILE:LINE: IMPORTED, of a circle of modules; empty if there is none."""
    modules = modules_of(root)
    graph: dict[str, dict[str, str]] = {name: {} for name in modules}
    for found in imports_of(root):
        imported = _module(found.what, modules)
        if imported in modules and imported != found.importer:
            graph[found.importer][imported] = found.where
    while free := [name for name, imported in graph.items() if not imported.keys() & graph.keys()]:
        for name in free:
            del graph[name]
    return _way_round(graph) if graph else []


def _way_round(graph: dict[str, dict[str, str]]) -> list[str]:
    """One circle of a graph in which each has a way on."""
    way = [min(graph)]
    while way[-1] not in way[:-1]:
        way.append(min(graph[way[-1]].keys() & graph.keys()))
    round_way = way[way.index(way[-1]) :]
    return [f"{graph[here][there]}: {there}" for here, there in pairwise(round_way)]


def offences_against_purity(picture: Picture, root: Path) -> Iterator[str]:
    """I/O, clocks and randomness below the line."""
    modules = modules_of(root)
    pure = {
        name
        for name in modules
        if (place := picture.places.get(_standing(name) or "")) and place.floor < picture.lowest_impure_floor
    }
    for found in imports_of(root):
        if found.importer in pure and (forbidden := _forbidden_module(found.what)):
            yield f"{found.where}: imports {forbidden}"
    for name in sorted(pure):
        for node in ast.walk(ast.parse(modules[name].read_text(encoding="utf-8"))):
            if called := _forbidden_call(node):
                yield f"{_where(modules[name], root, node)}: calls {called}"


def _forbidden_module(what: str) -> str | None:
    if what in _HOLDERS:
        return what
    parts = what.split(".")
    ways = {".".join(parts[: count + 1]) for count in range(len(parts))}
    return min(ways & (FORBIDDEN_MODULES | THEIR_KIN), default=None)


def _forbidden_call(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id=name, ctx=ast.Load()) if name in _BUILTINS:
            return name
        case ast.Attribute(attr=name, ctx=ast.Load()) if name in _CLOCKS:
            return name
        case ast.Call(func=ast.Attribute(attr=name)) if name in _METHODS:
            return name
        case ast.Call(func=ast.Name(id=name)) if name in _CLOCKS:
            return name
    return None
