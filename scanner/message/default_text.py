"""What a test message says if nobody gave a text: that it is one, its time and host, and where its transcript is."""

from dataclasses import dataclass
from datetime import datetime
from html import escape

from scanner.times import datetime_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """When and where a test message is made; `saved_at` is the directory that keeps its transcript, if any."""

    version: str
    at: datetime
    host: str
    message_id: str
    saved_at: str | None = None

    @property
    def transcript(self) -> str:
        """Where the transcript is, in one line."""
        if self.saved_at is not None:
            return f"{self.saved_at}/transcript.txt on {self.host}"
        return f"shown on {self.host} when it was sent, and kept only with --save DIR"


def note_of(occasion: Occasion) -> str:
    """The same as a header field has it."""
    return f"sent by mxscan {occasion.version} on {occasion.host}; transcript: {occasion.transcript}"


def default_subject(occasion: Occasion) -> str:
    return f"Test message of mxscan from {occasion.host}"


def default_text(occasion: Occasion, *, is_html: bool) -> str:
    """The body of a message that nobody wrote."""
    text = f"""\
This is a test message. A person sent it with mxscan {occasion.version} to find out
whether mail gets through; nobody needs to answer it.

  sent at     {datetime_text(occasion.at)}
  from host   {occasion.host}
  message id  {occasion.message_id}
  transcript  {occasion.transcript}

The logs of every mail server on its way can be searched for the message id.
"""
    return f"<!DOCTYPE html>\n<html><body><pre>\n{escape(text)}</pre></body></html>\n" if is_html else text
