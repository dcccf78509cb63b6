"""How Airflow's processes wait for one another at their SQLite file; small, since each of them imports it."""

from __future__ import annotations

from collections.abc import Mapping

#: For ``[database] sql_alchemy_connect_args``: seconds to wait while another process writes. After the 5 that
#: are Python's default, a scheduler on a busy machine would end with "database is locked".
CONNECT: Mapping[str, float] = {"timeout": 60.0}
