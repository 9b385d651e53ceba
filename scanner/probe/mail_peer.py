"""A server that mail is given to: what a session of `send` needs beyond a survey's, secrets and a message.

Theory of operation. What is said within AUTH is written nowhere, and looked for in all that the server says from then
on. A message is written in pieces, each when the server has taken those before it, and between two of them the server
is listened to: one that has had enough says so in the middle, and then stops to read.
"""

from hashlib import sha256

from scanner.net.streams import Stream
from scanner.outcomes import Outcome, Stage
from scanner.probe.concealment import Concealment, without_secret
from scanner.probe.peer import SmtpPeer, reply_key
from scanner.probe.session_end import SessionEnded
from scanner.smtp.commands import Verb
from scanner.smtp.replies import Reply, ReplyClass
from scanner.smtp.sasl import Credentials

#: What of a message is written before the server is listened to.
PIECE_OCTETS = 65536

_CHALLENGE = 334


class MailPeer(SmtpPeer):
    """A mail server that takes AUTH and a message. Its methods raise SessionEnded."""

    _concealment: Concealment | None = None
    _mail_data = b""
    _said_octets = 0

    #: True once the whole of a message was written, its end too: then the server may have taken it.
    message_said = False

    async def authenticate(self, argument: str, credentials: Credentials) -> Reply:
        """Says AUTH, with an initial response if there is one."""
        self._concealment = Concealment(credentials)
        self.transcript.conceal(self._concealment)
        return await self.command(Stage.auth, Verb.auth, argument)

    async def respond(self, response: str) -> Reply:
        """Answers a challenge, the 334 to AUTH, in base64."""
        self._write(Stage.auth, self._session.send_response(response))
        return await self._reply(Stage.auth, "reply_s")

    async def cancel_auth(self) -> Reply:
        """Gives AUTH up after a challenge."""
        self._write(Stage.auth, self._session.cancel_auth())
        return await self._reply(Stage.auth, "reply_s")

    async def send_message(self, message: bytes) -> Reply:
        """Sends a message after the 354. A reply that comes before its end is a refusal, and the rest is not said."""
        self._mail_data = self._session.send_message(message)
        self._remark(f"message of {len(message)} octets, SHA-256 {sha256(message).hexdigest()}")
        # Within mail data a QUIT would be text; and without its end, the server must not take what it has (§4.1.1.4).
        self._may_speak = False
        with self._deadlines.apart_from_the_session():  # how long it takes depends on its size
            reply = await self._reply(Stage.message, "message_s")
        if not self.message_said:
            self._may_speak = False
            if reply.reply_class is ReplyClass.positive:
                error = "a positive reply before the end of the message"
                raise SessionEnded(Stage.message, Outcome.malformed, error=error)
        return reply

    def concealed(self, text: str) -> str:
        """A text of the server's without a secret."""
        return text if self._concealment is None else self._concealment(text.encode()).decode()

    # As a survey does it, but for secrets and messages --------------------------------------------------

    def _write(self, stage: Stage, data: bytes, shown: bytes | None = None) -> None:
        if stage is Stage.auth:
            shown = without_secret(data)
            if self._concealment is not None:
                self._concealment.learn(data)
        super()._write(stage, data, shown)

    async def _reply(self, stage: Stage, limit: str) -> Reply:
        """The reply without a secret, but for a challenge: that is to be answered."""
        reply = await super()._reply(stage, limit)
        if self._concealment is None:
            return reply
        concealed = self._concealment.in_reply(reply)
        self.replies[reply_key(stage)] = concealed
        return reply if stage is Stage.auth and reply.code == _CHALLENGE else concealed

    async def _receive(self, stage: Stage) -> None:
        """While there is more of the message to say, the server is listened to between two pieces of it."""
        assert self._stream is not None
        if stage is not Stage.message or self.message_said or self._stream.has_ended:
            await super()._receive(stage)
        elif await self._stream.flush():
            self._say_next_piece(self._stream)
        else:
            self._take(stage, await self._stream.read_available())

    def _say_next_piece(self, stream: Stream) -> None:
        end = self._said_octets + PIECE_OCTETS
        stream.write(self._mail_data[self._said_octets : end])
        self._said_octets = end
        self.message_said = self._may_speak = end >= len(self._mail_data)
