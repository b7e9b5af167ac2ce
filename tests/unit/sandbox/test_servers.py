"""No server of the sandbox answers a web page."""

import ast
from collections.abc import Iterator
from pathlib import Path

import sandbox
import simulator

OWN_SOCKETS = {
    "simulator/http_server.py": "the one base, whose tests are in simulator/tests",
    "sandbox/sam_local/gate.py": "asks for a secret word before the first byte is passed on",
    "sandbox/sam_local/loopback.py": "runs in containers alone, whose loopback no browser has",
}


def test_every_server_is_the_guarded_base() -> None:
    """No other module listens, and none takes the guard away, but for a reason."""
    found = {name for name, tree in modules() if listens(tree)}

    assert found == set(OWN_SOCKETS)


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package in (sandbox, simulator):
        folder = Path(package.__path__[0])
        for file in folder.rglob("*.py"):
            if "tests" not in file.parts:
                yield str(file.relative_to(folder.parent)), ast.parse(file.read_text())


def listens(tree: ast.Module) -> bool:
    """Whether a module imports a way to listen, or builds a server without its guard."""
    for node in ast.walk(tree):
        names = {each.name for each in node.names} if isinstance(node, ast.Import) else set()
        module = node.module if isinstance(node, ast.ImportFrom) else ""
        if {*names, module} & {"socketserver", "http.server"}:
            return True
        if isinstance(node, ast.keyword) and node.arg == "guard":
            return True
    return False
