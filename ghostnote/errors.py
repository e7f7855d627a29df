"""Errors whose message is one clear line: what was asked, what was found, what to do.

Every error of ours derives from `GhostnoteError` and from the matching builtin, so callers may catch either. The
command line prints `str(error)` and exits with 2; no other part of the program needs to know how errors are shown.
"""


class GhostnoteError(Exception):
    """Something a user can understand and act on."""


class InputError(GhostnoteError, ValueError):
    """A value, name or file content that a user gave is not valid."""


class MissingError(GhostnoteError, FileNotFoundError):
    """A file, device, port or optional package that was requested does not exist."""


class BundleError(GhostnoteError, ValueError):
    """A model bundle is incomplete, corrupt, not one of ours, or newer than this program."""
