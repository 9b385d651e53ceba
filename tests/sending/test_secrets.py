"""No secret in any output, in any encoding, by any mechanism, whether AUTH goes well, badly, or not at all."""

import base64
import binascii
import hmac
import os
import re
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.cli import run as run_command
from tests.acceptance.running import ENVIRONMENT, MXSCAN
from tests.sending.lab_sending import PASSWORD, SENDER, LabMail, SendInLab

pytestmark = pytest.mark.acceptance

WRONG = "not-the-passwörd/+\\\"'%"


def encodings(password: str, user: str = SENDER) -> Iterator[str]:
    """Whatever a secret could look like: alone, in what mechanisms say, and as something might quote it."""
    octets = password.encode()
    said = (octets, f"\0{user}\0{password}".encode(), f"user={user}\1auth=Bearer {password}\1\1".encode())
    for text in said:
        # Base64 of a text within another one begins at any of three places; what is next to it changes.
        for begin in range(3):
            yield base64.b64encode(bytes(begin) + text).decode().rstrip("=")[4 * (begin > 0) : -2]
        yield binascii.hexlify(text).decode()
        yield base64.urlsafe_b64encode(text).decode()
    yield from (password, ascii(password)[1:-1], repr(octets)[2:-1], urllib.parse.quote(password))
    yield urllib.parse.quote_plus(password)
    yield "".join(f"\\x{octet:02X}" for octet in octets)
    yield password[::-1]


def assert_hidden(text: str, *passwords: str) -> None:
    for password in passwords:
        for encoded in encodings(password):
            assert encoded not in text, f"{encoded!r} is told"


def kept_files(directory: Path) -> str:
    return "\n".join(path.read_text("utf-8", "replace") for path in directory.rglob("*") if path.is_file())


HOSTS = {
    "PLAIN": ("submission", "plaintext-submission", "auth-unavailable", "auth-too-weak", "endless-challenges"),
    "LOGIN": ("submission", "login-only", "plaintext-submission"),
    "CRAM-MD5": ("submission", "cram-only", "plaintext-submission"),
    "XOAUTH2": ("submission", "xoauth2-only"),
}
CASES = [(mechanism, host) for mechanism, hosts in HOSTS.items() for host in hosts]


@pytest.mark.parametrize(("mechanism", "host"), CASES)
@pytest.mark.parametrize("password", [PASSWORD, WRONG], ids=["right", "wrong"])
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_no_secret_is_told(
    send: SendInLab,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    mechanism: str,
    host: str,
    password: str,
    as_json: bool,
) -> None:
    monkeypatch.setenv("THE_PASSWORD", password)
    more = ("--json",) if as_json else ()
    relay = ("--relay", f"RELAY:smtp.{host}.lab", "--tls", "opportunistic", "--insecure", "--auth", mechanism)
    sent = send(
        "--to", "x@good.lab", *relay, "--user", SENDER, "--password-env", "THE_PASSWORD",
        "--save", str(tmp_path / "kept"), *more,
    )  # fmt: skip
    assert f"AUTH {mechanism}" in sent.out
    everything = sent.out + sent.err + kept_files(tmp_path)
    assert_hidden(everything, password)
    challenges = re.findall(r"334 ([A-Za-z0-9+/=]{8,})", everything)
    assert challenges or mechanism != "CRAM-MD5"
    for challenge in challenges:
        digest = hmac.new(password.encode(), base64.b64decode(challenge), "md5").hexdigest()
        assert_hidden(everything, digest, f"{SENDER} {digest}")


def test_a_server_that_repeats_what_it_was_told_tells_nobody(send: SendInLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_PASSWORD", PASSWORD)
    sent = send(
        "--to", "x@good.lab", "--relay", "RELAY:smtp.hostile-replies.lab", "--tls", "opportunistic", "--insecure",
        "--user", SENDER, "--password-env", "THE_PASSWORD", "--json",
    )  # fmt: skip
    assert_hidden(sent.out + sent.err, PASSWORD)


BAD_FILES: list[tuple[str, bytes]] = [
    ("several lines", f"{PASSWORD}\nmore\n".encode()),
    ("a NUL", f"{PASSWORD}\0".encode()),
    ("no UTF-8", PASSWORD.encode() + b"\xff"),
]


@pytest.mark.parametrize("octets", [row[1] for row in BAD_FILES], ids=[row[0] for row in BAD_FILES])
def test_a_password_that_cannot_be_is_not_told_either(send: SendInLab, tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "password"
    path.write_bytes(octets)
    sent = send(
        "--to", "x@good.lab", "--relay", "RELAY:smtp.submission.lab", "--user", SENDER, "--password-file", str(path)
    )
    assert (sent.code, sent.out, sent.err.count("\n")) == (2, "", 1)
    assert_hidden(sent.err, PASSWORD)


def test_a_password_comes_from_a_file_with_or_without_its_line_end(send: SendInLab, tmp_path: Path) -> None:
    for end in ("", "\n", "\r\n"):
        (tmp_path / "password").write_bytes(PASSWORD.encode() + end.encode())
        sent = send(
            "--to", "x@good.lab", "--relay", "RELAY:smtp.submission.lab", "--user", SENDER,
            "--password-file", str(tmp_path / "password"),
        )  # fmt: skip
        assert sent.code == 0


def test_a_bug_of_ours_tells_no_secret(
    send: SendInLab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("THE_PASSWORD", PASSWORD)

    def break_down(*arguments: object, **_: object) -> None:
        raise RuntimeError(f"a bug that holds {arguments!r} and {PASSWORD}")

    monkeypatch.setattr("scanner.probe.sending.auth_mechanisms", break_down)
    sent = send(
        "--to", "x@good.lab", "--relay", "RELAY:smtp.submission.lab", "--user", SENDER, "--password-env", "THE_PASSWORD"
    )
    assert sent.code == 70
    assert "RuntimeError" in sent.err
    assert_hidden(sent.out + sent.err, PASSWORD)


def test_the_process_list_tells_no_secret(lab_mail: LabMail, tmp_path: Path) -> None:
    """A password is asked for on the terminal, from a file, from the environment: never an argument of ours."""
    (tmp_path / "password").write_text(PASSWORD)
    arguments = ("--to", "x@good.lab", "--relay", lab_mail.relay("smtp.silent-on-auth.lab"), "--user", SENDER)
    process = subprocess.Popen(
        [*MXSCAN, "send", "--config", str(lab_mail.config), "--from", SENDER, *arguments,
         "--password-file", str(tmp_path / "password"), "--json"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT,
    )  # fmt: skip
    seen = b""
    while process.poll() is None:
        for task in Path(f"/proc/{process.pid}/task").glob("*"):
            seen += (task / "cmdline").read_bytes() + (task / "comm").read_bytes()
        time.sleep(0.05)  # how often a process list is looked at, while the server keeps silent
    out, err = process.communicate()
    assert b"silent-on-auth" in seen
    assert_hidden((seen + out + err).decode("utf-8", "replace"), PASSWORD)


def test_no_option_takes_a_password(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["send", "--from", SENDER, "--to", "x@good.lab", "--password", PASSWORD]) == 2
    assert_hidden(capsys.readouterr().out, PASSWORD)


def test_a_password_is_asked_for_without_an_echo(lab_mail: LabMail) -> None:
    """On a terminal of its own, while standard input is the text of the message."""
    pid, terminal = os.forkpty()
    if pid == 0:  # pragma: no cover - the child
        reader, writer = os.pipe()
        os.write(writer, b"piped text\n")
        os.close(writer)
        os.dup2(reader, 0)
        arguments = ["--to", "x@good.lab", "--relay", lab_mail.relay("smtp.submission.lab"), "--user", SENDER]
        os.execve(
            MXSCAN[0], [*MXSCAN, "send", "--config", str(lab_mail.config), "--from", SENDER, *arguments], ENVIRONMENT
        )
    seen = _answer_prompt(terminal, b"Password of", PASSWORD)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, seen
    assert "SENT" in seen
    assert_hidden(seen, PASSWORD)
    assert "piped text" in lab_mail.messages()[-1].octets.decode()


def _answer_prompt(terminal: int, prompt: bytes, answer: str) -> str:
    seen, answered = b"", False
    while True:
        try:
            octets = os.read(terminal, 4096)
        except OSError:  # the terminal's other side is closed
            return seen.decode("utf-8", "replace")
        if not octets:
            return seen.decode("utf-8", "replace")
        seen += octets
        if prompt in seen and seen.endswith(b": ") and not answered:
            os.write(terminal, answer.encode() + b"\n")
            answered = True


def test_the_search_finds_what_it_looks_for() -> None:
    for text in (PASSWORD, base64.b64encode(f"\0{SENDER}\0{PASSWORD}".encode()).decode(), PASSWORD.encode().hex()):
        with pytest.raises(AssertionError, match="is told"):
            assert_hidden(f"before {text} after", PASSWORD)
