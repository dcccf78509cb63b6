"""
Where a person sees at the vendor what a task works on: a URL made from a template and a remote id.

No vendor documents the addresses of its pages, so they come from whoever runs Airflow, in the connection's
field ``ui_url``. Nothing but the standard library is imported, since the form's declaration needs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Formatter
from urllib.parse import quote, urlsplit


@dataclass(frozen=True, kw_only=True)
class VendorPage:
    """
    A vendor's page of one record.

    :param of: what it shows, in the vendor's word
    :param parts: what a remote id is made of, in its order and with slashes between; the placeholders
    :param example: a template that nobody has
    """

    of: str
    parts: tuple[str, ...]
    example: str

    @property
    def placeholders(self) -> str:
        """The placeholders as they are written, for a person."""
        return ", ".join(f"{{{part}}}" for part in self.parts)

    def problem(self, template: str) -> str | None:
        """Return what is wrong with a template, to follow the name of its field; None if nothing is."""
        try:
            names = list(Formatter().parse(template))
            url = urlsplit(template)
            # Reading the port is what checks it.
            host = url.port is not None or bool(url.hostname)
        except ValueError:
            return f"must be a URL in which braces stand only around {self.placeholders}"
        for _, name, format_spec, conversion in names:
            if name is not None and (name not in self.parts or format_spec or conversion):
                return f"has a placeholder that there is not; there is {self.placeholders}"
        if url.scheme not in ("http", "https") or not host:
            return "must be a URL that begins with http:// or https://"
        if "@" in url.netloc or "{" in url.netloc:
            return "must not have a login or a placeholder in its host"
        if " " in template or not template.isprintable():
            return "must not have blanks or line breaks"
        return None

    def url(self, template: str, remote_id: str) -> str | None:
        """
        Fill a template, each part quoted; None if the id is not made of as many parts.

        :param remote_id: as tasks announce it
        """
        # The first part may hold slashes of its own.
        values = remote_id.rsplit("/", len(self.parts) - 1)
        if len(values) != len(self.parts) or not all(values):
            return None
        quoted = (quote(value, safe="") for value in values)
        return template.format_map(dict(zip(self.parts, quoted, strict=True)))
