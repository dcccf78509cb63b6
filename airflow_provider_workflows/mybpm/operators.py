"""MyBPM's operator: create or update an instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.core.tasks.operator import OnceOperator
from airflow_provider_workflows.mybpm.connection import FORM

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.core.tasks.lineage import Role
    from airflow_provider_workflows.core.tasks.parameters import OnceParameters, Templated
    from airflow_provider_workflows.mybpm.api.references import FieldReference
    from airflow_provider_workflows.mybpm.effects import BoiUpsert
    from airflow_provider_workflows.mybpm.hooks import MyBPMHook


class MyBPMUpsertBOIOperator(OnceOperator):
    """
    Creates or updates an instance of a business object (BOI).

    Returns ``{"boi_id", "boCode", "state", "isTouched", "fields": {code: {"apiValue", "displayValue",
    "type"}}}``; :func:`~airflow_provider_workflows.mybpm.api.values.to_python` reads an ``apiValue`` back.

    The operator saves the instance's id in Airflow's state store (3.3+): a retry returns that instance and
    sends nothing, and a cleared task writes again.

    If the answer is lost, the operator repeats the request after ``settle`` seconds, also in a retry, if that
    cannot create a second instance. This is so with a ``boi_id``, or with a ``unique_field`` that has a value
    in ``field_values``, unless the object's structure says that the field is not unique. Before it repeats
    ``field_ref_add``, the operator reads the instance, and sends only the references that are missing. In all
    other cases it sends the request once. If the answer is then lost, the task fails with
    :class:`~airflow_provider_workflows.exceptions.OutcomeUnknown`, unless ``on_lost_answer="resubmit"``.

    Assumption: the value of a unique field names one instance at most, also for two calls at the same time.
    Wrong if two instances have the same value of a unique field.

    :param bo_code: code of the business object
    :param field_values: mapping field code -> value: text (for a selection field the option's id), numbers,
        booleans, aware datetimes; or JSON text of such a mapping
    :param boi_id: update this instance instead of creating one
    :param unique_field: code of the field whose value selects an existing instance to update
    :param field_ref_add: a list of :class:`~airflow_provider_workflows.mybpm.api.references.FieldReference`,
        or of mappings with its names or the vendor's
    :param field_ref_remove: as ``field_ref_add``
    :param remove_after: remove references after adding others; by default before. It matters only for an
        instance that both lists name: it is unlinked at the end if true, and else linked
    :param validate: check field codes, types and references against the object's structure before sending
    :param result_fields: codes of the fields to return; by default all that the server returns
    :param multiple_outputs: leave each key as an XCom too, so that ``upsert.output["boi_id"]`` is the id
    :param mybpm_conn_id: the Airflow connection

    :raises InvalidInput: an argument is invalid; nothing was sent
    :raises OutcomeUnknown: a request that must not be repeated may have taken effect
    :raises LostTrack: a repeatable request was sent three times without an answer; a retry continues

    ``settle`` and ``on_lost_answer`` are those of
    :class:`~airflow_provider_workflows.core.tasks.operator.OnceOperator`.
    """

    vendor: ClassVar[str] = FORM.hook_name
    hook_class: ClassVar[str] = FORM.hook_class
    returns_mapping: ClassVar[bool] = True
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
        bo_code: Templated[str],
        field_values: Templated[Mapping[str, Any] | None] = None,
        boi_id: Templated[str | None] = None,
        unique_field: Templated[str | None] = None,
        field_ref_add: Templated[Sequence[FieldReference | Mapping[str, Any]]] = (),
        field_ref_remove: Templated[Sequence[FieldReference | Mapping[str, Any]]] = (),
        remove_after: bool = False,
        validate: bool = False,
        result_fields: Templated[Sequence[str] | None] = None,
        mybpm_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[OnceParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.bo_code = rendered(bo_code)
        self.field_values = rendered(field_values)
        self.boi_id = rendered(boi_id)
        self.unique_field = rendered(unique_field)
        self.field_ref_add = rendered(field_ref_add)
        self.field_ref_remove = rendered(field_ref_remove)
        self.remove_after = remove_after
        self.validate = validate
        self.result_fields = rendered(result_fields)
        self.mybpm_conn_id = rendered(mybpm_conn_id)

    def effect(self, context: Context) -> BoiUpsert:
        """Return the upsert, checked."""
        from airflow_provider_workflows.mybpm.api.upsert import Upsert
        from airflow_provider_workflows.mybpm.effects import make_upsert

        wanted = Upsert.read(
            self.bo_code,
            self.field_values,
            boi_id=self.boi_id,
            field_ref_add=self.field_ref_add,
            field_ref_remove=self.field_ref_remove,
            remove_after=self.remove_after,
        )
        if self.validate:
            self.hook.run(lambda api: api.validate(wanted))
        once = self.hook.run(lambda api: api.why_once(wanted, self.unique_field))
        if once is not None:
            self.log.info("Airflow sends this upsert only once: %s", once)
        return make_upsert(wanted, unique_field=self.unique_field, once=once)

    def execute(self, context: Context) -> dict[str, Any]:
        """Write the instance and return it."""
        upsert = self.effect(context)
        boi_id = self.once(context, upsert)
        # Of an instance that an earlier attempt wrote, only the id is known.
        with self.after_effect(context):
            boi = upsert.written or self.hook.load(upsert.wanted.bo_code, upsert.read_id(boi_id))
        self.announce(context, f"{boi.bo_code}/{boi.boi_id}")
        self.log.info("MyBPM instance %s/%s is in state %s", boi.bo_code, boi.boi_id, boi.state)
        from airflow_provider_workflows.core.runtime.hand_over import hand_over

        result: dict[str, Any] = hand_over(boi.to_json(self.result_fields), f"The instance {boi.boi_id}")
        return result
