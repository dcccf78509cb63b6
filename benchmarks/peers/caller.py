"""
Calls a vendor as often as it is let, one request at a time, until its standard input ends.

usage: python -m benchmarks.peers.caller JSON

JSON has ``url`` of a MyBPM, and ``extra`` of the connection. A line is printed after the first call, and at
the end the number of calls and of those that failed.
"""

from __future__ import annotations

import json
import logging
import select
import sys

from airflow_provider_workflows.exceptions import WorkflowError
from airflow_provider_workflows.mybpm.hooks import MyBPMHook
from benchmarks.peers.ours import CONNECTION, connect
from benchmarks.peers.work import WORKS


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    given = json.loads(sys.argv[1])
    connect(WORKS["mybpm"], given["url"], **given["extra"])
    hook = MyBPMHook(CONNECTION)
    calls = failed = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        try:
            hook.load_structure("CUSTOMER")
        except WorkflowError as error:
            print(error, file=sys.stderr)
            failed += 1
        calls += 1
        if calls == 1:
            print("calling", flush=True)
    print(json.dumps({"calls": calls, "failed": failed}), flush=True)


if __name__ == "__main__":
    main()
