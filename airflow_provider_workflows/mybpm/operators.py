"""MyBPM's operator: create or update an instance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_workflows.base.lineage import Role
from airflow_provider_workflows.base.operator import OnceOperator
from airflow_provider_workflows.mybpm.call import VENDOR
from airflow_provider_workflows.mybpm.connection import FORM
from airflow_provider_workflows.mybpm.linking import LinkingUpsert
from airflow_provider_workflows.mybpm.upserting import Upsert
from airflow_provider_workflows.mybpm.writing import BoiUpsert, OnceUpsert, RepeatableUpsert

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.mybpm.boi import Boi
    from airflow_provider_workflows.mybpm.hook import MyBPMHook


class MyBPMUpsertBOIOperator(OnceOperator):
    """
    Creates or updates an instance of a business object (BOI).

    Returns ``{"boi_id", "boCode", "state", "isTouched", "fields": {code: {"apiValue", "displayValue",
    "type"}}}``; :func:`~airflow_provider_workflows.mybpm.values.to_python` reads an ``apiValue`` back.

    When its answer is lost the call is repeated after ``settle`` seconds, in the attempt and by retries, if
    that can make no second instance: with ``boi_id``, or with a ``unique_field`` that is among
    ``field_values``, not blank, and not denied by the object's structure. Of references to add, only those
    are sent again that reading back does not show. Otherwise the call is sent once, and a lost answer ends in
    :class:`~airflow_provider_workflows.protocol.errors.OutcomeUnknown`, unless ``on_lost_answer`` says
    otherwise. The instance's id is kept in Airflow's state store (3.3+): a retry returns that instance and
    sends nothing, a Clear writes again.

    :param bo_code: code of the business object
    :param field_values: mapping field code -> value: text (of a selection field the option's id), numbers,
        booleans, aware datetimes; or JSON text of it
    :param boi_id: update this instance and create none
    :param unique_field: code of the field by whose value an instance is updated rather than created
    :param field_ref_add: a list of :class:`~airflow_provider_workflows.mybpm.references.FieldReference`, or
        of mappings with its names or the vendor's
    :param field_ref_remove: as ``field_ref_add``
    :param remove_after: remove references after adding others; by default before
    :param validate: check field codes, types and references against the object's structure before sending
    :param result_fields: codes of the fields to return; by default all that the server returns
    :param multiple_outputs: leave each key as an XCom too, so that ``upsert.output["boi_id"]`` is the id
    :param mybpm_conn_id: the Airflow connection

    :raises InvalidInput: an argument is wrong; nothing was sent
    :raises OutcomeUnknown: a call that must not be repeated may have been carried out
    :raises LostTrack: a call that may be repeated was sent three times and never answered; a retry goes on

    ``settle`` and ``on_lost_answer`` are those of
    :class:`~airflow_provider_workflows.base.operator.OnceOperator`.
    """

    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "mybpm_conn_id"
    lineage_role: ClassVar[Role] = "writes"

    template_fields: Sequence[str] = (
        "bo_code",
        "field_values",
        "boi_id",
        "unique_field",
        "field_ref_add",
        "field_ref_remove",
        "result_fields",
        "mybpm_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "field_values": "json",
        "field_ref_add": "json",
        "field_ref_remove": "json",
        "result_fields": "json",
    }

    if TYPE_CHECKING:
        hook: MyBPMHook

    def __init__(
        self,
        *,
        bo_code: str,
        field_values: Any = None,
        boi_id: str | None = None,
        unique_field: str | None = None,
        field_ref_add: Any = (),
        field_ref_remove: Any = (),
        remove_after: bool = False,
        validate: bool = False,
        result_fields: Sequence[str] | None = None,
        multiple_outputs: bool = True,
        mybpm_conn_id: str = FORM.default_conn_id,
        **kwargs: Any,
    ) -> None:
        super().__init__(multiple_outputs=multiple_outputs, **kwargs)
        self.bo_code = bo_code
        self.field_values = field_values
        self.boi_id = boi_id
        self.unique_field = unique_field
        self.field_ref_add = field_ref_add
        self.field_ref_remove = field_ref_remove
        self.remove_after = remove_after
        self.validate = validate
        self.result_fields = result_fields
        self.mybpm_conn_id = mybpm_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Write the instance and return it."""
        wanted = self._checked()
        if self.validate:
            self.hook.run(lambda api: api.validate(wanted))
        boi = self._write(context, wanted)
        self.announce(context, f"{wanted.bo_code}/{boi.boi_id}")
        self.log.info("MyBPM instance %s/%s is in state %s", wanted.bo_code, boi.boi_id, boi.state)
        return boi.to_json(self.result_fields)

    def _checked(self) -> Upsert:
        return Upsert.read(
            self.bo_code,
            self.field_values,
            boi_id=self.boi_id,
            field_ref_add=self.field_ref_add,
            field_ref_remove=self.field_ref_remove,
            remove_after=self.remove_after,
        )

    def _write(self, context: Context, wanted: Upsert) -> Boi:
        upsert = self._effect(wanted)
        boi_id = self.once(context, upsert)
        # What an earlier attempt wrote is only known by its id.
        with self.after_effect(context):
            return upsert.written or self.hook.load(wanted.bo_code, upsert.read_id(boi_id))

    def _effect(self, wanted: Upsert) -> BoiUpsert:
        once = self.hook.run(lambda api: api.why_once(wanted, self.unique_field))
        if once is not None:
            self.log.info("Sent once, since %s", once)
            return OnceUpsert(self.hook, wanted, reason=once)
        kind = LinkingUpsert if wanted.add else RepeatableUpsert
        return kind(self.hook, wanted, unique_field=self.unique_field)
