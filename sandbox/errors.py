"""Errors of the sandbox, each with what to do about it."""


class SandboxError(Exception):
    """
    The sandbox cannot go on.

    `hint` says what to do, and `details` has the last lines of the program that failed.
    """

    def __init__(self, problem: str, *, hint: str = "", details: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint
        self.details = details


class PortTaken(SandboxError):
    """Something else listens on the port that was asked for."""


class FolderTaken(SandboxError):
    """Another running sandbox owns this folder."""


class EmulatorFailed(SandboxError):
    """The AWS emulator did not start, or stopped by itself."""


class CommandFailed(SandboxError):
    """A tool the sandbox runs (sam, pip) ended with an error."""
