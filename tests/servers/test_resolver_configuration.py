"""The resolver configuration that comes with mxscan: unbound itself reads it."""

import subprocess
from pathlib import Path

import pytest

from .programs import find_program, require_programs

pytestmark = pytest.mark.servers

CONFIGURATION = Path(__file__).parents[2] / "configs/unbound.conf"
#: Made by Debian's unbound when it first starts as a service, which it may never have done here.
ROOT_KEY = "/var/lib/unbound/root.key"
#: The root's key-signing key of 2017, as IANA publishes it: something that unbound accepts in that file.
ROOT_DS = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"


def test_unbound_accepts_the_configuration_for_a_scanning_machine(tmp_path: Path) -> None:
    require_programs("unbound-checkconf")
    text = CONFIGURATION.read_text(encoding="utf-8")
    assert f'auto-trust-anchor-file: "{ROOT_KEY}"' in text
    key, copy = tmp_path / "root.key", tmp_path / "unbound.conf"
    key.write_text(ROOT_DS)
    copy.write_text(text.replace(ROOT_KEY, str(key)), encoding="utf-8")

    checked = _checkconf(str(copy))

    assert checked.returncode == 0, checked.stderr
    assert "no errors" in checked.stdout


def test_unbound_takes_each_choice_as_it_is_meant(tmp_path: Path) -> None:
    require_programs("unbound-checkconf")
    copy = tmp_path / "unbound.conf"
    copy.write_text(CONFIGURATION.read_text(encoding="utf-8"), encoding="utf-8")
    meant = {
        "interface": "127.0.0.1\n::1",
        "module-config": "validator iterator",
        "val-permissive-mode": "no",
        "private-address": "",
        "edns-buffer-size": "1232",
    }
    said = {option: _checkconf("-o", option, str(copy)).stdout.strip() for option in meant}
    assert said == meant


def _checkconf(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = find_program("unbound-checkconf")
    assert program is not None
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=30)
