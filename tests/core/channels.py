"""What Airflow's channels refuse: XCom, a trigger's event, the state store and an asset event."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import msgspec
from airflow.triggers.base import TriggerEvent
from pydantic import JsonValue, TypeAdapter

from tests.core.airflow_names import deserialize, serialize

comms = import_module("airflow.sdk.execution_time.comms")
_JSON: TypeAdapter[Any] = TypeAdapter(JsonValue)


def carried(value: Any) -> Any:
    """
    Return a value as it is behind Airflow's channels.

    Between a task or trigger and its supervisor it goes as MessagePack, whose integers have 64 bits and whose
    text is UTF-8. To the API server it goes as JSON without NaN. Serialization refuses some keys, and
    PostgreSQL's JSONB the character NUL.
    """
    clean = serialize(value)
    frame = comms._RequestFrame(id=1, body={"value": TriggerEvent(clean).model_dump()["payload"]})  # type: ignore[no-untyped-call]
    arrived = msgspec.msgpack.decode(frame.as_bytes()[4:])[1]["value"]
    text = json.dumps(_JSON.validate_python(arrived), allow_nan=False, ensure_ascii=False)
    text.encode()
    _without_nul(arrived)
    return deserialize(json.loads(text))


def _without_nul(value: Any) -> None:
    match value:
        case str():
            assert "\0" not in value, "PostgreSQL refuses NUL"
        case dict():
            for key, one in value.items():
                _without_nul(key)
                _without_nul(one)
        case list():
            for one in value:
                _without_nul(one)
