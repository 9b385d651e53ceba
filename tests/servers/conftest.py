"""The real servers as fixtures, one of each for all tests, and how many tests ran against which of them."""

from collections import Counter
from collections.abc import Iterator

import pytest

from . import name_servers
from .postfix import Postfix
from .postfix import postfix as running_postfix

#: The fixture that is a server → its name in the summary.
_SERVERS = {"nsd": "NSD", "unbound": "unbound", "postfix": "Postfix"}
_RAN_AGAINST = "ran against"


@pytest.fixture(scope="session")
def nsd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port on 127.0.0.1 of an NSD with real.test."""
    with name_servers.nsd(tmp_path_factory.mktemp("nsd")) as port:
        yield port


@pytest.fixture(scope="session")
def unbound(tmp_path_factory: pytest.TempPathFactory, nsd: int) -> Iterator[int]:
    """The port on 127.0.0.1 of an unbound that asks that NSD."""
    with name_servers.unbound(tmp_path_factory.mktemp("unbound"), nsd) as port:
        yield port


@pytest.fixture(scope="session")
def postfix() -> Iterator[Postfix]:
    with running_postfix() as server:
        yield server


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        used = _SERVERS.keys() & set(getattr(item, "fixturenames", ()))
        item.user_properties += [(_RAN_AGAINST, _SERVERS[name]) for name in sorted(used)]
        if used:
            item.add_marker(pytest.mark.servers)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    ran = Counter(
        server
        for report in reports
        if report.when == "call"
        for name, server in report.user_properties
        if name == _RAN_AGAINST
    )
    counts = ", ".join(f"{ran[server]} against {server}" for server in _SERVERS.values())
    first, _, rest = counts.partition(" ")
    terminalreporter.write_line(f"real servers: {first} tests ran {rest}")
