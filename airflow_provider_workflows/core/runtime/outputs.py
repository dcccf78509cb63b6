"""What a task returns, as an argument of another task: ``task.output["key"]["key below"]``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow.sdk.definitions.xcom_arg import PlainXComArg

from airflow_provider_workflows.exceptions import InvalidInput

RETURNED = "return_value"


class Output(PlainXComArg):
    """
    A task's result, or a value in it.

    Airflow's own reads one key only: in ``task.output["outputs"]["total"]`` the second replaces the first.

    :param operator: the task
    :param key: of the XCom
    :param path: keys below it
    """

    def __init__(self, operator: Any, key: str = RETURNED, path: tuple[str, ...] = ()) -> None:
        super().__init__(operator, key)
        self.path = path

    def __getitem__(self, item: str) -> Output:
        """Return a value in it."""
        if not isinstance(item, str):
            raise ValueError(f"{self!r}: keys are text, not {type(item).__name__}")
        # Of a task with several outputs, each key of the result is an XCom.
        if self.key == RETURNED and not self.path and getattr(self.operator, "multiple_outputs", False):
            return Output(self.operator, item)
        return Output(self.operator, self.key, (*self.path, item))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Output) and self._parts == other._parts

    __hash__ = None

    def __reduce__(self) -> tuple[type[Output], tuple[Any, str, tuple[str, ...]]]:
        # The base class would copy only what it knows.
        return Output, (self.operator, self.key, self.path)

    def __repr__(self) -> str:
        return f"{super().__repr__()}{self._subscripts}"

    def __str__(self) -> str:
        """Return a template for it."""
        return f"{super().__str__().removesuffix(' }}')}{self._subscripts} }}}}"

    @property
    def _parts(self) -> tuple[object, ...]:
        return self.operator, self.key, self.path

    @property
    def _subscripts(self) -> str:
        return "".join(f"[{key!r}]" for key in self.path)

    def iter_references(self) -> Iterator[tuple[Any, str]]:
        """Return the task; with a key that tells ``expand`` that this is not all that it returns."""
        yield self.operator, ".".join((self.key, *self.path))

    def map(self, f: Any) -> Any:
        """Refuse what Airflow cannot do, as for other keys."""
        self._refuse_parts()
        return super().map(f)

    def zip(self, *others: Any, **how: Any) -> Any:
        """Refuse what Airflow cannot do, as for other keys."""
        self._refuse_parts()
        return super().zip(*others, **how)

    def concat(self, *others: Any) -> Any:
        """Refuse what Airflow cannot do, as for other keys."""
        self._refuse_parts()
        return super().concat(*others)

    def _refuse_parts(self) -> None:
        if self.path:
            raise ValueError(f"{self!r}: map, zip and concat take all that a task returns, not a part of it")

    def resolve(self, context: Mapping[str, Any]) -> Any:
        """
        Return the value; None if the task left nothing, as when it was skipped.

        :raises InvalidInput: the task's result has no such key
        """
        value = super().resolve(context)
        for depth, key in enumerate(self.path):
            if value is None:
                return None
            if not isinstance(value, Mapping) or key not in value:
                raise InvalidInput(self._missing(value, depth))
            value = value[key]
        return value

    def _missing(self, value: object, depth: int) -> str:
        asked = Output(self.operator, self.key, self.path[: depth + 1])
        names = ", ".join(map(repr, _names(value))) or "none"
        return f"There is no {asked!r}\nKeys there: {names}"


def _names(value: object) -> Sequence[str]:
    """Return the keys of a mapping, the first ones of many."""
    return list(map(str, value))[:20] if isinstance(value, Mapping) else ()
