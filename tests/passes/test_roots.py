"""The trust store: the file that was named, or the system's; and whose fault it is if there is none."""

from pathlib import Path

import pytest

from scanner.commands.failures import exit_code_of
from scanner.exit_codes import OURS, USAGE
from scanner.passes import roots
from scanner.passes.roots import CaFileError, RootsError, read_roots
from tests.tls.issuing import authority


def test_the_file_that_was_named_is_read(tmp_path: Path) -> None:
    named = tmp_path / "roots.pem"
    pem = authority().pem
    named.write_bytes(pem)
    assert read_roots(str(named)) == (str(named), pem)


@pytest.mark.parametrize(("content", "said"), [(None, "can't be read"), (b"garbage", "no bundle of certificates")])
def test_a_named_file_that_is_none_is_the_users(tmp_path: Path, content: bytes | None, said: str) -> None:
    named = tmp_path / "roots.pem"
    if content is not None:
        named.write_bytes(content)
    with pytest.raises(CaFileError, match=said) as refused:
        read_roots(str(named))
    assert exit_code_of(refused.value) == USAGE


def test_a_system_without_roots_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roots, "_system_paths", lambda: ["/nowhere/roots.pem"])
    with pytest.raises(RootsError, match="--ca-file") as refused:
        read_roots("")
    assert exit_code_of(refused.value) == OURS
