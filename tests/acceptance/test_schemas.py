"""Every line of a run fits its schema, and the schemas refuse what is not in the format."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest

from scanner.records import RECORDS
from tests.acceptance.running import lines_of, mxscan

#: `run.json` and `judge.json` are documents; the others are lines.
KINDS = list(RECORDS)


def _schema(kind: str) -> Any:
    result = mxscan("schema", kind)
    assert result.returncode == 0
    return orjson.loads(result.stdout)


@pytest.mark.parametrize("kind", KINDS)
def test_every_line_of_a_run_is_valid_and_no_mutant_of_one_is(kind: str, lab_run: Path) -> None:
    schema = _schema(kind)
    validator = jsonschema_rs.validator_for(schema)
    lines = lines_of(lab_run, kind)
    assert lines
    for line in lines:
        errors = [error.message for error in validator.iter_errors(orjson.loads(line))]
        assert errors == [], line[:300]
    mutants = list(_mutants(orjson.loads(max(lines, key=len)), schema))
    assert mutants
    accepted = [name for name, mutant in mutants if validator.is_valid(mutant)]
    assert accepted == []


def _mutants(record: dict[str, Any], schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The record with one thing wrong: an unknown field, a word that is on no list, another type, a field less."""
    root = schema["$defs"][schema["$ref"].rpartition("/")[2]]
    yield "an unknown field", {**record, "surprise": 1}
    for key in root["required"]:
        yield f"without {key}", {name: value for name, value in record.items() if name != key}
    for key in record:
        if key == "settings":
            continue
        yield f"{key} of another type", {**record, key: [[[]]]}
    for path in _objects(record, schema, root, ()):
        mutant = copy.deepcopy(record)
        _at(mutant, path)["surprise"] = 1
        yield f"an unknown field in {path}", mutant
    for path, key in _words(record, schema, root, ()):
        mutant = copy.deepcopy(record)
        _at(mutant, path)[key] = "no_such_word"
        yield f"a word that is on no list in {path} {key}", mutant


Path_ = tuple[str | int, ...]


def _at(record: Any, path: Path_) -> Any:
    for step in path:
        record = record[step]
    return record


def _resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while True:
        if "anyOf" in node:
            node = next(choice for choice in node["anyOf"] if choice.get("type") != "null")
        elif "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
        else:
            return node


def _objects(value: Any, schema: dict[str, Any], node: dict[str, Any], path: Path_) -> Iterator[Path_]:
    """Where in a record an object stands whose fields are closed."""
    node = _resolve(schema, node)
    if isinstance(value, dict) and node.get("additionalProperties") is False:
        yield path
        for key, inner in value.items():
            yield from _objects(inner, schema, node["properties"][key], (*path, key))
    elif isinstance(value, list) and value and "items" in node and isinstance(node["items"], dict):
        yield from _objects(value[0], schema, node["items"], (*path, 0))


def _words(value: Any, schema: dict[str, Any], node: dict[str, Any], path: Path_) -> Iterator[tuple[Path_, str | int]]:
    """Where in a record a word of a closed list stands."""
    node = _resolve(schema, node)
    pairs: list[tuple[str | int, Any, dict[str, Any]]] = []
    if isinstance(value, dict) and "properties" in node:
        pairs = [(key, inner, node["properties"][key]) for key, inner in value.items()]
    elif isinstance(value, list) and value and isinstance(node.get("items"), dict):
        pairs = [(0, value[0], node["items"])]
    for key, inner, inner_node in pairs:
        if isinstance(inner, str) and "enum" in _resolve(schema, inner_node):
            yield path, key
        yield from _words(inner, schema, inner_node, (*path, key))


def test_the_closed_lists_stand_in_the_schemas_word_by_word() -> None:
    definitions = _schema("sessions")["$defs"]
    assert "plaintext_after_starttls" in definitions["Outcome"]["enum"]
    assert "ehlo_after_tls" in definitions["Stage"]["enum"]


def test_without_a_name_the_records_are_listed() -> None:
    listed = mxscan("schema").stdout.decode()
    assert [line.split()[0] for line in listed.splitlines()] == [*KINDS, "alerts"]
    assert all(len(line.split()) > 3 for line in listed.splitlines())
