"""
A copy of the project for the mutants, so that no other process imports them.

mutmut leaves decorated classes and properties alone, and most of our decisions stand in frozen
dataclasses. So the copy writes both decorators as the calls that they are:

    @property                          def _get_is_certain(self): …
    def is_open(self): …      →     is_certain = property(_get_is_certain)
"""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PACKAGE = "liveperson_connector"

_PACKAGE = PROJECT / "layers" / "connector" / PACKAGE
_PARTS = (
    "benchmarks",
    "console",
    "docs",
    "functions",
    "sandbox",
    "simulator",
    "tests",
    "tools",
    "template.yaml",
)
_IGNORED = shutil.ignore_patterns("__pycache__", ".*")


def copy_project(folder: Path) -> None:
    """
    Copy what the unit tests need into ``folder``, the package below ``src``.

    Over an older copy only modules that have changed are written, so that mutmut knows them.
    """
    for part in _PARTS:
        source = PROJECT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=_IGNORED, dirs_exist_ok=True)
        else:
            shutil.copy2(source, folder / part)
    shutil.copy2(Path(__file__).with_name("mutmut.toml"), folder / "pyproject.toml")
    for source in _PACKAGE.rglob("*"):
        if source.suffix in {".py", ".json"}:
            target = folder / "src" / PACKAGE / source.relative_to(_PACKAGE)
            _write(target, source.read_text(encoding="utf-8"))


def _write(target: Path, text: str) -> None:
    written = undecorated(text) if target.suffix == ".py" else text
    if not target.exists() or target.read_text(encoding="utf-8") != written:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(written, encoding="utf-8")


def undecorated(source: str) -> str:
    """Write every decorated class and every property without their decorators."""
    lines = source.splitlines()
    for node in _from_the_end(ast.parse(source)):
        [decorator] = node.decorator_list
        indent = " " * node.col_offset
        called, name = ast.unparse(decorator), node.name
        own = name
        if isinstance(node, ast.FunctionDef):
            own = f"_get_{name}"
            lines[node.lineno - 1] = lines[node.lineno - 1].replace(f"def {name}", f"def {own}", 1)
        lines.insert(node.end_lineno or node.lineno, f"\n{indent}{name} = {called}({own})\n")
        for number in range(decorator.lineno, node.lineno):
            lines[number - 1] = ""
    return "\n".join(lines) + "\n"


def _from_the_end(tree: ast.Module) -> list[ast.FunctionDef | ast.ClassDef]:
    found: list[ast.FunctionDef | ast.ClassDef] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            found += [node] if len(node.decorator_list) == 1 else []
            found += [
                each
                for each in node.body
                if isinstance(each, ast.FunctionDef)
                and [ast.unparse(one) for one in each.decorator_list] == ["property"]
            ]
    # What ends later first, and of a class and its last method the class.
    return sorted(found, key=lambda node: (node.end_lineno or 0, -node.lineno), reverse=True)
