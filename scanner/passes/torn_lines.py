"""The end of a file of lines: what a killed process left of its last one. For run_directory.py alone."""

from pathlib import Path


def cut_torn_line(path: Path) -> int:
    """Cuts the file after its last LF; 1 if there was something to cut."""
    whole = _end_of_last_line(path, path.stat().st_size)
    if whole == path.stat().st_size:
        return 0
    with path.open("r+b") as file:
        file.truncate(whole)
    return 1


def last_line(path: Path) -> bytes:
    """The last whole line, with its LF; b"" if there is none."""
    end = _end_of_last_line(path, path.stat().st_size)
    begin = _end_of_last_line(path, max(0, end - 1))
    with path.open("rb") as file:
        file.seek(begin)
        return file.read(end - begin)


def _end_of_last_line(path: Path, before: int) -> int:
    """The offset after the last LF in the first `before` octets; 0 if there is none."""
    with path.open("rb") as file:
        while before > 0:
            begin = max(0, before - 65536)
            file.seek(begin)
            found = file.read(before - begin).rfind(b"\n")
            if found >= 0:
                return begin + found + 1
            before = begin
    return 0
