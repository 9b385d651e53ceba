"""Settings: what the files say is what the code does, and what is wrong is told with its path."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from scanner.commands.settings_source import LAB_LAYER, SettingsError, change_settings, load_settings
from scanner.settings import Settings

DEFAULT = Path(__file__).parent.parent.parent / "configs" / "default.toml"


def _paths(tables: dict[str, dict[str, object]]) -> set[str]:
    return {f"{table}.{key}" for table, keys in tables.items() for key in keys}


def _documented(text: str) -> set[str]:
    """Every `key =` of the file, also the ones that stand in a comment because they have no default."""
    paths, table = set(), ""
    for line in text.splitlines():
        if header := re.fullmatch(r"\[(\w+)\]", line):
            table = header[1]
        elif key := re.match(r"(?:# )?([a-z_0-9]+) = ", line):
            paths.add(f"{table}.{key[1]}")
    return paths


def test_the_default_file_says_what_the_code_does() -> None:
    assert msgspec.convert(tomllib.loads(DEFAULT.read_text()), Settings) == Settings()


def test_the_default_file_documents_every_setting_and_no_other() -> None:
    assert _documented(DEFAULT.read_text()) == _paths(msgspec.to_builtins(Settings()))


def test_every_setting_of_the_default_file_has_a_comment_above_it() -> None:
    text = DEFAULT.read_text()
    blocks = re.split(r"\n(?=#|\[)", text)
    assert all("#" in block for block in blocks if " = " in block)


WRONG = [
    ("a key that does not exist", "[limits]\nconect_s = 1\n", "conect_s", "limits"),
    ("a table that does not exist", "[limit]\nconnect_s = 1\n", "limit", "unknown field"),
    ("a word for a number", '[limits]\nconnect_s = "soon"\n', "limits.connect_s", "float"),
    ("a negative limit", "[limits]\nconnect_s = -1\n", "limits.connect_s", "> 0"),
    ("a width of nothing", "[probe]\nwidth = 0\n", "probe.width", ">= 1"),
    ("a loop that there is not", '[run]\nloop = "trio"\n', "run.loop", "trio"),
    ("no TOML", "limits = [\n", "no TOML", ""),
    ("a DNS server by name", '[dns]\nservers = ["dns.example"]\n', "dns.servers", "ADDRESS"),
    (
        "a network with host bits",
        '[probe]\nallow_networks = ["10.0.0.1/8"]\n',
        "probe.allow_networks",
        "192.0.2.0/24",
    ),
    ("an EHLO name of one label", '[probe]\nehlo_name = "scanner"\n', "probe.ehlo_name", "fully qualified"),
    (
        "an EHLO name that is a second command",
        '[probe]\nehlo_name = "a.b\\r\\nMAIL"\n',
        "probe.ehlo_name",
        "0x0D",
    ),
    ("an expectation of nothing", '[judge]\nexpect_mx = [""]\n', "judge.expect_mx", "PATTERN"),
]


@pytest.mark.parametrize(("why", "text", "where", "expected"), WRONG, ids=[row[0] for row in WRONG])
def test_a_wrong_setting_is_told_with_its_place_and_what_was_expected(
    tmp_path: Path, why: str, text: str, where: str, expected: str
) -> None:
    config = tmp_path / "own.toml"
    config.write_text(text)
    with pytest.raises(SettingsError) as error:
        load_settings(config, {}, lab=False)
    assert where in str(error.value)
    assert expected in str(error.value)


def test_what_a_resumed_run_is_told_anew_is_looked_at_as_closely() -> None:
    with pytest.raises(SettingsError, match=r"vantage\.canaries: expected an IP address, found 'mx\.example\.org'"):
        change_settings(Settings(), {"vantage.canaries": ("mx.example.org",)})


def test_a_missing_file_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml can't be read"):
        load_settings(tmp_path / "nowhere.toml", {}, lab=False)


def test_the_command_line_wins_over_the_file_and_the_file_over_the_lab(tmp_path: Path) -> None:
    config = tmp_path / "own.toml"
    config.write_text("[limits]\nconnect_s = 5.0\nreply_s = 7.0\n")
    settings = load_settings(config, {"limits.reply_s": 9.0}, lab=True)
    assert settings.limits.connect_s == 5.0
    assert settings.limits.reply_s == 9.0
    assert settings.limits.greeting_s == LAB_LAYER["limits"]["greeting_s"]


def test_real_limits_leave_the_lab_at_the_defaults() -> None:
    assert load_settings(None, {"lab.real_limits": True}, lab=True).limits == Settings().limits


def test_the_labs_layer_has_only_settings_that_exist() -> None:
    assert _paths(LAB_LAYER) <= _paths(msgspec.to_builtins(Settings()))
