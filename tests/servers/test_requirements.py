"""A server that cannot be run here is a skipped test, and in CI, where all are required, a failed one."""

import pytest

from .programs import require_programs


def test_a_missing_program_skips_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MXSCAN_REQUIRE_SERVERS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="not installed: no-such-server"):
        require_programs("sh", "no-such-server")


def test_a_missing_program_fails_where_servers_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXSCAN_REQUIRE_SERVERS", "1")
    with pytest.raises(pytest.fail.Exception, match="MXSCAN_REQUIRE_SERVERS=1, but not installed: no-such-server"):
        require_programs("sh", "no-such-server")


def test_a_program_that_is_there_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXSCAN_REQUIRE_SERVERS", "1")
    require_programs("sh")
