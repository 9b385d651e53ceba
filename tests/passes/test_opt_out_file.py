"""The opt-out file of a run: checked, copied, read again when it changes, and never forgotten by a slip."""

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scanner.passes.opt_out_file import COPY, OptOutFile, OptOutFileError, copy_opt_out
from scanner.passes.run_directory import DiskFault, RunDirectory

NOON = 1_780_000_000


@dataclass
class HeldClock:
    """A clock that stands still until a test moves it."""

    passed_s: float = 0.0

    def now_utc(self) -> float:
        return NOON + self.passed_s

    def monotonic(self) -> float:
        return 1000.0 + self.passed_s

    async def sleep(self, seconds: float) -> None:
        self.passed_s += seconds


@dataclass
class Place:
    """A run directory, an opt-out file beside it, a clock, and what was told."""

    file: Path
    directory: RunDirectory
    clock: HeldClock = field(default_factory=HeldClock)
    told: list[tuple[str, str]] = field(default_factory=list)

    def write(self, text: str | bytes, *, written_at_s: float = -3600.0) -> None:
        """Writes the file in place, with a time of change counted from the test's beginning."""
        self.file.write_bytes(text.encode() if isinstance(text, str) else text)
        os.utime(self.file, (NOON + written_at_s, NOON + written_at_s))

    def open(self) -> OptOutFile:
        return OptOutFile.open(
            str(self.file), self.directory, self.clock, lambda event, why: self.told.append((event, why))
        )

    def copy(self) -> str:
        return (self.directory.path / COPY).read_text()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path / "opt-out.txt", RunDirectory.create(tmp_path / "run"))
    place.write("a.test\n")
    return place


def listed(opened: OptOutFile) -> list[str]:
    current = opened.current()
    return [name for name in ("a.test", "b.test", "c.test") if current.matches_name(name)]


def test_without_a_file_nobody_opted_out(place: Place) -> None:
    copy_opt_out("", place.directory)
    opened = OptOutFile.open("", place.directory, place.clock, lambda event, why: pytest.fail(f"{event} {why}"))
    place.clock.passed_s = 10
    assert listed(opened) == []
    assert not place.directory.has(COPY)


def test_a_run_keeps_a_copy(place: Place) -> None:
    place.write("\ufeffa.test\r\n# more\r\n")
    copy_opt_out(str(place.file), place.directory)
    assert (place.directory.path / COPY).read_bytes() == place.file.read_bytes()
    assert listed(place.open()) == ["a.test"]
    assert place.told == []


UNUSABLE = [
    ("a.test\nb..test\n", "line 2: expected a domain, a host name, an address or a network", "a bad line"),
    ("a.test\n", "can't be read: No such file or directory", "no file"),
    (b"a.test\n\nm\xfcnchen.test\n", "line 3: expected UTF-8", "another encoding"),
    ("a.test\n".encode("utf-16"), "line 1: expected UTF-8", "UTF-16"),
]


@pytest.mark.parametrize(("content", "told", "why"), UNUSABLE, ids=[row[2] for row in UNUSABLE])
def test_a_file_that_cannot_be_used_stops_a_run_before_it_begins(
    place: Place, content: str | bytes, told: str, why: str
) -> None:
    place.write(content)
    if why == "no file":
        place.file.unlink()
    with pytest.raises(OptOutFileError) as raised:
        copy_opt_out(str(place.file), place.directory)
    assert f"the opt-out file {place.file}" in str(raised.value)
    assert told in str(raised.value)
    assert not place.directory.has(COPY)


def test_a_directory_is_no_opt_out_file(place: Place) -> None:
    with pytest.raises(OptOutFileError, match="can't be read: Is a directory"):
        copy_opt_out(str(place.directory.path), place.directory)


def test_a_changed_file_takes_effect_and_is_copied(place: Place) -> None:
    opened = place.open()
    place.write("a.test\nb.test\n")
    place.clock.passed_s = 1.0
    assert listed(opened) == ["a.test", "b.test"]
    assert place.copy() == "a.test\nb.test\n"
    assert [event for event, _ in place.told] == ["opt_out_changed"]


def test_a_file_that_shrinks_takes_effect_too(place: Place) -> None:
    opened = place.open()
    place.write("")
    place.clock.passed_s = 1.0
    assert listed(opened) == []
    assert place.copy() == ""


def test_a_file_that_was_replaced_by_another_of_the_same_size_and_time_is_another(place: Place) -> None:
    opened = place.open()
    new = place.file.with_name("new")
    new.write_text("b.test\n")
    os.utime(new, ns=(place.file.stat().st_atime_ns, place.file.stat().st_mtime_ns))
    new.replace(place.file)
    place.clock.passed_s = 1.0
    assert listed(opened) == ["b.test"]


def test_it_is_looked_at_once_a_second_however_often_it_is_asked(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = place.open()
    looks: list[Path] = []
    stat = Path.stat

    def counted(path: Path) -> os.stat_result:
        looks.append(path)
        return stat(path)

    monkeypatch.setattr(Path, "stat", counted)
    for tenth in range(50):
        place.clock.passed_s = tenth / 10
        opened.current()
    assert len(looks) == 4


def test_a_file_that_is_not_changed_is_not_read_again(place: Place) -> None:
    opened = place.open()
    before = opened.current()
    place.clock.passed_s = 100.0
    assert opened.current() is before
    assert place.told == []


BROKEN = [
    ("a.test\nb..test\n", "line 2: expected a domain", "a bad line"),
    (b"\xff\xfe", "expected UTF-8", "not text"),
    (None, "No such file", "gone"),
]


@pytest.mark.parametrize(("content", "why_told", "why"), BROKEN, ids=[row[2] for row in BROKEN])
def test_a_file_that_breaks_leaves_the_last_good_list_in_force_and_is_told_once(
    place: Place, content: str | bytes | None, why_told: str, why: str
) -> None:
    opened = place.open()
    if content is None:
        place.file.unlink()
    else:
        place.write(content)
    for second in range(1, 6):
        place.clock.passed_s = float(second)
        assert listed(opened) == ["a.test"]
    ((event, reason),) = place.told
    assert event == "opt_out_kept"
    assert why_told in reason
    assert "stays in force" in reason
    assert place.copy() == "a.test\n"


def test_a_file_that_comes_back_takes_effect_again(place: Place) -> None:
    opened = place.open()
    place.write("b..test")
    place.clock.passed_s = 1.0
    assert listed(opened) == ["a.test"]
    place.write("c.test\n")
    place.clock.passed_s = 2.0
    assert listed(opened) == ["c.test"]
    assert [event for event, _ in place.told] == ["opt_out_kept", "opt_out_changed"]


def test_a_file_that_is_just_being_written_is_left_until_it_is_quiet(place: Place) -> None:
    opened = place.open()
    place.write("", written_at_s=0.9)
    place.clock.passed_s = 1.0
    assert listed(opened) == ["a.test"]
    place.write("a.test\nb.test\n", written_at_s=1.1)
    place.clock.passed_s = 2.0
    assert listed(opened) == ["a.test"]
    place.clock.passed_s = 3.0
    assert listed(opened) == ["a.test", "b.test"]


def test_a_file_from_a_machine_whose_clock_is_ahead_is_read_all_the_same(place: Place) -> None:
    opened = place.open()
    place.write("b.test\n", written_at_s=86400.0)
    place.clock.passed_s = 1.0
    assert listed(opened) == ["b.test"]


def test_a_run_that_goes_on_has_the_file_as_it_is_now(place: Place) -> None:
    copy_opt_out(str(place.file), place.directory)
    place.write("b.test\n")
    assert listed(place.open()) == ["b.test"]
    assert place.copy() == "b.test\n"


def test_a_run_that_goes_on_without_the_file_has_its_copy_and_says_so(place: Place) -> None:
    copy_opt_out(str(place.file), place.directory)
    place.file.unlink()
    opened = place.open()
    assert listed(opened) == ["a.test"]
    assert [event for event, _ in place.told] == ["opt_out_kept"]
    assert "the run's copy" in place.told[0][1]
    place.write("c.test\n")
    place.clock.passed_s = 1.0
    assert listed(opened) == ["c.test"]


def test_a_run_that_goes_on_with_a_bad_file_stops(place: Place) -> None:
    copy_opt_out(str(place.file), place.directory)
    place.write("b..test\n")
    with pytest.raises(OptOutFileError, match="line 1"):
        place.open()
    assert place.copy() == "a.test\n"


def test_a_pipe_is_read_once(place: Place) -> None:
    place.file.unlink()
    os.mkfifo(place.file)
    writer = threading.Thread(target=place.file.write_text, args=("a.test\n",))
    writer.start()
    copy_opt_out(str(place.file), place.directory)
    writer.join()
    opened = place.open()
    place.clock.passed_s = 100.0
    assert listed(opened) == ["a.test"]
    assert place.told == []


def test_a_list_that_cannot_be_kept_is_a_fault_of_the_disk(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = place.open()
    place.write("b.test\n")
    place.clock.passed_s = 1.0
    (place.directory.path / COPY).unlink()
    (place.directory.path / COPY).mkdir()
    with pytest.raises(DiskFault, match=r"opt_out\.txt"):
        opened.current()
