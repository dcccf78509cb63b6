"""How the documentation is built: Sphinx reads the Markdown pages here, and the docstrings of the package."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from airflow_provider_workflows import __version__
from airflow_provider_workflows.provider import FORMS

if TYPE_CHECKING:
    from docutils.nodes import Element, Node
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

PACKAGE = "airflow_provider_workflows"
TESTS = Path(__file__).parent.parent / "tests"

project = PACKAGE
author = "The airflow_provider_workflows authors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["shared/*", "vendors/*"]  # pieces of which pages are made
html_theme = "furo"
html_title = f"{PACKAGE} {__version__}"
html_show_copyright = False
html_copy_source = False

myst_heading_anchors = 3
myst_links_external_new_tab = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88

# Every reference must lead somewhere (`make docs` is nitpicky), but for the names of other packages: where
# those are described could only be asked over a network.
nitpick_ignore_regex = [
    (
        "py:.*",
        r"(airflow|asyncio|collections|datetime|decimal|enum|pathlib|pendulum|pytest|ssl|time|typing)\..*",
    ),
    # Builtins; and Airflow's names where docstrings and annotations give them without their module.
    ("py:.*", r"[a-z]+|Context|PokeReturnValue|RetryDecision|TaskDeferred"),
    # Type variables have no place of their own.
    ("py:.*", r"(.*\.)?(ApiT|P|T)"),
]


#: What an operation is written out as, since its name is but a short one for it.
WRITTEN_OUT = re.compile(r"~collections\.abc\.Generator\[.*Renew, ~typing\.Any, (.*)\]")
OPERATION = f"~{PACKAGE}.core.protocol.operation.Operation"


def mend_signature(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, arguments: str | None, result: str | None
) -> tuple[str | None, str | None]:
    """Show what a call returns as an Operation, and defaults so that Sphinx can read them."""
    if arguments is not None:
        arguments = arguments.replace("<factory>", "...")  # of a dataclass
    return arguments, result and WRITTEN_OUT.sub(rf"{OPERATION}[\1]", result)


def find_by_last_name(app: Sphinx, env: BuildEnvironment, node: Element, content: Element) -> Element | None:
    """Find what docstrings and annotations name without its module, as the code does that imports it."""
    if node.get("refdomain") != "py":
        return None
    wanted = node["reftarget"]
    found = [
        (name, one)
        for name, one in env.domains["py"].objects.items()
        if not one.aliased and (name == wanted or name.endswith(f".{wanted}"))
    ]
    if len(found) != 1:
        return None
    ((name, one),) = found
    return make_refnode(app.builder, node["refdoc"], one.docname, one.node_id, content, name)


class Facts(SphinxDirective):
    """A table for each vendor: what is known of it, and the tests that prove it."""

    def run(self) -> list[Node]:
        """Write the tables in Markdown, as in the page around them."""
        lines = []
        for form in FORMS:
            path = TESTS / form.conn_type / "facts.toml"
            self.env.note_dependency(str(path))
            lines += [f"## {form.hook_name}", "", "| fact | tests |", "|---|---|"]
            for fact, tests in tomllib.loads(path.read_text(encoding="utf-8")).items():
                named = "<br>".join(f"`{test}`" for test in tests)
                lines.append(f"| {fact} | {named} |")
            lines.append("")
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def setup(app: Sphinx) -> None:
    """Register what is written here."""
    app.add_directive("facts", Facts)
    app.connect("autodoc-process-signature", mend_signature)
    app.connect("missing-reference", find_by_last_name)
