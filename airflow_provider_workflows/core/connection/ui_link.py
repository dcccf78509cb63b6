"""
Links to the vendor's own UI: a URL made from a template and a remote id.

No vendor documents the URLs of its UI, so the user enters a template in the connection field ``ui_url``. This
module imports only the standard library, because the declaration of the connection form needs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Formatter
from urllib.parse import quote, urljoin, urlsplit


@dataclass(frozen=True, kw_only=True)
class UiLink:
    """
    How to link to one record in the vendor's UI.

    :param record: what the page shows, in the vendor's term and with its article, such as ``an order``
    :param parts: names of the parts of a remote id, which are separated by slashes, in order; these are the
        placeholders of the template
    :param example: an example template, for the form
    """

    record: str
    parts: tuple[str, ...]
    example: str

    @property
    def placeholders(self) -> str:
        """The placeholders in braces, for messages."""
        return ", ".join(f"{{{part}}}" for part in self.parts)

    def problem(self, template: str) -> str | None:
        """Return what is wrong with a template, phrased to follow the field's name; None if it is valid."""
        try:
            names = list(Formatter().parse(template))
            url = urlsplit(template)
            # Reading the port validates it.
            host = url.port is not None or bool(url.hostname)
        except ValueError:
            return f"must be a URL that uses braces only for {self.placeholders}"
        for _, name, format_spec, conversion in names:
            if name is not None and (name not in self.parts or format_spec or conversion):
                return f"has an unknown placeholder; known: {self.placeholders}"
        if url.scheme not in ("http", "https") or not host:
            return "must be a URL that starts with http:// or https://"
        if "@" in url.netloc or "{" in url.netloc:
            return "must not have a login, or a placeholder in the host part"
        if " " in template or not template.isprintable():
            return "must not contain spaces or line breaks"
        return None

    def url(self, template: str, remote_id: str) -> str | None:
        """
        Return the template filled with a remote id, each part quoted; None if the number of parts differs.

        :param remote_id: as the task pushes it to XCom; empty if it is not known, and then the address is the
            folder above the placeholders, which in most UIs is a list
        """
        if not remote_id:
            before, placeholder, _ = template.partition("{")
            return urljoin(before, ".") if placeholder else template
        # The first part may itself contain slashes.
        values = remote_id.rsplit("/", len(self.parts) - 1)
        # A browser would take a part of dots for another page.
        if len(values) != len(self.parts) or not {"", ".", ".."}.isdisjoint(values):
            return None
        quoted = (quote(value, safe="") for value in values)
        return template.format_map(dict(zip(self.parts, quoted, strict=True)))
