"""Tasks that fail under the ready retry policy; with which fault, the test decides."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, task

from airflow_provider_workflows.exceptions import OutcomeUnknown
from airflow_provider_workflows.omflow import OMFlowOpenOrderOperator
from airflow_provider_workflows.retry_policy import WorkflowRetryPolicy

FORM = {"FORMITM_1": "in trouble"}
BY_POLICY = {
    "retries": 3,
    # Would bring a retry at once, if the policy were not asked.
    "retry_delay": timedelta(seconds=0),
    "retry_policy": WorkflowRetryPolicy(first_delay=timedelta(seconds=5)),
}

with DAG("policy_throttled", schedule=None, catchup=False, default_args=BY_POLICY):
    OMFlowOpenOrderOperator.partial(task_id="open", form_data=FORM).expand(api_path=["simple"])

with DAG("policy_unavailable", schedule=None, catchup=False, default_args=BY_POLICY):
    OMFlowOpenOrderOperator(task_id="open", api_path="simple", form_data=FORM, omflow_conn_id="omflow_old")

with DAG("policy_lost_answer", schedule=None, catchup=False, default_args=BY_POLICY):
    OMFlowOpenOrderOperator(task_id="open", api_path="simple", form_data=FORM)

    @task
    def open_by_hand() -> object:
        """Open an order as a user's own function may, and put the doubt in its own words."""
        from airflow_provider_workflows.omflow import OMFlowHook

        try:
            return OMFlowHook().open_order("simple", FORM)
        except OutcomeUnknown as doubt:
            raise RuntimeError("could not open the order") from doubt

    open_by_hand()
