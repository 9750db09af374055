"""A format that cannot hold a run, and why."""


class RefusedError(Exception):
    """A run that cannot be exported to a format; its text is the reason, without a full stop."""
