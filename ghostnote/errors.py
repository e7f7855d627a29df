"""Errors whose message is one clear line: what was asked, what was found, what to do.

Every error of ours derives from `GhostnoteError` and from the fitting builtin, so callers may catch either. The
command line prints `str(error)` and exits 2; nothing else of the program needs to know how errors are shown.
"""


class GhostnoteError(Exception):
    """Something a user can understand and act on."""


class InputError(GhostnoteError, ValueError):
    """A value, name or file content that a user gave does not fit."""


class MissingError(GhostnoteError, FileNotFoundError):
    """A file, device, port or optional package that was asked for is not there."""


class BundleError(GhostnoteError, ValueError):
    """A model bundle is missing parts, corrupt, foreign, or newer than this program."""
