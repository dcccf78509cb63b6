"""The README, CONTRIBUTING and the pages of docs/, as a Markdown parser reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from airflow_provider_workflows.provider import FORMS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SHARED = DOCS / "shared"
VENDORS = tuple(form.conn_type for form in FORMS)
PAGES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(DOCS.glob("*.md")),
    *sorted(SHARED.glob("*.md")),
)

_CODE = re.compile(r"`([^`]+)`")
_INCLUDE = re.compile(r"\{include\}\s+(\S+)")


@dataclass(frozen=True)
class Block:
    """
    A fenced piece of code.

    :param file: the name of the file that it is, if the page says so in a line of its own before it
    """

    page: Path
    line: int
    language: str
    code: str
    file: str = ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Section:
    """A heading, and what stands below it up to the next heading."""

    title: str
    level: int
    tokens: tuple[Token, ...]

    @property
    def name(self) -> str:
        """The title without the marks of code."""
        return self.title.strip("`")

    @property
    def rows(self) -> list[list[str]]:
        """The rows of its tables, without their heads, as Markdown."""
        rows: list[list[str]] = []
        inside = False
        for token in self.tokens:
            if token.type in ("tbody_open", "tbody_close"):
                inside = token.type == "tbody_open"
            elif inside and token.type == "tr_open":
                rows.append([])
            elif inside and token.type == "inline":
                rows[-1].append(token.content)
        return rows

    @property
    def paragraphs(self) -> list[str]:
        """Its text, without the tables."""
        return [
            token.content
            for before, token in zip(self.tokens, self.tokens[1:], strict=False)
            if before.type == "paragraph_open"
        ]


def parse(text: str) -> list[Token]:
    """Return the tokens of a text."""
    return MarkdownIt("commonmark").enable("table").parse(text)


def blocks(page: Path) -> Iterator[Block]:
    """Return the fenced pieces of a page; those of directives are named after them, such as ``{note}``."""
    return _blocks(page, parse(page.read_text()))


def blocks_of(page: Path, section: Section) -> list[Block]:
    """Return the fenced pieces of a page's section."""
    return list(_blocks(page, section.tokens))


def _blocks(page: Path, tokens: Iterable[Token]) -> Iterator[Block]:
    before = ""
    for token in tokens:
        if token.type == "fence" and token.map is not None:
            language = token.info.split()[0] if token.info.split() else ""
            name = _CODE.fullmatch(before)
            yield Block(page, token.map[0] + 1, language, token.content, name[1] if name else "")
        if token.type in ("inline", "fence"):
            before = token.content if token.type == "inline" else ""


def all_blocks(language: str) -> list[Block]:
    """Return all pieces in a language."""
    return [block for page in PAGES for block in blocks(page) if block.language == language]


def included(page: Path) -> set[str]:
    """Return the names of the pieces that a page includes."""
    infos = (token.info for token in parse(page.read_text()) if token.type == "fence")
    return {Path(found[1]).name for info in infos if (found := _INCLUDE.match(info))}


def sections(page: Path) -> list[Section]:
    """Return the sections of a page."""
    tokens = parse(page.read_text())
    starts = [place for place, token in enumerate(tokens) if token.type == "heading_open"]
    return [
        Section(
            title=tokens[start + 1].content,
            level=int(tokens[start].tag[1:]),
            tokens=tuple(tokens[start + 3 : end]),
        )
        for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True)
    ]


def code(text: str) -> list[str]:
    """Return what a text sets as code."""
    return _CODE.findall(text)


def links(page: Path) -> list[str]:
    """Return where the links and pictures of a page lead."""
    inline = [one for token in parse(page.read_text()) for one in token.children or ()]
    found = [one.attrs.get("href", one.attrs.get("src")) for one in inline]
    return [str(target) for target in found if target]
