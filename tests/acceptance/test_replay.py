"""Transcripts are the truth: fed back to the session core they give the recorded replies, however they are cut."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from scanner.outcomes import SessionFlag, Stage
from scanner.records import Replies, ReplyRecord, SessionRecord, Transcript
from scanner.smtp.commands import Verb
from scanner.smtp.replies import Reply, ReplyError, ReplyLimits
from scanner.smtp.session import Session, State
from scanner.wire_text import escape_octets, restore_octets
from tests.acceptance.running import records_of

#: A session of more octets than this is cut in two at every 97th place instead of at every one.
EVERY_CUT_UP_TO = 1500

_STAGES = {
    Verb.ehlo: ("ehlo", "ehlo_after_tls"),
    Verb.helo: ("helo", "helo"),
    Verb.starttls: ("starttls", "starttls"),
    Verb.quit: ("quit", "quit"),
}


def _octets(text: str) -> bytes:
    """What the server sent for a line: its CRLF is not written, another end of line is, none is marked."""
    if text.endswith("\\"):
        return restore_octets(text.removesuffix("\\"))
    octets = restore_octets(text)
    return octets if octets.endswith(b"\n") else octets + b"\r\n"


Turn = tuple[str, bytes]


def _turns(transcript: Transcript) -> list[Turn]:
    """What each side said, the server's lines between two commands together; and where TLS came up."""
    turns: list[Turn] = []
    for _, who, text in transcript.lines:
        if who == "C":
            turns.append(("C", restore_octets(text)))
        elif who == "S":
            if turns and turns[-1][0] == "S":
                turns[-1] = ("S", turns[-1][1] + _octets(text))
            else:
                turns.append(("S", _octets(text)))
        elif text.startswith("TLS up"):
            turns.append(("TLS", b""))
    return turns


class _Replayed:
    """What comes of a transcript: the replies by stage, the extensions before and after TLS, the flags."""

    def __init__(self, record: SessionRecord) -> None:
        self._session = Session(ReplyLimits())
        self._awaited: str | None = "greeting"
        self._under_tls = False
        self.replies: dict[str, ReplyRecord] = {}
        self.extensions: dict[str, str] | None = None
        self.extensions_after_tls: dict[str, str] | None = None

    def run(self, turns: Iterable[tuple[str, Iterable[bytes]]]) -> None:
        for who, pieces in turns:
            if who == "C":
                verb, _, argument = b"".join(pieces).decode().partition(" ")
                self._session.send(Verb(verb), argument)
                self._awaited = _STAGES[Verb(verb)][self._under_tls]
            elif who == "TLS":
                self._session.start_tls()
                self._under_tls = True
            else:
                for piece in pieces:
                    self._session.receive_data(piece)
                    self._read()

    def _read(self) -> None:
        try:
            reply = self._session.next_reply()
        except ReplyError:
            return
        if reply is None:
            return
        assert self._awaited is not None
        self.replies[self._awaited] = _record(reply)
        if self._session.extensions is not None and self._awaited in ("ehlo", "helo", "ehlo_after_tls"):
            parameters = self._session.extensions.parameters.items()
            found = {escape_octets(name): escape_octets(value) for name, value in parameters}
            if self._under_tls:
                self.extensions_after_tls = found
            else:
                self.extensions = found

    @property
    def flags(self) -> frozenset[SessionFlag]:
        return self._session.flags

    @property
    def state(self) -> State:
        return self._session.state


def _record(reply: Reply) -> ReplyRecord:
    lines = tuple(escape_octets(line) for line in reply.lines)
    return ReplyRecord(code=reply.code, enhanced_code=reply.enhanced_code, lines=lines)


def _splits(turns: list[Turn]) -> Iterator[list[tuple[str, list[bytes]]]]:
    """The conversation whole, octet by octet, and with every turn of the server's cut in two at the same place."""
    yield [(who, [octets]) for who, octets in turns]
    yield [(who, [octets[i : i + 1] for i in range(len(octets))] if who == "S" else [octets]) for who, octets in turns]
    longest = max((len(octets) for who, octets in turns if who == "S"), default=0)
    for place in range(1, longest, 1 if longest <= EVERY_CUT_UP_TO else 97):
        yield [(who, [octets[:place], octets[place:]] if who == "S" else [octets]) for who, octets in turns]


def _survived(record: SessionRecord) -> bool:
    # What followed the 220 to STARTTLS in the clear is in the transcript and was never fed to the parser.
    return record.outcome != "plaintext_after_starttls"


def test_every_transcript_gives_the_recorded_replies_and_extensions_in_every_split(lab_run: Path) -> None:
    sessions = {record.session: record for record in records_of(lab_run, SessionRecord)}
    replayed = 0
    for transcript in records_of(lab_run, Transcript):
        record = sessions[transcript.session]
        turns = _turns(transcript)
        if not _survived(record):
            turns = turns[: 1 + max(i for i, (who, _) in enumerate(turns) if who == "C")]
        for split in _splits(turns):
            replay = _Replayed(record)
            replay.run(split)
            expected = {name: getattr(record.replies, name) for name in Replies.__struct_fields__}
            got = {name: replay.replies.get(name) for name in expected if name != "rcpt"}
            if not _survived(record):
                expected["starttls"] = None
            assert got == {name: value for name, value in expected.items() if name != "rcpt"}, record.session
            assert replay.extensions == record.extensions
            assert replay.extensions_after_tls == record.extensions_after_tls
        replayed += 1
    assert replayed == len(sessions)
    assert replayed > 150


def test_the_text_of_a_transcript_gives_back_exactly_the_octets_that_were_read(lab_run: Path) -> None:
    transcripts = {transcript.session: transcript for transcript in records_of(lab_run, Transcript)}
    compared = 0
    for record in records_of(lab_run, SessionRecord):
        # In the clear, what was read from the wire is what the server said; under TLS the wire has more.
        if record.tls is not None or record.stage is Stage.tls or "transcript_cut" in record.flags:
            continue
        said = sum(len(octets) for who, octets in _turns(transcripts[record.session]) if who == "S")
        assert said == record.bytes.read, record.session
        compared += said > 0
    assert compared >= 40


def test_there_is_a_transcript_for_a_session_that_never_connected(lab_run: Path) -> None:
    transcripts = {transcript.session: transcript for transcript in records_of(lab_run, Transcript)}
    refused = [record for record in records_of(lab_run, SessionRecord) if record.stage is Stage.connect]
    assert len(refused) >= 3
    for record in refused:
        (_, who, first), (_, _, last) = (
            transcripts[record.session].lines[0],
            transcripts[record.session].lines[-1],
        )
        assert who == "*"
        assert first.startswith(f"connect {record.address}:{record.port} limit ")
        assert record.outcome == "refused" or "limit fired" in last
