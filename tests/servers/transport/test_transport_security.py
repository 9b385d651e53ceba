"""What mxscan says of mail hosts with DANE and certificates, beside posttls-finger and OpenSSL, host by host."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scanner.records import Domain
from tests.acceptance.running import ROOT, domains_of
from tests.servers.programs import cannot_run, require_programs

from .configurations import CONFIGURATIONS, Configuration
from .conftest import COMPARED_WITH, DIFFERS_FROM
from .explained import EXPLAINED
from .opinions import (
    READ,
    Dane,
    Tool,
    mxscan_base_domains,
    mxscan_on_certificates,
    mxscan_on_dane,
    posttls_finger_base_domains,
)

pytestmark = pytest.mark.servers

_PROGRAMS = (
    *("unshare", "mount", "ip", "ldns-keygen", "ldns-signzone", "nsd", "nsd-control", "unbound", "postfix"),
    *("posttls-finger", "openssl"),
)

#: With a process 1 of its own, which takes everything with it when it ends.
_OF_ITS_OWN = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
_WITHIN_S = 180


class Said:
    """What was said of every configuration: words of the tools, records of mxscan."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._records = {record.domain: record for record in domains_of(directory / "mxscan/run")}

    def by(self, tool: Tool, it: Configuration) -> str:
        return (self._directory / "said" / f"{it.name}.{tool.name}").read_text(encoding="utf-8")

    def by_mxscan(self, it: Configuration) -> Domain:
        return self._records[it.domain]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Said:
    require_programs(*_PROGRAMS)
    _require_namespaces()
    directory = tmp_path_factory.mktemp("transport")
    command = [*_OF_ITS_OWN, sys.executable, "-m", "tests.servers.transport.namespace", str(directory)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=_WITHIN_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return Said(directory)


def _require_namespaces() -> None:
    if os.geteuid() != 0:
        cannot_run("Postfix is started, and resolv.conf is covered, by root only")
    tried = subprocess.run([*_OF_ITS_OWN, "true"], capture_output=True, text=True, check=False, timeout=30)
    if tried.returncode != 0:
        cannot_run(f"no namespace of its own: {tried.stderr.strip()}")


def _name(it: object) -> str:
    return it.name if isinstance(it, Configuration | Tool) else str(it)


@pytest.mark.parametrize("it", CONFIGURATIONS, ids=_name)
def test_mxscan_says_what_senders_find(it: Configuration, said: Said) -> None:
    record = said.by_mxscan(it)
    assert (mxscan_on_dane(record), mxscan_on_certificates(record)) == (it.dane, it.web_pki), it.why


@pytest.mark.parametrize("it", CONFIGURATIONS, ids=_name)
@pytest.mark.parametrize("tool", Tool, ids=_name)
def test_a_tool_says_the_same_or_the_difference_is_explained(
    it: Configuration, tool: Tool, said: Said, record_property: Callable[[str, object], None]
) -> None:
    by_mxscan = mxscan_on_dane if tool is Tool.posttls_finger_dane else mxscan_on_certificates
    ours, theirs = by_mxscan(said.by_mxscan(it)), READ[tool](said.by(tool, it))
    explained = EXPLAINED.get((it.name, tool))
    record_property(COMPARED_WITH, tool.value)
    if explained is None:
        assert theirs == ours, it.why
    else:
        record_property(DIFFERS_FROM, tool.value)
        assert theirs == explained.says != ours, explained.why


@pytest.mark.parametrize("it", CONFIGURATIONS, ids=_name)
def test_records_are_found_where_posttls_finger_finds_them(it: Configuration, said: Said) -> None:
    theirs = posttls_finger_base_domains(said.by(Tool.posttls_finger_dane, it))
    assert theirs <= mxscan_base_domains(said.by_mxscan(it)), it.why
    # It names the records' own owner: behind an alias that is no base domain.
    finds_some = it.dane in {Dane.authenticated, Dane.host_only, Dane.not_authenticated} and not it.tlsa_zone
    assert theirs or not finds_some


def test_the_table_is_as_long_as_promised_and_explains_only_what_stands_in_it() -> None:
    names = {it.name for it in CONFIGURATIONS}
    assert len(names) == len(CONFIGURATIONS) >= 40
    assert {name for name, _ in EXPLAINED} <= names
