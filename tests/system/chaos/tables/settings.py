"""Numbers that a table's DAG and its cells share; a task imports this."""

from __future__ import annotations

#: Requests of a task that are under way at the same time.
CONCURRENCY = 8
#: Seconds after which a request is given up: longer than a busy machine takes, shorter than the slow answers.
TIMEOUT = 5.0
#: Behind the name of a lane whose tasks ask a person about what is in doubt.
ASKING = "_asking"
