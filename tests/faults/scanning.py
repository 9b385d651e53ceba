"""Scans of a few domains in an open lab, each in a home of its own, begun, resumed and compared."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

import msgspec

from scanner.exit_codes import OK
from scanner.lab.child import LabChild
from scanner.settings import Limits
from tests.faults.command import Ended, Fork, Preparation, sharing, start_mxscan

#: Settings by table and key, as in a file.
Settings = Mapping[str, Mapping[str, object]]
NOTHING: Settings = {}

#: Limits as short as a machine with other work keeps them.
LIMITS = Limits(connect_s=0.5, greeting_s=1.0, reply_s=0.8, tls_s=0.8, quit_s=0.3, session_s=2.0)

#: A little of everything: good, slow, silent, broken at every stage, no mail, no name.
SOME = (
    "good.lab",
    "sender.lab",
    "null-mx.lab",
    "two..dots.lab",
    "does-not-exist.lab",
    "dns-servfail.lab",
    "nobody-listens.lab",
    "silent.lab",
    "late-greeting.lab",
    "content-filter.lab",
    "closes-at-once.lab",
    "go-away-554.lab",
    "silent-on-ehlo.lab",
    "no-starttls.lab",
    "starttls-554.lab",
    "silent-in-handshake.lab",
    "expired.lab",
    "stops-reading.lab",
    "quit-unanswered.lab",
    "pool-starttls.lab",
    "ten-addresses.lab",
    "xn--mnchen-3ya.lab",
)


class Scanning:
    """Where scans are: `given` has their lists and settings, every other directory is a home with a run."""

    def __init__(self, directory: Path, lab: LabChild | None, domains: Iterable[str] = SOME) -> None:
        self._directory = directory
        self._given = directory / "given"
        self._given.mkdir()
        self._lab = (sharing(lab),) if lab is not None else ()
        self.list = self._given / "list.txt"
        self.list.write_text("".join(f"{domain}\n" for domain in domains))

    def home(self, name: object) -> Path:
        return self._directory / f"{name}"

    def run(self, name: object) -> Path:
        return self.home(name) / "run"

    def config(self, settings: Settings = NOTHING) -> Path:
        """Settings in a file: the short limits, no preflight, and what is given beside them."""
        tables: Settings = {
            **settings,
            "limits": {**msgspec.to_builtins(LIMITS), **settings.get("limits", {})},
            "vantage": {"preflight": False, **settings.get("vantage", {})},
        }
        text = "".join(
            f"[{table}]\n"
            + "".join(f"{key} = {msgspec.json.encode(value).decode()}\n" for key, value in values.items())
            for table, values in tables.items()
        )
        path = self._given / f"{sha256(text.encode()).hexdigest()[:8]}.toml"
        path.write_text(text)
        return path

    def begin(
        self,
        name: object,
        *options: str | Path,
        preparations: Iterable[Preparation] = (),
        kind: type[Fork] = Fork,
        stdout: int | None = None,
        settings: Settings = NOTHING,
    ) -> Fork:
        """Starts `mxscan scan LIST --lab`, with settings by table."""
        return start_mxscan(
            self.home(name),
            *self.arguments(name, settings),
            *options,
            preparations=(*self._lab, *preparations),
            kind=kind,
            stdout=stdout,
        )

    def arguments(self, name: object, settings: Settings = NOTHING) -> list[str]:
        """The command line of a new run."""
        return ["scan", f"{self.list}", "--lab", "--config", f"{self.config(settings)}", "--out", f"{self.run(name)}"]

    def scan(
        self,
        name: object,
        *options: str | Path,
        preparations: Iterable[Preparation] = (),
        settings: Settings = NOTHING,
    ) -> Ended:
        """The same to its end."""
        return self.begin(name, *options, "--quiet", preparations=preparations, settings=settings).ended()

    def resumption(self, name: object, preparations: Iterable[Preparation] = ()) -> Fork:
        """Starts `mxscan scan --resume`."""
        arguments = ("scan", "--resume", self.run(name), "--quiet")
        return start_mxscan(self.home(name), *arguments, preparations=(*self._lab, *preparations))

    def resume(self, name: object, preparations: Iterable[Preparation] = ()) -> Ended:
        """The same to its end."""
        return self.resumption(name, preparations).ended()

    def whole_run(self) -> Path:
        """A run in which nothing is wrong with us."""
        ended = self.scan("whole")
        assert ended.exit_code == OK, ended.said
        return self.run("whole")


def size_of(run: Path, name: str) -> int:
    """How many octets a run has of a kind of record."""
    return sum(path.stat().st_size for path in run.glob(f"{name}-*.jsonl"))
