"""
Pigeon Post, a made-up vendor: send a letter, wait for its arrival.

It is what a vendor takes and nothing more. As it is, it is a distribution of its own; its folder may as well
stand among the vendors of ``airflow_provider_workflows``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_workflows.core.lazy import lazy_exports

__version__ = "1.0.0"
__all__ = [
    "PigeonArrivalManySensor",
    "PigeonArrivalSensor",
    "PigeonHook",
    "PigeonSendManyOperator",
    "PigeonSendNotifier",
    "PigeonSendOperator",
    "pigeon_letters",
]

if TYPE_CHECKING:
    from .events import pigeon_letters
    from .hooks import PigeonHook
    from .many import PigeonArrivalManySensor, PigeonSendManyOperator
    from .notifications import PigeonSendNotifier
    from .operators import PigeonSendOperator
    from .sensors import PigeonArrivalSensor
else:
    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "events": ["pigeon_letters"],
            "hooks": ["PigeonHook"],
            "many": ["PigeonArrivalManySensor", "PigeonSendManyOperator"],
            "notifications": ["PigeonSendNotifier"],
            "operators": ["PigeonSendOperator"],
            "sensors": ["PigeonArrivalSensor"],
        },
    )
