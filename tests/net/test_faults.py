"""The one table of errors: what each says about a server, and what is ours."""

import errno
import os

import pytest

from scanner.net.faults import name_of, outcome_of, text_of
from scanner.outcomes import Outcome

TABLE = [
    (errno.ECONNREFUSED, Outcome.refused, "ECONNREFUSED"),
    (errno.EHOSTUNREACH, Outcome.unreachable, "EHOSTUNREACH"),
    (errno.EHOSTDOWN, Outcome.unreachable, "EHOSTDOWN"),
    (errno.ETIMEDOUT, Outcome.timed_out, "ETIMEDOUT"),
    (errno.ECONNRESET, Outcome.reset, "ECONNRESET"),
    (errno.ECONNABORTED, Outcome.reset, "ECONNABORTED"),
    (errno.EPIPE, Outcome.reset, "EPIPE"),
    (errno.ENETUNREACH, Outcome.local_fault, "ENETUNREACH"),
    (errno.ENETDOWN, Outcome.local_fault, "ENETDOWN"),
    (errno.EACCES, Outcome.local_fault, "EACCES"),
    (errno.EPERM, Outcome.local_fault, "EPERM"),
    (errno.EINVAL, Outcome.local_fault, "EINVAL"),
    (errno.EADDRNOTAVAIL, Outcome.local_fault, "EADDRNOTAVAIL"),
    (errno.EADDRINUSE, Outcome.local_fault, "EADDRINUSE"),
    (errno.EMFILE, Outcome.local_fault, "EMFILE"),
    (errno.ENFILE, Outcome.local_fault, "ENFILE"),
    (errno.ENOBUFS, Outcome.local_fault, "ENOBUFS"),
    (errno.ENOMEM, Outcome.local_fault, "ENOMEM"),
    (errno.EIO, Outcome.local_fault, "EIO"),
]


@pytest.mark.parametrize(("number", "outcome", "name"), TABLE, ids=[row[2] for row in TABLE])
def test_an_error_has_one_meaning_whatever_its_text(number: int, outcome: Outcome, name: str) -> None:
    error = OSError(number, "in the words of some event loop")
    assert (outcome_of(error), name_of(error), text_of(error)) == (outcome, name, os.strerror(number))


def test_an_error_without_a_number_is_ours() -> None:
    error = OSError("no number")
    assert (outcome_of(error), name_of(error), text_of(error)) == (Outcome.local_fault, None, "no number")


def test_a_number_that_nobody_knows_is_ours() -> None:
    assert outcome_of(OSError(99999, "")) is Outcome.local_fault
    assert name_of(OSError(99999, "")) is None
