"""What operators, sensors and notifiers have in common: a hook, and templates whose text stays text."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_workflows.base.stored import import_string
from airflow_provider_workflows.base.templating import is_native, render_typed

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.base.hook import WorkflowHook


class CallsVendor:
    """
    Something with template fields that calls a vendor.

    A vendor's class sets ``vendor``, ``hook_class`` and ``conn_id_field``.
    """

    vendor: ClassVar[str]
    #: Dotted path, since importing a hook is not a DAG file's business.
    hook_class: ClassVar[str]
    #: Name of the attribute with the connection id, such as ``<vendor>_conn_id``.
    conn_id_field: ClassVar[str]

    @functools.cached_property
    def hook(self) -> WorkflowHook[Any]:
        """The vendor's hook, on the connection that is named."""
        hook: WorkflowHook[Any] = import_string(self.hook_class)(getattr(self, self.conn_id_field))
        return hook

    def render_template(
        self, content: Any, context: Context, jinja_env: Any = None, seen_oids: set[int] | None = None
    ) -> Any:
        """Render as Airflow does, but so that text stays text in DAGs with native rendering."""
        if isinstance(content, str) and is_native(jinja_env):
            return render_typed(content, context, jinja_env)
        return super().render_template(content, context, jinja_env, seen_oids)  # type: ignore[misc]
