"""
Where the package comes from on the web.

The links of the package's metadata lead to the repository that it is built from; Airflow shows the one called
Documentation in its list of providers. The project has no public home yet, and an address that nobody holds,
or that may become somebody else's, would be worse than none. So the links are there once a clone has its
``origin`` on the web, and a fork's lead to the fork.

It runs when the package is built, where there is the standard library alone.
"""

from __future__ import annotations

import re
import subprocess
from email.parser import HeaderParser
from pathlib import Path

#: Addresses as git takes them. What stands before an @ is a login, perhaps with a token.
_FORMS = (
    re.compile(r"https?://(?:[^/]*@)?(?P<host>[^/@]+)/(?P<path>\S+)"),
    re.compile(r"ssh://(?:[^/@]*@)?(?P<host>[^/@:]+)(?::\d+)?/(?P<path>\S+)"),
    re.compile(r"[^/@\s]+@(?P<host>[^/@:\s]+):(?P<path>[^/\s]\S*)"),
)


def project_urls(root: Path) -> dict[str, str]:
    """
    Return the links by name; none if the package's home is not known.

    :param root: of the source: a clone, or an unpacked source distribution, which has kept them
    """
    if not (root / ".git").exists():  # and not of a repository in which it happens to lie
        return _kept(root / "PKG-INFO")
    home = web_address(_origin(root))
    return {"Source": home, "Documentation": f"{home}/tree/HEAD/docs"} if home else {}


def web_address(origin: str) -> str:
    """Return the page of a repository; empty if it is a path, or nothing."""
    found = next(filter(None, (form.fullmatch(origin.strip()) for form in _FORMS)), None)
    if found is None:
        return ""
    return f"https://{found['host']}/{found['path'].strip('/').removesuffix('.git')}"


def _origin(root: Path) -> str:
    command = ["git", "-C", str(root), "remote", "get-url", "origin"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:  # no git here
        return ""


def _kept(info: Path) -> dict[str, str]:
    if not info.exists():
        return {}
    lines = HeaderParser().parsestr(info.read_text()).get_all("Project-URL", [])
    return {name.strip(): url.strip() for name, _, url in (str(line).partition(",") for line in lines)}
