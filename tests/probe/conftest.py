"""What tests of sessions share."""

import pytest

from tests.conftest import Run
from tests.net.certificates import Served, serve_chain
from tests.probe.probing import Probe


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """A certificate chain in a file."""
    return serve_chain(tmp_path_factory.mktemp("chain"))


@pytest.fixture
def probe(run: Run) -> Probe:
    """Holds a session with a server, on both loops."""
    return Probe(run)
