"""What can go wrong with `mxscan send` before anything is sent, and after."""


class RequestError(Exception):
    """What was typed, or a file that was named, can't be used: which, where, and what to do, in one line."""


class SaveError(Exception):
    """A sending that was made and could not be kept: what, and why."""
