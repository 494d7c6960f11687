"""Which cells of a notebook must run before others can: sources come in, indices go out.

A cell is needed for the names that it binds, for what it changes in place (an attribute, an item, a method
called for its effect) and for the model that it trains.
"""

import ast
from collections.abc import Iterable


def needed_cells(sources: list[str], wanted: Iterable[int]) -> list[int]:
    """The wanted cells and those that they need, in order."""
    chosen, missing = set(wanted), set()
    for index in reversed(range(len(sources))):
        tree = ast.parse(sources[index])
        bound, changed = _bound(tree), _changed(tree)
        if index not in chosen and not (bound | changed) & missing:
            continue
        chosen.add(index)
        missing = (missing - bound) | _read(tree)
    return sorted(chosen)


def _read(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _bound(tree: ast.AST) -> set[str]:
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
    return names


def _changed(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            names.add(_base(node))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            names.add(_base(node.value.func))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("train"):
            names.add(_base(node.args[0]))
    return names - {"print"}


def _base(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
