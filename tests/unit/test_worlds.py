"""The three worlds of the design, held apart by their imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import mltk

ROOT = Path(mltk.__file__).parent
LEARNING = ("problems", "data", "gate", "steps", "tfjs", "registry", "deploy")
TEKTON = ("tekton", "local", "cluster", "apiserver", "listener", "interceptors", "queueing")


def test_learning_never_reaches_tekton(graph: dict[str, set[str]]) -> None:
    assert _crossings(graph, LEARNING, TEKTON) == []


def test_tekton_never_reaches_learning_or_projects(graph: dict[str, set[str]]) -> None:
    assert _crossings(graph, TEKTON, (*LEARNING, "project")) == []


def test_only_the_command_line_stands_above_all(graph: dict[str, set[str]]) -> None:
    assert _crossings(graph, (*LEARNING, *TEKTON, "project"), ("cli",)) == []


def test_the_meaning_of_tekton_is_pure() -> None:
    impure = {"os", "subprocess", "socket", "sqlite3", "time", "random", "pathlib", "shutil"}
    found = {
        f"{path.name}: {module}"
        for path in (ROOT / "tekton").rglob("*.py")
        for module in _imports(path)
        if module.split(".")[0] in impure
    }
    assert not found


def test_modules_do_not_import_one_another_in_circles() -> None:
    files = {_module(path): path for path in ROOT.rglob("*.py")}
    graph = {
        name: {found for found in _imports(path, types=False) if found in files} - {name}
        for name, path in files.items()
        if path.name != "__init__.py"
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    """Every module of mltk with the modules of mltk that it imports, wherever in the file."""
    files = {_module(path): path for path in ROOT.rglob("*.py")}
    return {
        name: {found for found in _imports(path) if found in files} for name, path in files.items()
    }


def _crossings(
    graph: dict[str, set[str]], rooms: tuple[str, ...], forbidden: tuple[str, ...]
) -> list[str]:
    """Paths of imports from a room to a forbidden one, as text."""
    return [
        " -> ".join(path)
        for start in graph
        if _room(start) in rooms
        for path in _paths(graph, start)
        if _room(path[-1]) in forbidden
    ]


def _paths(graph: dict[str, set[str]], start: str) -> Iterator[list[str]]:
    seen, queue = {start}, [[start]]
    while queue:
        path = queue.pop()
        for following in sorted(graph[path[-1]] - seen):
            seen.add(following)
            queue.append([*path, following])
            yield [*path, following]


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path, *, types: bool = True) -> Iterator[str]:
    """What a file imports, wherever it does; without `types` not what only annotations need."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unused = set() if types else set(_only_for_types(tree))
    for node in ast.walk(tree):
        if node in unused:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _only_for_types(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from ast.walk(node)
