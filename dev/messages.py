"""
Every message of the package in one file, ``tests/data/messages.txt``, for a person to read in one go.

``make messages`` writes the file; a test fails if it is out of date, or if the first line of a message is too
long for Airflow's log page. The messages are found in the source: arguments of errors and log calls, and
every other text of several words, such as the constants and functions that messages are composed of.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from airflow_provider_workflows import exceptions

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "airflow_provider_workflows"
FILE = ROOT / "tests" / "data" / "messages.txt"
#: Airflow's log page cuts longer lines.
LONGEST_LINE = 130

ERRORS = {
    name for name, one in vars(exceptions).items() if isinstance(one, type) and issubclass(one, Exception)
}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
#: Own helpers that make an error or a log line of their arguments.
HELPERS = {"wrong": "InvalidConnection", "misstated": "InvalidConnection", "_warn": "warning"}
#: Calls whose texts are not messages: fields and descriptions of connection forms, metrics, pytest options.
OTHER_TEXTS = {"Field", "ConnectionForm", "UiLink", "Metric", "Counter", "Timer", "addini", "provider_info"}
#: Keyword arguments whose values are names, not messages.
NAMES = {"operation", "mode", "name", "method"}
#: Not imported at run time by users, or without messages of its own.
LEFT_OUT = ("sandbox/", "testing.py", "pytest_plugin.py")


@dataclass(frozen=True)
class Message:
    """
    A message in the source.

    :param label: the error class or log level; "text" for a part of messages, or text used elsewhere
    :param text: the message, with placeholders such as ``{name}``
    """

    module: str
    line: int
    label: str
    text: str

    @property
    def first_line(self) -> str:
        """The line that Airflow's log page shows."""
        return self.text.partition("\n")[0]


@functools.cache
def messages() -> tuple[Message, ...]:
    """Return all messages of the package, in the order of the source."""
    modules = sorted(path for path in PACKAGE.rglob("*.py") if not _is_left_out(path))
    return tuple(message for path in modules for message in in_source(path.read_text(), _module(path)))


def in_source(source: str, module: str) -> list[Message]:
    """Return the messages in the source of a module."""
    tree = ast.parse(source)
    reader = _Reader(tree)
    return [Message(module, line, label, text) for line, label, text in reader.read()]


def as_text(found: Sequence[Message]) -> str:
    """Return messages as the content of the file."""
    lines = [
        "# Every message of the package, by module. Made by `make messages`; do not edit.",
        f"# Airflow's log page shows about {LONGEST_LINE} characters of the first line of a message.",
    ]
    module = ""
    for one in found:
        if one.module != module:
            module = one.module
            lines += ["", f"== {module}"]
        first, *rest = one.text.split("\n")
        lines += [f"{one.label}: {first}", *(f"    {line}" for line in rest)]
    return "\n".join(lines) + "\n"


class _Reader:
    """Finds the texts in one module and what is made of them."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        self._constants = dict(_constants(tree))

    def read(self) -> Iterator[tuple[int, str, str]]:
        found = []
        for node in ast.walk(self._tree):
            if isinstance(node, (ast.Constant, ast.JoinedStr)) and self._is_whole_text(node):
                label, text = self._label(node), self._text(node)
                # An empty text is one half of a choice, and a role of Sphinx's stands only in docstrings.
                if not text.strip(" ,") or ":meth:" in text:
                    continue
                if label is not None and (label != "text" or _is_prose(text)):
                    found.append((node.lineno, node.col_offset, label, self._with_arguments(node, text)))
        return ((line, label, text) for line, _, label, text in sorted(found))

    def _is_whole_text(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Constant) and not isinstance(node.value, str):
            return False
        parent = self._parents[node]
        if isinstance(parent, (ast.JoinedStr, ast.FormattedValue, ast.Attribute, ast.Dict, ast.Compare)):
            return isinstance(parent, ast.Dict) and node in parent.values
        # A docstring, or a type that is quoted.
        return not isinstance(parent, (ast.Expr, ast.arg, ast.AnnAssign)) or (
            isinstance(parent, ast.AnnAssign) and parent.value is node
        )

    def _label(self, node: ast.expr) -> str | None:
        """Return the label of a text; None for a text that is not a message."""
        label = "text"
        child: ast.AST = node
        while (parent := self._parents.get(child)) is not None and not isinstance(parent, ast.stmt):
            if isinstance(parent, ast.Subscript) or (isinstance(parent, ast.keyword) and parent.arg in NAMES):
                return None
            if isinstance(parent, ast.Call):
                name, keyword = _name(parent.func), isinstance(child, ast.keyword)
                if name in OTHER_TEXTS or (name in HELPERS and child is not parent.args[-1]):
                    return None
                if not keyword and label == "text":
                    label = self._label_of_call(parent, name, child)
            if isinstance(parent, ast.Tuple) and label == "text":
                label = next((name for one in parent.elts if (name := _name(one)) in ERRORS), label)
            child = parent
        return label

    def _label_of_call(self, call: ast.Call, name: str, child: ast.AST) -> str:
        kinds = [kind for one in call.args if (kind := _name(one)) in ERRORS]
        if name in ERRORS:
            return name
        if name in ("failure", "with_message", "error") and kinds:
            return kinds[0]
        if name in ("failure", "with_message") or (
            name == "error" and len(call.args) > 1 and child is not call.args[0]
        ):
            return "error"
        if name in HELPERS:
            return HELPERS[name]
        if name in LEVELS and "log" in ast.unparse(call.func):
            return "error log" if name == "error" else name
        if name == "log" and "log" in ast.unparse(call.func):
            return "log"
        if name in ("fail", "retry") and "Decision" in ast.unparse(call.func):
            return "retry decision"
        return "text"

    def _text(self, node: ast.expr) -> str:
        if isinstance(node, ast.Constant):
            return str(node.value)
        assert isinstance(node, ast.JoinedStr)
        return "".join(self._part(value) for value in node.values)

    def _part(self, value: ast.expr) -> str:
        if isinstance(value, ast.Constant):
            return str(value.value)
        assert isinstance(value, ast.FormattedValue)
        if isinstance(value.value, ast.Name) and value.value.id in self._constants:
            return self._constants[value.value.id]
        return f"{{{_shown(value.value)}}}"

    def _with_arguments(self, node: ast.expr, text: str) -> str:
        """Put the arguments of a log call in the place of ``%s``."""
        call = self._parents[node]
        if not isinstance(call, ast.Call) or node not in call.args or "%" not in text:
            return text
        arguments = [f"{{{_shown(one)}}}" for one in call.args[call.args.index(node) + 1 :]]
        return re.sub(r"%[-.\d]*[sdrf]", lambda _: arguments.pop(0) if arguments else "{}", text)


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value.value


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _shown(node: ast.expr) -> str:
    """Return a short name for the value of a placeholder."""
    if isinstance(node, ast.Call):
        inner = [*node.args, *(one.value for one in node.keywords)]
        known = _name(node.func)
        return (
            _shown(inner[0]) if inner and known in ("join", "map", "sorted", "type", "str", "set") else known
        )
    if isinstance(node, (ast.GeneratorExp, ast.ListComp)):
        return _shown(node.generators[0].iter)
    if isinstance(node, (ast.BoolOp, ast.BinOp)):
        return _shown(node.values[0] if isinstance(node, ast.BoolOp) else node.left)
    if isinstance(node, ast.IfExp):
        return _shown(node.body)
    if isinstance(node, ast.Subscript):
        return _shown(node.value)
    return _name(node) or "…"


def _is_prose(text: str) -> bool:
    words = text.split()
    return len(words) > 2 and sum(word.strip("{},.:;'\"()").isalpha() for word in words) > 1


def _is_left_out(path: Path) -> bool:
    return str(path.relative_to(PACKAGE)).startswith(LEFT_OUT)


def _module(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


if __name__ == "__main__":
    FILE.write_text(as_text(messages()), encoding="utf-8")
