"""The one table of the operating system's errors: what a failed operation on a socket means."""

import errno
import os

from scanner.outcomes import Outcome

_OUTCOMES: dict[int, Outcome] = {
    errno.ECONNREFUSED: Outcome.refused,
    errno.EHOSTUNREACH: Outcome.unreachable,
    errno.EHOSTDOWN: Outcome.unreachable,
    errno.ETIMEDOUT: Outcome.timed_out,
    errno.ECONNRESET: Outcome.reset,
    errno.ECONNABORTED: Outcome.reset,
    errno.EPIPE: Outcome.reset,
    # Ours: no route or no right to send (ENETUNREACH, EACCES, EPERM), no such address or port here (EINVAL,
    # EADDRNOTAVAIL, EADDRINUSE), no descriptor left (EMFILE, ENFILE). They say nothing about the server.
    errno.ENETUNREACH: Outcome.local_fault,
    errno.EACCES: Outcome.local_fault,
    errno.EPERM: Outcome.local_fault,
    errno.EINVAL: Outcome.local_fault,
    errno.EADDRNOTAVAIL: Outcome.local_fault,
    errno.EADDRINUSE: Outcome.local_fault,
    errno.EMFILE: Outcome.local_fault,
    errno.ENFILE: Outcome.local_fault,
}


def outcome_of(error: OSError) -> Outcome:
    """What an OSError of a socket means. One that is not in the table is ours: unknown is not no."""
    return _OUTCOMES.get(error.errno or 0, Outcome.local_fault)


def name_of(error: OSError) -> str | None:
    """The symbolic name of an OSError's number, e.g. ECONNREFUSED."""
    return errno.errorcode.get(error.errno or 0)


def text_of(error: OSError) -> str:
    """The system's text for an OSError's number, the same whichever event loop raised it."""
    return os.strerror(error.errno) if error.errno else str(error)
