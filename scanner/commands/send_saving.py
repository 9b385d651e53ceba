"""What `--save` keeps of a sending: the message, the transcript, the result."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from scanner.commands.send_errors import RequestError, SaveError
from scanner.report.shown_text import shown

MESSAGE, TRANSCRIPT, RESULT = "message.eml", "transcript.txt", "result.json"


class SaveDirectory:
    """A directory for one sending."""

    def __init__(self, path: Path) -> None:
        """Makes it, before anything is sent. Raises SaveError if it can't, RequestError if it holds another sending."""
        self._path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            there = [name for name in (MESSAGE, TRANSCRIPT, RESULT) if (path / name).exists()]
        except OSError as error:
            raise SaveError(f"--save {shown(str(path))} can't be made: {error.strerror}") from error
        if there:
            raise RequestError(f"--save {shown(str(path))} holds another sending ({there[0]}): name a new directory")

    def keep(self, message: bytes, transcript: Iterable[str], result: Mapping[str, Any]) -> None:
        """Writes all three. Raises SaveError."""
        contents = {
            MESSAGE: message,
            TRANSCRIPT: "".join(f"{line}\n" for line in transcript).encode("utf-8", "replace"),
            RESULT: orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE),
        }
        for name, octets in contents.items():
            try:
                (self._path / name).write_bytes(octets)
            except OSError as error:
                raise SaveError(f"--save: {shown(str(self._path / name))}: {error.strerror}") from error
