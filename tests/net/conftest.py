"""What tests of connections share."""

import pytest

from tests.net.certificates import Served, serve_chain


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """A certificate chain in a file."""
    return serve_chain(tmp_path_factory.mktemp("chain"))
