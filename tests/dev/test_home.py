"""The links in the package's metadata."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dev.home import project_urls, web_address

HOME = "https://code.example.org/team/workflows"
LINKS = {"Source": HOME, "Documentation": f"{HOME}/tree/HEAD/docs"}


@pytest.mark.parametrize(
    "origin",
    [
        f"{HOME}.git\n",
        HOME,
        f"{HOME}/",
        "http://code.example.org/team/workflows.git",
        "https://someone:planted-token@code.example.org/team/workflows.git",
        "https://planted-token@code.example.org/team/workflows",
        "git@code.example.org:team/workflows.git",
        "ssh://git@code.example.org/team/workflows.git",
        "ssh://git@code.example.org:2222/team/workflows.git",
    ],
)
def test_the_page_of_a_repository_shows_no_login(origin: str) -> None:
    assert web_address(origin) == HOME


@pytest.mark.parametrize(
    "origin", ["", "/srv/git/workflows.git", "../workflows", "file:///srv/git/x", "C:/git/x"]
)
def test_what_is_not_on_the_web_has_no_page(origin: str) -> None:
    assert web_address(origin) == ""


def clone(folder: Path, origin: str | None) -> Path:
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    if origin is not None:
        subprocess.run(["git", "-C", str(folder), "remote", "add", "origin", origin], check=True)
    return folder


def test_a_clone_leads_to_where_it_comes_from(tmp_path: Path) -> None:
    assert project_urls(clone(tmp_path / "clone", f"{HOME}.git")) == LINKS
    assert project_urls(clone(tmp_path / "local", "/srv/git/workflows.git")) == {}
    assert project_urls(clone(tmp_path / "new", None)) == {}


def test_a_source_distribution_keeps_its_links_wherever_it_is_unpacked(tmp_path: Path) -> None:
    source = clone(tmp_path / "somebody-elses", "https://elsewhere.example.org/a/b.git") / "unpacked"
    source.mkdir()
    assert project_urls(source) == {}
    lines = [f"Project-URL: {name}, {url}" for name, url in LINKS.items()]
    (source / "PKG-INFO").write_text(
        "\n".join(["Metadata-Version: 2.4", "Name: x", *lines, "", "# Readme\n"])
    )
    assert project_urls(source) == LINKS
