"""Reads the structure of the package from its source: lengths, sizes, and how much of it is untyped."""

from __future__ import annotations

import ast
import math
import statistics
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dev.layout import ROOT

PACKAGE = ROOT / "airflow_provider_workflows"
CORE = PACKAGE / "core"

#: Comments and line ends are no code.
_NOT_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


@dataclass(frozen=True)
class Function:
    """One function or method; ``lines`` are those from ``def`` to its end, without its docstring."""

    name: str
    lines: int


@dataclass(frozen=True)
class Lengths:
    """How long functions are, in lines."""

    median: float
    percentile_90: int
    longest: Function


def modules(folder: Path = PACKAGE) -> list[Path]:
    """Return the modules below a folder."""
    return sorted(folder.rglob("*.py"))


def functions(folder: Path = PACKAGE) -> list[Function]:
    """Return all functions and methods below a folder."""
    return [function for path in modules(folder) for function in _functions(path)]


def lengths(folder: Path = PACKAGE) -> Lengths:
    """Return how long the functions below a folder are."""
    by_length = sorted(functions(folder), key=lambda function: function.lines)
    at_90 = by_length[math.ceil(0.9 * len(by_length)) - 1]
    return Lengths(statistics.median(one.lines for one in by_length), at_90.lines, by_length[-1])


def untyped(folder: Path = CORE) -> tuple[int, int]:
    """
    Return how often types are given up, and in how many lines of code.

    ``Any`` counts at each use, an alias of it at each use of the alias; so do ``cast`` and ``type: ignore``.
    """
    uses = lines = 0
    for path in modules(folder):
        tree, text = ast.parse(path.read_text()), path.read_text()
        given_up = {"Any", "cast"} | _aliases_of_any(tree)
        uses += sum(name in given_up for name in _names(tree)) + text.count("# type: ignore")
        lines += _code_lines(path)
    return uses, lines


def sizes(folder: Path = PACKAGE) -> dict[str, int]:
    """Return the lines of each module."""
    return {str(path.relative_to(PACKAGE)): len(path.read_text().splitlines()) for path in modules(folder)}


def rooms() -> dict[str, int]:
    """Return the modules of each folder of the core, without ``__init__.py``."""
    folders = [CORE, *(path for path in sorted(CORE.rglob("*")) if path.is_dir())]
    counted = {
        str(folder.relative_to(PACKAGE)): sum(path.name != "__init__.py" for path in folder.glob("*.py"))
        for folder in folders
    }
    return {folder: count for folder, count in counted.items() if count}


def _functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            has_docstring = ast.get_docstring(node) is not None
            docstring = (first.end_lineno or 0) - first.lineno + 1 if has_docstring else 0
            name = f"{path.relative_to(PACKAGE)}:{node.name}"
            yield Function(name, (node.end_lineno or 0) - node.lineno + 1 - docstring)


def _aliases_of_any(tree: ast.AST) -> set[str]:
    """Return the names that a module gives to ``Any``."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name(id="Any")):
                found.add(name)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Name(id="Any")):
                found.add(name)
            case ast.ImportFrom(names=names):
                found |= {one.asname for one in names if one.name in ("Any", "cast") and one.asname}
    return found


def _names(tree: ast.AST) -> Iterator[str]:
    """Return the names that code and annotations use, also those in quoted annotations."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute) and node.attr in ("Any", "cast"):
            yield node.attr


def _code_lines(path: Path) -> int:
    """Return the lines that hold code: neither blank nor comment nor docstring."""
    strings = _docstring_lines(ast.parse(path.read_text()))
    with path.open("rb") as file:
        tokens = [token for token in tokenize.tokenize(file.readline) if token.type not in _NOT_CODE]
    return len({line for one in tokens for line in range(one.start[0], one.end[0] + 1)} - strings)


def _docstring_lines(tree: ast.AST) -> set[int]:
    found: set[int] = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            found |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return found
