from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import report
from benchmarks.report import Row

PLAIN = Row(what="time", value=12.0, unit="s")
RATED = Row(what="rate", value=90.0, unit="/s", peer="by hand", peer_value=100.0, least=0.8)
COSTLY = Row(what="cost", value=400.0, unit="µs", peer="by hand", peer_value=100.0, most=3)
REFUSED = Row(what="refused", value=0.0, unit="%", most=0)


def test_a_target_is_of_the_ratio_if_there_is_a_peer() -> None:
    assert (RATED.ratio, RATED.holds) == (0.9, True)
    assert (COSTLY.ratio, COSTLY.holds) == (4.0, False)
    assert (REFUSED.ratio, REFUSED.holds) == (None, True)
    assert Row(what="refused", value=0.1, unit="%", most=0).holds is False


def test_what_has_no_target_neither_holds_nor_fails() -> None:
    assert PLAIN.holds is None
    assert PLAIN.cells() == ("time", "12 s", "", "", "", "")


def test_cells_say_what_is_wanted() -> None:
    assert RATED.cells() == ("rate", "90 /s", "by hand: 100 /s", "0.9x", "≥ 0.8x", "yes")
    assert COSTLY.cells()[3:] == ("4x", "≤ 3x", "NO")
    assert REFUSED.cells()[4:] == ("≤ 0", "yes")


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.0, "0"), (1.0, "1"), (0.4567, "0.457"), (0.00327, "0.00327"), (12.34, "12.3"), (1234.5, "1,234")],
)
def test_numbers_are_short(value: float, told: str) -> None:
    assert report.short(value) == told


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the page, as a run would write it."""
    page = tmp_path / "benchmarks.md"
    page.write_text(report.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(report, "PAGE", page)
    monkeypatch.setattr(report, "RESULTS", tmp_path / "bench")
    monkeypatch.setattr(report, "FILE", tmp_path / "bench" / "results.json")
    return page


def test_figures_are_written_with_what_they_depend_on(page: Path) -> None:
    told = json.loads(report.write_json({"group": [RATED, PLAIN]}).read_text())["group"]
    assert {"commit", "cores", "python", "airflow"} <= set(told["machine"])
    assert [row["holds"] for row in told["rows"]] == [True, None]


def test_the_page_has_the_last_figures_of_each_group(page: Path) -> None:
    for groups in ({"one": [PLAIN], "other": [COSTLY]}, {"one": [RATED]}):
        report.write_json(groups)
        report.write_page(["one", "other", "never measured"])
    text = page.read_text(encoding="utf-8")
    assert "| rate | 90 /s | by hand: 100 /s | 0.9x | ≥ 0.8x | yes |" in text
    assert "| cost |" in text, "another run has measured it"
    assert "| time |" not in text, "the figures of the run before are gone"
    assert text.startswith("# Benchmarks")


def test_the_summary_counts_the_targets() -> None:
    shown = io.StringIO()
    report.show({"group": [PLAIN, RATED], "other": [COSTLY]}, Console(width=160, file=shown))
    assert "1 of 2 targets hold" in shown.getvalue()
