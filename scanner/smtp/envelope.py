"""An envelope of one recipient (RFC 5321 §2.3.1): who sends, and to whom."""

from dataclasses import dataclass

from scanner.smtp.mailboxes import Mailbox


@dataclass(frozen=True, slots=True)
class Envelope:
    """A reverse-path, None for the null one (§4.5.5), and one forward-path."""

    reverse_path: Mailbox | None
    forward_path: Mailbox

    @property
    def needs_smtputf8(self) -> bool:
        """True if a path has what SMTP does not carry without SMTPUTF8 (RFC 6531 §3.4)."""
        return any(path is not None and path.needs_smtputf8 for path in (self.reverse_path, self.forward_path))
