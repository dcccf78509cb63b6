"""
Runs ``dag.test()`` of a DAG of the matrix, and prints the run's id.

usage: python -m tests.system.chaos.dag_test_process DAG_ID TAG
"""

from __future__ import annotations

import sys

from airflow.configuration import conf
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG


def main() -> int:
    dag_id, tag = sys.argv[1:]
    dag = DagBag(conf.get_mandatory_value("core", "dags_folder")).dags[dag_id]
    assert isinstance(dag, DAG)
    run = dag.test(run_conf={"tag": tag})
    print(f"{tag}: {run.run_id}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
