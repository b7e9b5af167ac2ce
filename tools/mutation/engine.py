"""
mutmut, without the mutants that only reword a sentence for people.

Started in the copy, where its configuration stands. A text with a space in it is an error's or a
log's wording; every other text is a name that some partner or table knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click
import libcst as cst
import pytest
from hypothesis import HealthCheck, settings
from mutmut.__main__ import cli, get_diff_for_mutant
from mutmut.mutation import mutators

Mutator = Callable[[Any], Iterable[cst.CSTNode]]


def _is_wording(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.SimpleString):
        return " " in node.value
    if isinstance(node, cst.FormattedString):
        texts = [each for each in node.parts if isinstance(each, cst.FormattedStringText)]
        return any(" " in each.value for each in texts)
    return isinstance(node, cst.ConcatenatedString) and (
        _is_wording(node.left) or _is_wording(node.right)
    )


def _names_only(node: cst.BaseString) -> Iterable[cst.CSTNode]:
    return () if _is_wording(node) else mutators.operator_string(node)


def _arguments(node: cst.Call) -> Iterable[cst.CSTNode]:
    for mutant in mutators.operator_arg_removal(node):
        pairs = zip(node.args, mutant.args, strict=False)
        changed = [before for before, after in pairs if before.value is not after.value]
        removed_none = len(mutant.args) == len(node.args)
        if not (removed_none and changed and _is_wording(changed[0].value)):
            yield mutant


_OURS: dict[Any, Mutator] = {
    mutators.operator_string: _names_only,
    mutators.operator_arg_removal: _arguments,
}

# Every mutant meets the same inputs. The tests run more than once in a process, as mutmut does it.
settings.register_profile(
    "mutants",
    deadline=None,
    max_examples=30,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.differing_executors],
)


def _prepare() -> None:
    operators: Any = mutators.mutation_operators
    operators[:] = [(kind, _OURS.get(operator, operator)) for kind, operator in operators]
    # This mutmut reads a test's name where pytest kept it before version 9.
    pytest.Item._nodeid = property(lambda item: item.nodeid)  # type: ignore[attr-defined]


@cli.command()
@click.argument("names", nargs=-1)
def changes(names: tuple[str, ...]) -> None:
    """Show what each mutant takes out and puts in."""
    for name in names:
        difference = get_diff_for_mutant(name).splitlines()[3:]
        told = [line for line in difference if line[:1] in {"+", "-"} and "__mutmut_" not in line]
        click.echo("\n    ".join([name, *told]))


if __name__ == "__main__":
    _prepare()
    cli()
