"""OMFlow's operators for many records, which open orders and push them on, and the sensor for their ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Unpack

from airflow_provider_workflows.core.bulk.operator import ManyOperator
from airflow_provider_workflows.core.bulk.sensor import ManySensor
from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.omflow.connection import FORM

if TYPE_CHECKING:
    from airflow_provider_workflows.core.protocol.operation import Operation
    from airflow_provider_workflows.core.tasks.lineage import Role
    from airflow_provider_workflows.core.tasks.parameters import (
        ManyParameters,
        ManySensorParameters,
        Templated,
    )
    from airflow_provider_workflows.omflow.api.operations import OMFlowApi
    from airflow_provider_workflows.omflow.conditions import OrderClosed
    from airflow_provider_workflows.omflow.effects.open_order import OrderStart
    from airflow_provider_workflows.omflow.effects.push_order import OrderPush


class _OnOMFlow:
    vendor: ClassVar[str] = FORM.hook_name
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "omflow_conn_id"
    omflow_conn_id: str


class OMFlowOpenManyOperator(_OnOMFlow, ManyOperator):
    """
    Opens an order for every record.

    A record's ``id`` in the results is its order's number (``data_no``). ``fields`` names form fields, as
    ``FORMITM_n``; ``columns`` may name ``start_input``. To attach files, use
    :class:`~airflow_provider_workflows.omflow.operators.OMFlowOpenOrderOperator`.

    With a ``run_key_field``, each order carries a mark of its own in that field. If answers are lost, the
    operator looks for the orders by these marks, many in one listing, and opens an order again only if OMFlow
    does not list it within ``settle`` seconds. Without a ``run_key_field``, nothing can find an order whose
    answer was lost: the record is ``unknown``, unless ``on_lost_answer="resubmit"``.

    :param api_path: name of the process in URLs
    :param item_types: as for :class:`~airflow_provider_workflows.omflow.operators.OMFlowOpenOrderOperator`
    :param run_key_field: a form field of your process that nothing else fills, for the mark. The connection's
        user must be allowed to see every order of the process, because a hidden order counts as missing
    :param omflow_conn_id: the Airflow connection

    The other parameters, the result and the errors are those of
    :class:`~airflow_provider_workflows.core.bulk.operator.ManyOperator`.
    """

    lineage_role: ClassVar[Role] = "begins"
    record_arguments: ClassVar[tuple[str, ...]] = ("start_input",)
    template_fields: Sequence[str] = (
        *ManyOperator.template_fields,
        "api_path",
        "item_types",
        "run_key_field",
        "omflow_conn_id",
    )

    def __init__(
        self,
        *,
        api_path: Templated[str],
        item_types: Templated[Mapping[str, str] | None] = None,
        run_key_field: Templated[str | None] = None,
        omflow_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[ManyParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.api_path = rendered(api_path)
        self.item_types = rendered(item_types)
        self.run_key_field = rendered(run_key_field)
        self.omflow_conn_id = rendered(omflow_conn_id)

    def prepare(self, api: OMFlowApi) -> Operation[None]:
        """Read the form, so that no record has to, and check that it has the fields."""
        from airflow_provider_workflows.core.protocol.body import from_text

        yield from self.effect(dict.fromkeys(from_text(self.fields, "fields") or (), ""), {}).baseline(api)

    def effect(self, values: Mapping[str, object], arguments: Mapping[str, object]) -> OrderStart:
        """Return the order to open for one record."""
        from airflow_provider_workflows.core.protocol.body import from_text
        from airflow_provider_workflows.omflow.api.form_data import form_items
        from airflow_provider_workflows.omflow.effects.open_order import OrderStart

        return OrderStart(
            api_path=self.api_path,
            items=form_items(values, self.item_types),
            start_input=from_text(arguments.get("start_input"), "start_input"),
            run_key_field=self.run_key_field,
            reads_form=True,
        )


class OMFlowPushManyOperator(_OnOMFlow, ManyOperator):
    """
    Pushes the order of every record from the stop where it waits.

    A record's ``id`` in the results is the ``data_id`` of the row that was pushed. ``columns`` names
    ``data_no``, and ``stop_chart_text`` or ``data_id`` where they differ from record to record. ``fields``
    names form fields, as ``FORMITM_n``.

    OMFlow accepts one push for each ``data_id``. If an answer is lost, the operator reads the order's rows
    and compares them with those from before the push, as
    :class:`~airflow_provider_workflows.omflow.operators.OMFlowPushOrderOperator` does: it pushes again if the
    row still waits after ``settle`` seconds, and the record is ``unknown`` if OMFlow does not show whose push
    moved the order, as with a ``quick_action``.

    :param api_path: name of the process in URLs
    :param stop_chart_text: label of the stop, for records that do not name another one
    :param item_types: as for opening an order
    :param quick_action: instead of ``fields``, ``action1`` or ``action2``
    :param omflow_conn_id: the Airflow connection

    The other parameters, the result and the errors are those of
    :class:`~airflow_provider_workflows.core.bulk.operator.ManyOperator`.
    """

    lineage_role: ClassVar[Role] = "changes"
    record_arguments: ClassVar[tuple[str, ...]] = ("data_no", "data_id", "stop_chart_text")
    template_fields: Sequence[str] = (
        *ManyOperator.template_fields,
        "api_path",
        "stop_chart_text",
        "item_types",
        "quick_action",
        "omflow_conn_id",
    )

    def __init__(
        self,
        *,
        api_path: Templated[str],
        stop_chart_text: Templated[str | None] = None,
        item_types: Templated[Mapping[str, str] | None] = None,
        quick_action: Templated[str | None] = None,
        omflow_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[ManyParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.api_path = rendered(api_path)
        self.stop_chart_text = rendered(stop_chart_text)
        self.item_types = rendered(item_types)
        self.quick_action = rendered(quick_action)
        self.omflow_conn_id = rendered(omflow_conn_id)

    def prepare(self, api: OMFlowApi) -> Operation[None]:
        """Check what all records have in common."""
        from airflow_provider_workflows.omflow.api.call import segment

        segment(self.api_path)
        yield from ()

    def effect(self, values: Mapping[str, object], arguments: Mapping[str, object]) -> OrderPush:
        """Return the push of one record's order."""
        from airflow_provider_workflows.omflow.effects.push_order import OrderPush

        # A quick action skips the form; without fields=, the other columns are no fields of it.
        skips_form = self.quick_action is not None and self.fields is None
        given = {"data_no": None, "stop_chart_text": self.stop_chart_text, **arguments}
        return OrderPush.read(
            api_path=self.api_path,
            form_data=None if skips_form else values,
            item_types=self.item_types,
            quick_action=self.quick_action,
            **given,
        )


class OMFlowOrderManySensor(_OnOMFlow, ManySensor):
    """
    Waits until the orders of many records are closed.

    The ``result`` of each is what
    :class:`~airflow_provider_workflows.omflow.sensors.OMFlowOrderSensor` returns. OMFlow gives an order no
    outcome, so an order has failed only if its engine reports an error.

    :param api_path: name of the process in URLs
    :param fields: names of the fields to return with their last values, as in
        :class:`~airflow_provider_workflows.omflow.sensors.OMFlowOrderSensor`
    :param omflow_conn_id: the Airflow connection

    After a push, whose results have the ``data_id`` as the id, copy the order's number by ``keep``, and name
    its column by ``id_column``.

    The other parameters are those of :class:`~airflow_provider_workflows.core.bulk.sensor.ManySensor` and
    :class:`~airflow_provider_workflows.core.tasks.sensor.WorkflowSensor`.
    """

    id_field: ClassVar[str] = "data_no"
    template_fields: Sequence[str] = (*ManySensor.template_fields, "api_path", "fields", "omflow_conn_id")

    def __init__(
        self,
        *,
        api_path: Templated[str],
        fields: Templated[Sequence[str]] = (),
        omflow_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[ManySensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.api_path = rendered(api_path)
        self.fields = rendered(fields)
        self.omflow_conn_id = rendered(omflow_conn_id)

    def run_ended(self) -> OrderClosed:
        """Return the condition for the end of one order."""
        from airflow_provider_workflows.omflow.conditions import OrderClosed

        return OrderClosed.read(api_path=self.api_path, data_no=0, fields=self.fields)
