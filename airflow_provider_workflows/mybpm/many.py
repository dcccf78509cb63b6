"""MyBPM's operator for many records: create or update instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Unpack

from airflow_provider_workflows.core.bulk.operator import ManyOperator
from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.mybpm.connection import FORM

if TYPE_CHECKING:
    from airflow_provider_workflows.core.protocol.operation import Operation
    from airflow_provider_workflows.core.tasks.lineage import Role
    from airflow_provider_workflows.core.tasks.parameters import ManyParameters, Templated
    from airflow_provider_workflows.mybpm.api.boi import Structure
    from airflow_provider_workflows.mybpm.api.operations import MyBPMApi
    from airflow_provider_workflows.mybpm.effects import BoiUpsert


class MyBPMUpsertManyOperator(ManyOperator):
    """
    Creates or updates an instance of a business object (BOI) for every record.

    A record's ``id`` in the results is its instance's ``boi_id``. ``fields`` names the object's field codes;
    ``columns`` may name ``boi_id``. To write references, use
    :class:`~airflow_provider_workflows.mybpm.operators.MyBPMUpsertBOIOperator`.

    If an answer is lost, the operator sends the record again after ``settle`` seconds, also in a retry, if
    that cannot create a second instance. This is so with a ``boi_id``, or with a ``unique_field`` that has a
    value, unless the object's structure says that the field is not unique. In all other cases the operator
    sends the record once. If the answer is then lost, the record is ``unknown``, unless
    ``on_lost_answer="resubmit"``.

    Assumption: the value of a unique field names one instance at most, also for two calls at the same time.
    Wrong if two instances have the same value of a unique field.

    :param bo_code: code of the business object
    :param unique_field: code of the field whose value selects an existing instance to update
    :param validate: as for all, and check field codes and types against the object's structure, too
    :param mybpm_conn_id: the Airflow connection

    The other parameters, the result and the errors are those of
    :class:`~airflow_provider_workflows.core.bulk.operator.ManyOperator`.
    """

    vendor: ClassVar[str] = FORM.hook_name
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "mybpm_conn_id"
    lineage_role: ClassVar[Role] = "writes"
    record_arguments: ClassVar[tuple[str, ...]] = ("boi_id",)
    template_fields: Sequence[str] = (
        *ManyOperator.template_fields,
        "bo_code",
        "unique_field",
        "mybpm_conn_id",
    )

    def __init__(
        self,
        *,
        bo_code: Templated[str],
        unique_field: Templated[str | None] = None,
        mybpm_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[ManyParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.bo_code = rendered(bo_code)
        self.unique_field = rendered(unique_field)
        self.mybpm_conn_id = rendered(mybpm_conn_id)
        #: The object's structure, if it may be read and is needed.
        self._structure: Structure | None = None

    def prepare(self, api: MyBPMApi) -> Operation[None]:
        """Read the object's structure, which says which fields there are, and which are unique."""
        from airflow_provider_workflows.mybpm.api.values import check_code

        check_code(self.bo_code, "bo_code")
        if self.validate:
            self._structure = yield from api.load_structure(self.bo_code)
        elif self.unique_field is not None:
            self._structure = yield from api.readable_structure(self.bo_code)

    def effect(self, values: Mapping[str, object], arguments: Mapping[str, object]) -> BoiUpsert:
        """Return the upsert of one record, checked."""
        from airflow_provider_workflows.mybpm.api.upsert import Upsert, check_against
        from airflow_provider_workflows.mybpm.effects import make_upsert

        wanted = Upsert.read(self.bo_code, values, boi_id=arguments.get("boi_id"))
        if self.validate and self._structure is not None:
            check_against(wanted, {self.bo_code: self._structure})
        once = wanted.why_once(self.unique_field, self._structure)
        return make_upsert(wanted, unique_field=self.unique_field, once=once, pooled=True)
