"""What can go wrong while the sandbox starts, said so that a person knows what to do next."""


class SandboxError(Exception):
    """
    The sandbox cannot go on.

    `hint` says what would help, and `details` carries the last lines of whatever failed.
    """

    def __init__(self, problem: str, *, hint: str = "", details: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint
        self.details = details


class PortTaken(SandboxError):
    """Something else listens on the port that was asked for."""


class FolderTaken(SandboxError):
    """Another sandbox that is still running owns this folder."""


class EmulatorFailed(SandboxError):
    """The AWS emulator did not start, or stopped by itself."""


class CommandFailed(SandboxError):
    """A tool the sandbox runs (sam, pip) ended with an error."""
