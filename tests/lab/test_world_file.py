"""World files: what is refused, and with which words."""

from pathlib import Path

import pytest

from scanner.lab.steps import parse_step
from scanner.lab.world_file import EMBEDDED_WORLD, WorldError, load_world, servers_of

WORLD = r"""
records = ["mx.shared.lab. A 127.64.1.1"]
servers = [{ address = "127.64.1.1", host = "mx.shared.lab" }]
[behaviours.good]
[behaviours.slow]
greeting = ["wait 0.5", 'send 220 {host}\r\n']
[certificates.good]
[[entries]]
domain = "here.lab"
why = "a test"
records = ["here.lab. MX 10 mx.here.lab."]
dns = { "here.lab MX" = "servfail" }
servers = [{ address = "127.64.1.2", host = "mx.here.lab", behaviour = "slow" }]
[entries.expect]
kind = "mx"
reachable = "yes 1/0/0"
smtp = "yes 1/0/0"
starttls = "yes 1/0/0"
certificate_trusted = "yes 1/0/0"
certificate_name = "yes 1/0/0"
"""


def load(tmp_path: Path, text: str) -> str:
    """What is said of a world file, '' if it is good."""
    path = tmp_path / "world.toml"
    path.write_text(text)
    try:
        load_world(path)
    except WorldError as error:
        message = str(error)
        assert all(line.startswith(str(path)) for line in message.splitlines())
        return message.replace(str(path), "FILE")
    return ""


def test_a_good_world_is_read(tmp_path: Path) -> None:
    assert load(tmp_path, WORLD) == ""
    servers = servers_of(load_world(tmp_path / "world.toml"))
    assert [server.address for server in servers] == ["127.64.1.1", "127.64.1.2"]


def test_the_embedded_world_is_good() -> None:
    assert len(load_world(EMBEDDED_WORLD).entries) >= 60


PROBLEMS = [
    ('domain = "here.lab"\n', "", "FILE: Object missing required field `domain` - at `$.entries[0]`"),
    ('kind = "mx"', 'kind = "mxx"', "FILE: Invalid enum value 'mxx' - at `$.entries[0].expect.kind`"),
    ('"servfail"', '"asleep"', "FILE: Invalid enum value 'asleep' - at `$.entries[0].dns[...]`"),
    ("[behaviours.slow]", "[behaviours.slow]\ncolour = 1", "contains unknown field `colour`"),
    (
        'behaviour = "slow"',
        'behaviour = "slwo"',
        "FILE: entry 'here.lab': server 127.64.1.2 has the unknown behaviour 'slwo'",
    ),
    (
        'behaviour = "slow"',
        'certificate = "best"',
        "FILE: entry 'here.lab': server 127.64.1.2 has the unknown certificate 'best'",
    ),
    (
        'behaviour = "slow"',
        'by_server_name = { "a.lab" = "best" }',
        "FILE: entry 'here.lab': server 127.64.1.2 has the unknown certificate 'best'",
    ),
    (
        "127.64.1.2",
        "127.63.1.2",
        "FILE: entry 'here.lab': server '127.63.1.2' is no address in 127.64.0.0/10",
    ),
    ("127.64.1.2", "::1", "FILE: entry 'here.lab': server '::1' is no address in 127.64.0.0/10"),
    ("127.64.1.2", "127.64.1.1", "FILE: entry 'here.lab': server 127.64.1.1 is already one of the world"),
    ("MX 10 mx", "MX mx", "FILE: entry 'here.lab': 'here.lab. MX mx.here.lab.': "),
    ("mx.shared.lab. A ", "mx.shared.lab. ", "FILE: the world: 'mx.shared.lab. 127.64.1.1' is no record"),
    ('"here.lab MX" =', '"here.lab" =', "FILE: entry 'here.lab': dns 'here.lab' is not NAME TYPE"),
    ("wait 0.5", "wait long", "FILE: behaviour 'slow': greeting: 'wait long': expected a share"),
    ("[behaviours.slow]", '[behaviours.slow]\ntls_max = "1.0"', "tls_min 1.2 is above tls_max 1.0"),
    ("[[entries]]", "[[entries", "FILE is no TOML: "),
    ('"servfail"', '["servfail", "asleep"]', "FILE: entry 'here.lab': dns 'here.lab MX': 'asleep' is neither ok nor"),
    ('"servfail"', "[]", "FILE: entry 'here.lab': dns 'here.lab MX' has no answer"),
    ('"servfail"', '["is 10"]', "FILE: entry 'here.lab': 'here.lab MX 10': "),
    ("MX 10 mx.here.lab.", 'MX 10 a.lab.", "$GENERATE 1-x a A', "expected $GENERATE FIRST-LAST LINE"),
    (
        "[behaviours.slow]",
        "[behaviours.slow]\nvisits = ['god']",
        "behaviour 'slow' refers to the unknown behaviour 'god'",
    ),
    ("[behaviours.slow]", "[behaviours.slow]\nvisits = ['slow']", "refers to 'slow', which remembers itself"),
    ("[behaviours.slow]", "[behaviours.slow]\nallows = 2", "behaviour 'slow': allows and otherwise go together"),
    (
        "[behaviours.slow]",
        "[behaviours.slow]\nallows = 2\notherwise = 'good'\nvisits = ['good']",
        "behaviour 'slow' has both visits and allows",
    ),
    (
        "[behaviours.slow]",
        "[behaviours.gone]\nlistener = false\n[behaviours.slow]\nvisits = ['gone']",
        "behaviour 'slow' refers to 'gone', which remembers itself or does not listen",
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), PROBLEMS, ids=[row[-1] for row in PROBLEMS])
def test_a_bad_world_is_refused_by_name(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert WORLD.count(old) == 1
    assert message in load(tmp_path, WORLD.replace(old, new))


def test_all_problems_of_a_world_are_told_at_once(tmp_path: Path) -> None:
    text = WORLD.replace('behaviour = "slow"', 'behaviour = "a", certificate = "b"')
    assert len(load(tmp_path, text).splitlines()) == 2


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="No such file"):
        load_world(tmp_path / "nowhere.toml")


MORE = """
records = ["mx.more.lab. A 127.64.2.1"]
servers = [{ address = "127.64.2.1", host = "mx.more.lab", behaviour = "deaf" }]
[behaviours.deaf]
"""


def test_a_world_may_stand_in_several_files(tmp_path: Path) -> None:
    (tmp_path / "more.toml").write_text(MORE)
    assert load(tmp_path, f'include = ["more.toml"]\n{WORLD}') == ""
    world = load_world(tmp_path / "world.toml")
    assert [server.host for server in servers_of(world)] == ["mx.shared.lab", "mx.more.lab", "mx.here.lab"]
    assert world.records == ("mx.shared.lab. A 127.64.1.1", "mx.more.lab. A 127.64.2.1")
    assert world.behaviours.keys() == {"good", "slow", "deaf"}


@pytest.mark.parametrize(
    ("include", "more", "message"),
    [
        ('["more.toml"]', "[behaviours.slow]\n", "more.toml: behaviours stands in two files"),
        ('["more.toml"]', "records = 1\n", "more.toml: records stands in two files"),
        ('["more.toml"]', 'include = ["others.toml"]\n', "unknown field `include`"),
        ('"more.toml"', "", "include: expected a list of files"),
    ],
)
def test_files_that_do_not_go_together_are_refused(tmp_path: Path, include: str, more: str, message: str) -> None:
    (tmp_path / "more.toml").write_text(more)
    assert message in load(tmp_path, f"include = {include}\n{WORLD}")


def test_a_file_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "world.toml").write_text(f'include = ["nowhere.toml"]\n{WORLD}')
    with pytest.raises(WorldError, match=r"nowhere\.toml: No such file"):
        load_world(tmp_path / "world.toml")


BAD_STEPS = [
    ("", "expected send TEXT, wait SHARE"),
    ("sned 220", "expected send TEXT, wait SHARE"),
    ("close now", "expected send TEXT, wait SHARE"),
    ("wait", "expected a share"),
    ("wait -1", "expected a share"),
    ("wait 1e3", "expected a share"),
    ("drip abc", "expected a share"),
    ("repeat x abc", "expected repeat N TEXT"),
    ("repeat 1000000000 abc", "3000000000 octets"),
    ("send \\q", r"unknown escape"),
    ("send \\x4", r"unknown escape"),
    ("send \\", r"unknown escape"),
]


@pytest.mark.parametrize(("text", "message"), BAD_STEPS, ids=[row[0] or "empty" for row in BAD_STEPS])
def test_a_text_that_is_no_step_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_step(text, host="mx.here.lab", limit_s=1.0)
