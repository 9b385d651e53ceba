"""A good server's side of a mail transaction (RFC 5321 §3.3, RFC 3030): all is accepted, nothing kept."""

import re

_SYNTAX = re.compile(rb"(?:FROM|TO):\s*<[^<>]*>", re.IGNORECASE)
_CHUNK = re.compile(rb"(\d{1,18})( LAST)?", re.IGNORECASE)
_OK = b"250 2.0.0 OK\r\n"
_BAD_SEQUENCE = b"503 5.5.1 Bad sequence of commands\r\n"
_BAD_ARGUMENT = b"501 5.5.4 Syntax error in arguments\r\n"
_ACCEPTED = b"250 2.0.0 Message accepted\r\n"
_END_OF_MESSAGE = b"\r\n.\r\n"


class MailTransaction:
    """Commands in, replies out. While `expects_message`, what comes belongs to `take_message`."""

    def __init__(self) -> None:
        self.expects_message = False
        self._has_sender = False
        self._has_recipient = False
        self._chunk_left = 0
        self._chunk_reply = b""
        self._tail = b""

    def reply_to(self, verb: bytes, argument: bytes) -> bytes:
        """The reply to any command that is not the session's own."""
        match verb:
            case b"MAIL":
                return self._mail(argument)
            case b"RCPT":
                return self._rcpt(argument)
            case b"DATA":
                return self._data()
            case b"BDAT":
                return self._bdat(argument)
            case b"RSET":
                self._forget()
                return _OK
            case b"NOOP":
                return _OK
            case b"VRFY":
                return b"252 2.5.0 Cannot VRFY user\r\n"
        return b"500 5.5.1 Command unrecognized\r\n"

    def take_message(self, received: bytearray) -> bytes | None:
        """Takes what belongs to the message out of `received`; the reply once it is complete, else None."""
        if self._chunk_reply:
            return self._take_chunk(received)
        data = self._tail + received
        end = data.find(_END_OF_MESSAGE)
        if end < 0:
            self._tail = bytes(data[-len(_END_OF_MESSAGE) + 1 :])
            received.clear()
            return None
        received[:] = data[end + len(_END_OF_MESSAGE) :]
        self._forget()
        return _ACCEPTED

    def _mail(self, argument: bytes) -> bytes:
        if self._has_sender:
            return _BAD_SEQUENCE
        if not _SYNTAX.match(argument):
            return _BAD_ARGUMENT
        self._has_sender = True
        return b"250 2.1.0 Sender OK\r\n"

    def _rcpt(self, argument: bytes) -> bytes:
        if not self._has_sender:
            return _BAD_SEQUENCE
        if not _SYNTAX.match(argument):
            return _BAD_ARGUMENT
        self._has_recipient = True
        return b"250 2.1.5 Recipient OK\r\n"

    def _data(self) -> bytes:
        if not self._has_recipient:
            return _BAD_SEQUENCE
        self.expects_message = True
        self._tail = b"\r\n"  # an empty message is a lone dot: the CRLF is that of DATA
        return b"354 End data with <CR><LF>.<CR><LF>\r\n"

    def _bdat(self, argument: bytes) -> bytes:
        found = _CHUNK.fullmatch(argument)
        if not self._has_recipient or found is None:
            return _BAD_ARGUMENT if self._has_recipient else _BAD_SEQUENCE
        self.expects_message = True
        self._chunk_left = int(found[1])
        self._chunk_reply = _ACCEPTED if found[2] else b"250 2.0.0 %d octets received\r\n" % self._chunk_left
        return b""  # RFC 3030 §2: the reply comes after the chunk

    def _take_chunk(self, received: bytearray) -> bytes | None:
        taken = min(self._chunk_left, len(received))
        del received[:taken]
        self._chunk_left -= taken
        if self._chunk_left:
            return None
        reply, self._chunk_reply, self.expects_message = self._chunk_reply, b"", False
        if reply == _ACCEPTED:
            self._forget()
        return reply

    def _forget(self) -> None:
        self.expects_message = self._has_sender = self._has_recipient = False
        self._tail = b""
