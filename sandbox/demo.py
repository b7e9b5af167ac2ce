"""`python -m sandbox demo`: one conversation through the whole system."""

from rich.console import Console

from sandbox.system import Options


def demo(options: Options, console: Console) -> int:
    """Tell the story."""
    raise NotImplementedError
