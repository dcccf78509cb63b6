"""A headless Chromium that writes nowhere but below the checkout."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import BrowserContext, ViewportSize, sync_playwright

from dev.layout import ROOT, confined

FIND = ROOT / "dev" / "find-chromium"
#: It shows pages of this machine only, so it has nobody to ask and nothing to fetch.
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
#: Nothing moves. A browser on a busy machine may draw no frames, an animation then never ends, and Airflow's
#: dialogs stay until theirs has.
STILL = """
const still = new CSSStyleSheet();
still.replaceSync("*, *::before, *::after { animation: none !important; transition: none !important; }");
document.adoptedStyleSheets = [...document.adoptedStyleSheets, still];
"""
SIZE: ViewportSize = {"width": 1280, "height": 900}


class ChromiumError(Exception):
    """There is no browser; the message says what to install."""


def executable() -> str:
    """
    Return the browser's command: the one named by ``CHROMIUM``, or the first that this machine has.

    :raises ChromiumError: if there is none
    """
    named = filter(None, [os.environ.get("CHROMIUM")])
    found = subprocess.run([FIND, *named], capture_output=True, text=True, check=False)
    if found.returncode:
        raise ChromiumError(found.stderr.strip())
    return found.stdout.strip()


@contextlib.contextmanager
def running_chromium(folder: Path) -> Iterator[BrowserContext]:
    """
    Run a browser without a past, for as long as the context lasts.

    :param folder: where its profile is, made anew, and its home
    :raises ChromiumError: if there is none
    """
    program = executable()
    shutil.rmtree(folder, ignore_errors=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            folder / "profile",
            executable_path=program,
            args=list(QUIET),
            env=_environment(folder),
            locale="en-US",
            timezone_id="UTC",
            viewport=SIZE,
            reduced_motion="reduce",
        )
        with contextlib.closing(browser):
            browser.add_init_script(STILL)
            yield browser


def _environment(folder: Path) -> dict[str, str | float | bool]:
    homes = {"HOME": "", "XDG_CONFIG_HOME": "config", "XDG_DATA_HOME": "data", "XDG_STATE_HOME": "state"}
    return {**confined(), **{name: str(folder / "home" / path) for name, path in homes.items()}}
