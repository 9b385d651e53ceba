"""Whether a limit fired in time: if our loop stood still, nobody was there to listen, and silence says nothing."""

#: Later than this, and than a tenth of the limit, is late.
LATE_S = 0.1


def is_late(elapsed_s: float, limit_s: float) -> bool:
    """True if a limit fired so long after its time that it says nothing about a server."""
    return elapsed_s - limit_s > max(LATE_S, limit_s / 10)
