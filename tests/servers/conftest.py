"""The real servers as fixtures, one of each for all tests, and how many tests ran against which of them."""

from collections import Counter
from collections.abc import Iterator

import pytest

from . import name_servers
from .delivering import DeliveringPostfix, delivering_postfix
from .mail_world import MailWorld, two_nsd, two_unbound
from .name_servers import Nsd, Unbound
from .postfix import Postfix, configured_postfix
from .scans import write_settings
from .smtpds import SMTPDS
from .zones import ZONES

#: What the fixture of a server is called, alone or after a word that tells it from others → its name in the summary.
_SERVERS = {"nsd": "NSD", "unbound": "unbound", "postfix": "Postfix"}
_RAN_AGAINST = "ran against"


@pytest.fixture(scope="session")
def nsd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nsd]:
    """An NSD with the zones that all tests share."""
    with name_servers.nsd(tmp_path_factory.mktemp("nsd"), ZONES) as server:
        yield server


@pytest.fixture(scope="session")
def unbound(tmp_path_factory: pytest.TempPathFactory, nsd: Nsd) -> Iterator[Unbound]:
    """An unbound that asks that NSD.

    lame.test is delegated to it too, which knows nothing of it and refuses: SERVFAIL, as from any lame server.
    """
    zones = (*ZONES, "lame.test.")
    with name_servers.unbound(tmp_path_factory.mktemp("unbound"), nsd.port, zones) as server:
        yield server


@pytest.fixture(scope="session")
def postfix() -> Iterator[Postfix]:
    """A Postfix with a service for every manner."""
    with configured_postfix(SMTPDS) as server:
        server.start()
        yield server


@pytest.fixture(scope="session")
def mail_nsd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Two NSD with the zones of those to whom mail is sent; their port."""
    with two_nsd(tmp_path_factory.mktemp("mail_nsd")) as port:
        yield port


@pytest.fixture(scope="session")
def mail_unbound(mail_nsd: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unbound]:
    """An unbound that asks the first of them, beside another that serves a zone."""
    with two_unbound(tmp_path_factory.mktemp("mail_unbound"), mail_nsd) as server:
        yield server


@pytest.fixture(scope="session")
def mail_postfix() -> Iterator[DeliveringPostfix]:
    """A Postfix that takes mail."""
    with delivering_postfix() as server:
        yield server


@pytest.fixture(scope="session")
def mail_world(
    mail_unbound: Unbound, mail_postfix: DeliveringPostfix, tmp_path_factory: pytest.TempPathFactory
) -> MailWorld:
    """All of them, for commands that ask about one mailbox or send one message."""
    return MailWorld(mail_unbound.port, mail_postfix, write_settings(tmp_path_factory.mktemp("mail_world")))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = [name.rpartition("_")[2] for name in getattr(item, "fixturenames", ())]
        used = sorted(_SERVERS.keys() & set(fixtures))
        item.user_properties += [(_RAN_AGAINST, _SERVERS[name]) for name in used]
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
