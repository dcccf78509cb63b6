"""What a page was told and what it shows: where a secret would be seen."""

from __future__ import annotations

import contextlib
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Error, Page, Request

#: Answers that carry something of Airflow's state; the rest is the UI's own code and pictures.
TELLING = frozenset({"document", "fetch", "xhr"})


class PageRecorder:
    """
    Keeps what a page is told, from now on.

    :param page: a page that has not been anywhere
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self.answers: list[str] = []
        self.console: list[str] = []
        page.on("requestfinished", self._keep_answer)
        page.on("console", self._keep_message)
        page.on("pageerror", lambda error: self.console.append(f"page error: {error}"))

    def told(self) -> str:
        """All that the page has been told."""
        return "\n".join([*self.answers, *self.console])

    def shown(self) -> str:
        """All that is in the page now, whether a person sees it or not."""
        values = "Array.from(document.querySelectorAll('input, textarea'), field => field.value).join('\\n')"
        return "\n".join(
            [self._page.content(), self._page.locator("body").inner_text(), self._page.evaluate(values)]
        )

    def leave(self, folder: Path, name: str) -> list[Path]:
        """
        Write down how the page is now, for whoever looks for the cause of a failure.

        :param folder: where to
        :param name: the files' name
        """
        folder.mkdir(parents=True, exist_ok=True)
        picture, page, log = (folder / f"{name}.{suffix}" for suffix in ("png", "html", "log"))
        log.write_text("\n".join([*self.console, *self.answers]))
        with contextlib.suppress(Error):  # a browser that has died must not hide why the test failed
            page.write_text(self._page.content())
            self._page.screenshot(path=picture)
        return [left for left in (picture, page, log) if left.exists()]

    def _keep_answer(self, request: Request) -> None:
        if request.resource_type not in TELLING:
            return
        with contextlib.suppress(Error):  # the page has been left or closed, and was told none of it
            if answer := request.response():
                headers = "\n".join(f"{name}: {value}" for name, value in answer.all_headers().items())
                asked = f"{request.method} {request.url}"
                self.answers.append(f"{asked}\n{answer.status}\n{headers}\n{answer.text()}")

    def _keep_message(self, message: ConsoleMessage) -> None:
        self.console.append(f"{message.type}: {message.text}")
