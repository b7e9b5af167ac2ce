"""The memory of each function once it has answered, in a container of its own."""

from __future__ import annotations

from .cold_starts import CLIENTS, CONVERSATIONS, environment, floor_name, floor_of, started
from .container import Container, container
from .measuring import OURS, Row, Section, take_turns
from .world import world

TITLE = "Memory"
MOST = 1.2

_ABOUT = """
The most memory that a process ever had resident (`VmHWM`), as it reads it at its end: our function
imported, built, and one event answered; the floor with boto3, the clients that this function needs,
requests and PyJWT where it calls out, and no call made. Both are new processes each time, with the
very layer that is deployed and boto3 compiled as in Lambda's runtime.
"""


def measure(rounds: int) -> list[Section]:
    """Let every function answer once, taking turns with its floor."""
    with container() as built, world(CONVERSATIONS) as around:
        rows = [_row(built, around.url, function, rounds) for function in CLIENTS]
    return [Section(TITLE, _ABOUT, rows)]


def _row(built: Container, url: str, function: str, rounds: int) -> Row:
    floor, program = floor_name(function), floor_of(function)
    taken = take_turns(
        {
            OURS: lambda: started(built, url, function).peak_mb,
            floor: lambda: built.run(program, environment(url)).peak_mb,
        },
        rounds,
    )
    what = f"{function}, memory at most"
    return Row(TITLE, what, "MB", taken[OURS], floor, taken[floor], most=MOST)
