"""Opening a case once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.base.decision import CannotKnow, Run, RunState, Trace
from airflow_provider_workflows.base.effect import Start
from airflow_provider_workflows.blizwork.answer import ResultCode
from airflow_provider_workflows.blizwork.conditions import CaseClosed
from airflow_provider_workflows.blizwork.values import adopted_case
from airflow_provider_workflows.protocol.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from airflow_provider_workflows.base.record import Record
    from airflow_provider_workflows.blizwork.hook import BlizWorkHook


class CaseStart(Start):
    """
    The opening of one case.

    :param workflow_id: slug of the process
    :param exec_user_id: as in the hook's ``init_case``
    :param company_id: likewise
    :param end_marks: how the case's end is told, as arguments of
        :class:`~airflow_provider_workflows.blizwork.conditions.CaseClosed`
    """

    hook: BlizWorkHook

    def __init__(
        self,
        hook: BlizWorkHook,
        workflow_id: str,
        *,
        exec_user_id: str | None,
        company_id: str | None,
        end_marks: Mapping[str, Any],
    ) -> None:
        super().__init__(hook)
        self.payload = {"workflow_id": workflow_id, "exec_user_id": exec_user_id, "company_id": company_id}
        self.subject = f"a case of BlizWork process {workflow_id}"
        self.hint = f"a case of the process {workflow_id!r} in BlizWork's list of cases"
        self._workflow_id = workflow_id
        self._end_marks = end_marks

    def submit(self, record: Record, *, again: bool) -> int:
        """Open it, and return its number."""
        return self.hook.init_case(**self.payload)

    def look_up(self, record: Record) -> Trace:
        """An opening takes no values, and no filter of the list of cases is documented."""
        return CannotKnow("BlizWork takes no mark when it opens a case, so that none can be told from others")

    def state(self, id: int) -> RunState:
        """
        Return how the case stands; only if its number is not known is it gone.

        Reading names no organisation, so what the connection's shows says nothing of another's case.

        :raises WorkflowError: BlizWork does not say, as of a process that is switched off
        """
        company, own = self._companies()
        try:
            case = self.hook.load_case(self._workflow_id, id)
        except NotFound as error:
            if error.code != ResultCode.CASE_UNKNOWN:
                raise
            return RunState(Run.GONE if company == own else Run.UNKNOWN, error.message)
        if not case.is_meant(self._workflow_id, id, company_id=company, reader=own):
            return RunState(Run.UNKNOWN, "BlizWork shows a case of another organisation or process")
        closed = case.is_closed(**self._end_marks)
        return RunState(Run.SUCCEEDED if closed else Run.ALIVE, f"{case.pending!r} is pending")

    def end(self, id: int) -> CaseClosed:
        """Return the condition of its end."""
        return CaseClosed(workflow_id=self._workflow_id, case_number=id, **self._end_marks)

    def check_wait(self) -> None:
        """
        Check that its end can be waited for.

        :raises InvalidInput: it is opened in another organisation than the connection's
        """
        company, own = self._companies()
        if company != own:
            raise InvalidInput(
                f"wait_for_completion: reading a case names no organisation, so that of {company!r} the end "
                "cannot be told by a connection of another one. Nothing is sent; wait with a sensor whose "
                "connection is of that organisation"
            )

    def adopt(self, id: Any) -> int:
        """Return the number that a person has written, with or without the process before it."""
        return adopted_case(id, self._workflow_id)

    def _companies(self) -> tuple[str, str]:
        """Return the organisation of the case, and the connection's."""
        own = self.hook.get_conn().company_id
        return self.payload["company_id"] or own, own
