"""Runs that many tests look at are made once a session."""

from pathlib import Path

import pytest

from tests.acceptance.running import mxscan


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.acceptance)


@pytest.fixture(scope="session")
def lab_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished scan of the embedded world, on the default loop."""
    return _scan_lab(tmp_path_factory, "auto")


@pytest.fixture(scope="session")
def lab_run_on_asyncio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same on plain asyncio."""
    return _scan_lab(tmp_path_factory, "asyncio")


def _scan_lab(tmp_path_factory: pytest.TempPathFactory, loop: str) -> Path:
    out = tmp_path_factory.mktemp("lab") / loop
    result = mxscan("scan", "--lab", "--loop", loop, "--out", out)
    assert result.returncode == 0, result.stderr.decode()
    return out
