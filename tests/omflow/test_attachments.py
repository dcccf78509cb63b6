"""Which files may be attached: each arrives under its own name, or is refused before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.omflow.effects.attachments import file_parts, is_kept


def written(folder: Path, name: str) -> str:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("x")
    return str(path)


@pytest.mark.parametrize("name", ["sales&region.csv", "a&amp;b.txt", 'say "hi".txt', "c\\d.txt", "&#97;.txt"])
def test_names_that_the_server_rewrites_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="under another name"):
        file_parts([written(tmp_path, name)], {}, version="1.2")


@pytest.mark.parametrize("name", ["a & b.txt", "50%.txt", "Größe+1 (2).pdf", "a'b.txt"])
def test_other_names_go_as_they_are(tmp_path: Path, name: str) -> None:
    (part,) = file_parts([written(tmp_path, name)], {}, version="1.2")
    assert part.filename == name


def test_one_name_in_both_is_refused(tmp_path: Path) -> None:
    """OMFlow keeps one file of a name: the other would be lost, and the task green."""
    one, other = written(tmp_path / "a", "same.txt"), written(tmp_path / "b", "same.txt")
    for general, fields in (([one, other], {}), ([one], {"FORMITM_5": other})):
        with pytest.raises(InvalidInput, match=r"duplicate file name: same\.txt"):
            file_parts(general, fields, version="1.2")


def test_a_long_name_is_cut_by_the_server() -> None:
    """An object store may have such a name."""
    assert is_kept("n" * 255)
    assert not is_kept("n" * 256)
