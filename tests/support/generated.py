"""
Clients generated from ``docs/openapi.yaml``, as a channel's engineer would do it.

The Python ones are made by tools of ``requirements/dev.in``. The TypeScript one needs Node.js; what
``tests/support/typescript`` names is installed once, beside those tools.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.support import npm
from tools.template import PROJECT

DESCRIPTION = PROJECT / "docs" / "openapi.yaml"
TYPESCRIPT = Path(__file__).with_name("typescript")


def python_client(folder: Path) -> ModuleType:
    """Generate a package with ``openapi-python-client``, which must leave nothing out."""
    said = npm.run(
        *(npm.BIN / "openapi-python-client", "generate", "--path", DESCRIPTION),
        *("--meta", "none", "--output-path", folder / "channel_client"),
    )
    assert "Warning" not in said, said
    sys.path.insert(0, str(folder))
    try:
        for name in ("models", "api.consumer_events.accept_consumer_event"):
            importlib.import_module(f"channel_client.{name}")
        return importlib.import_module("channel_client")
    finally:
        sys.path.remove(str(folder))


def pydantic_models(folder: Path) -> ModuleType:
    """Generate models with ``datamodel-code-generator``."""
    file = folder / "channel_models.py"
    npm.run(
        *(npm.BIN / "datamodel-codegen", "--input", DESCRIPTION, "--input-file-type", "openapi"),
        *("--output-model-type", "pydantic_v2.BaseModel", "--formatters", "builtin"),
        *("--output", file),
    )
    spec = importlib.util.spec_from_file_location("channel_models", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["channel_models"] = module  # where the models look their annotations up
    spec.loader.exec_module(module)
    return module


class TypeScript:
    """A program with the types that ``openapi-typescript`` makes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tools = npm.installed(TYPESCRIPT)
        for each in TYPESCRIPT.glob("*.*"):
            shutil.copy(each, folder)
        (folder / "node_modules").symlink_to(self._tools)
        self._node("openapi-typescript/bin/cli.js", DESCRIPTION, "-o", folder / "api.d.ts")

    def write(self, constants: Mapping[str, tuple[str, Any]]) -> None:
        """Write ``data.ts``: constants by name, each with its type and its value."""
        lines = [
            'import type { components } from "./api.js";',
            'type Schemas = components["schemas"];',
            *(
                f"export const {name}: {kind} = {json.dumps(value)};"
                for name, (kind, value) in constants.items()
            ),
        ]
        (self._folder / "data.ts").write_text("\n".join(lines), encoding="utf-8")

    def compile(self) -> None:
        """Compile everything, in the compiler's strictest mode."""
        self._node("typescript/bin/tsc", "--project", self._folder)

    def run(self, program: str) -> Any:
        """Run a compiled program, and read the JSON that it prints."""
        return json.loads(npm.run("node", self._folder / "out" / f"{program}.js"))

    def _node(self, program: str, *arguments: str | Path) -> None:
        npm.run("node", self._tools / program, *arguments)


def compiled(program: Path, folder: Path) -> Path:
    """Compile one program that stands alone into ``folder``, in the compiler's strictest mode."""
    shutil.copy(program, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "node_modules").symlink_to(npm.installed(TYPESCRIPT))
    settings = json.loads((TYPESCRIPT / "tsconfig.json").read_text())
    settings["compilerOptions"]["types"] = ["node"]
    (folder / "tsconfig.json").write_text(json.dumps(settings))
    npm.run("node", folder / "node_modules/typescript/bin/tsc", "--project", folder)
    return folder / "out" / f"{program.stem}.js"


def why_no_typescript() -> str:
    """Say why there is no TypeScript here; empty if there is."""
    return npm.why_not(TYPESCRIPT)
