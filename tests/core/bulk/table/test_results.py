"""Results are written once, as whole objects, and read in order; nothing is overwritten."""

from __future__ import annotations

import json
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import ObjectStoragePath
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.core.bulk.table.results import (
    Counts,
    Outcome,
    RecordResult,
    ResultsFolder,
    results_folder,
)
from airflow_provider_workflows.core.runtime.storage import put, shown, storage_path
from airflow_provider_workflows.exceptions import InvalidInput, PermanentError, TemporaryError

DONE = RecordResult(1, "C-1", Outcome.DONE, id=7, kept={"name": "Ann"})
REJECTED = RecordResult(2, 2, Outcome.REJECTED, code=4, message="no such field")
RUN = "manual__2026-12-01T00_00_00_00_00-c49d078b"


@pytest.fixture(params=["file", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> ResultsFolder:
    """A folder that is not there yet, on each kind of storage."""
    if request.param == "file":
        return ResultsFolder(ObjectStoragePath(f"file://{tmp_path}/not/there"))
    return ResultsFolder(request.getfixturevalue("memory") / "not/there")


class TestRecordResult:
    def test_what_is_none_is_left_out(self) -> None:
        expected = {"line": 1, "key": "C-1", "outcome": "done", "id": 7, "kept": {"name": "Ann"}}
        assert DONE.to_json() == expected
        assert REJECTED.to_json() == {
            "line": 2,
            "key": 2,
            "outcome": "rejected",
            "code": 4,
            "message": "no such field",
        }

    def test_what_it_says_is_bounded_and_safe(self) -> None:
        result = RecordResult(1, "a\0", Outcome.UNKNOWN, message="\x1b[2J\ud800" + "x" * 600, id=2**70)
        data = result.to_json()
        assert data["key"] == "a\ufffd"
        assert data["message"].startswith("\ufffd[2J\ufffdxxx")
        assert len(data["message"]) == 500
        assert data["id"] == str(2**70)

    @given(
        st.builds(
            RecordResult,
            line=st.integers(min_value=1, max_value=2**53),
            key=st.text("abc 17-", min_size=1) | st.integers(min_value=0, max_value=2**53),
            outcome=st.sampled_from(Outcome),
            id=st.none() | st.integers(min_value=0, max_value=9) | st.text("abc"),
            code=st.none() | st.text("abc"),
            message=st.none() | st.text("abc", min_size=1),
            kept=st.dictionaries(st.text("abc", min_size=1), st.none() | st.text("äö") | st.booleans()),
        )
    )
    def test_it_is_read_as_it_was_written(self, result: RecordResult) -> None:
        assert RecordResult.from_json(json.loads(json.dumps(result.to_json()))) == result

    def test_what_a_newer_version_added_is_left_out(self) -> None:
        assert RecordResult.from_json({**DONE.to_json(), "seconds": 3}) == DONE

    @pytest.mark.parametrize("data", [{}, {"line": 1}, {"line": "x", "key": 1, "outcome": "done"}], ids=str)
    def test_what_is_no_result(self, data: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"not a result|invalid literal"):
            RecordResult.from_json(data)

    def test_counts(self) -> None:
        counts = Counts()
        for result in (DONE, DONE, REJECTED, RecordResult(3, 3, Outcome.SKIPPED)):
            counts.add(result)
        assert counts.to_json() == {"records": 4, "done": 2, "rejected": 1, "unknown": 0, "skipped": 1}


class TestParts:
    def test_they_are_read_in_order(self, folder: ResultsFolder) -> None:
        assert folder.parts() == []
        assert list(folder.read()) == []
        for number, attempt in ((10, 1), (2, 10), (2, 9), (100_000, 1)):
            line = number * 100 + attempt
            name = folder.write([RecordResult(line, line, Outcome.DONE)], number, attempt)
            assert name == f"part-{number:05}-{attempt}.jsonl"
        order = ["part-00002-10.jsonl", "part-00010-1.jsonl", "part-100000-1.jsonl"]  # 9 was overtaken by 10
        assert folder.parts() == order
        assert [one.line for one in folder.read()] == [210, 1001, 10_000_001]
        assert [one.line for one in folder.read(order[1:2])] == [1001]
        assert [one.line for one in folder.read_since(2)] == [1001, 10_000_001]

    def test_a_part_is_json_lines(self, folder: ResultsFolder) -> None:
        folder.write(iter([DONE, REJECTED]), 1, "a1")
        assert list(folder.read(["part-00001-a1.jsonl"])) == [DONE, REJECTED]
        with (storage_path(folder.url, "x") / "part-00001-a1.jsonl").open("rb") as file:  # type: ignore[no-untyped-call]
            lines = file.read().decode().splitlines()
        assert [json.loads(line) for line in lines] == [DONE.to_json(), REJECTED.to_json()]

    def test_it_is_never_overwritten(self, folder: ResultsFolder) -> None:
        folder.write([DONE], 1, 1)
        with pytest.raises(PermanentError, match=r"part-00001-1.jsonl is already in the results .*there"):
            folder.write([REJECTED], 1, 1)
        assert list(folder.read()) == [DONE]

    def test_nothing_else_is_taken_for_one(self, folder: ResultsFolder) -> None:
        folder.write([DONE], 1, 1)
        folder.write_intents(1, 1, [{"line": 2}])
        folder.write_note("state", {"format": 1})
        put(storage_path(folder.url, "x") / "part-1.csv", b"x")
        assert folder.parts() == ["part-00001-1.jsonl"]

    def test_no_name_leads_elsewhere(self, folder: ResultsFolder) -> None:
        with pytest.raises(ValueError, match="is no name"):
            folder.write([DONE], 1, "../../x")

    @pytest.mark.parametrize("content", [b"{", b"[]\n", b'{"line": 1}\n', b"\xff\n"])
    def test_what_no_task_wrote(self, folder: ResultsFolder, content: bytes) -> None:
        put(storage_path(folder.url, "x") / "part-00001-1.jsonl", content)
        with pytest.raises(InvalidInput, match=r"part-00001-1.jsonl line 1 in .*there is not what a task"):
            list(folder.read())

    def test_one_that_is_missing(self, folder: ResultsFolder) -> None:
        with pytest.raises(InvalidInput, match=r"has no part-00001-1.jsonl"):
            list(folder.read(["part-00001-1.jsonl"]))


class TestIntentsAndNotes:
    def test_intents(self, folder: ResultsFolder) -> None:
        assert list(folder.read_intents()) == []
        first = folder.write_intents(1, 1, [{"line": 1, "mark": "ä"}, {"line": 2}])
        second = folder.write_intents(2, 1, [{"line": 3}])
        assert folder.intents() == [first, second] == ["intents-00001-1.jsonl", "intents-00002-1.jsonl"]
        assert list(folder.read_intents()) == [{"line": 1, "mark": "ä"}, {"line": 2}, {"line": 3}]
        folder.delete(first)
        folder.delete(first)
        assert list(folder.read_intents()) == [{"line": 3}] == list(folder.read_intents([second]))

    def test_a_note_takes_the_place_of_the_last_one(self, folder: ResultsFolder) -> None:
        assert folder.read_note("state") is None
        for number in (1, 2):
            folder.write_note("state", {"parts": number})
            assert folder.read_note("state") == {"parts": number}

    def test_a_note_that_was_changed(self, folder: ResultsFolder) -> None:
        put(storage_path(folder.url, "x") / "state.json", b"{")
        with pytest.raises(InvalidInput, match=r"state.json in .* is not what a task"):
            folder.read_note("state")


class TestLocalFiles:
    def test_nothing_is_left_beside_them(self, tmp_path: Path) -> None:
        folder = ResultsFolder(ObjectStoragePath(f"file://{tmp_path}/a b"))
        folder.write([DONE], 1, 1)
        with pytest.raises(PermanentError):
            folder.write([DONE], 1, 1)
        assert os.listdir(tmp_path / "a b") == ["part-00001-1.jsonl"]
        assert folder.url == f"{tmp_path}/a b"

    def test_the_url_of_a_long_path_is_whole(self, tmp_path: Path) -> None:
        path = "/".join([str(tmp_path), *["x" * 100] * 5])
        folder = ResultsFolder(ObjectStoragePath(f"file://{path}"))
        assert folder.url == path

    def test_a_killed_process_leaves_no_half_part(self, tmp_path: Path) -> None:
        # The process dies after the first bytes of its second part are on disk.
        script = f"""
import os
from airflow.sdk import ObjectStoragePath
from airflow_provider_workflows.core.bulk.table.results import Outcome, RecordResult, ResultsFolder
folder = ResultsFolder(ObjectStoragePath("file://{tmp_path}"))
results = [RecordResult(n, n, Outcome.DONE) for n in range(1, 1000)]
folder.write(results, 1, 1)
os.fsync = lambda file: os.kill(os.getpid(), 9)
folder.write(results, 2, 1)
"""
        ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
        assert ended.returncode == -9, ended.stderr
        folder = ResultsFolder(ObjectStoragePath(f"file://{tmp_path}"))
        assert folder.parts() == ["part-00001-1.jsonl"]
        assert len(list(folder.read())) == 999
        assert len(os.listdir(tmp_path)) == 2
        folder.write([DONE], 2, 1)

    @pytest.mark.parametrize("where", ["file", "file/below"])
    def test_a_folder_that_cannot_be_made(self, tmp_path: Path, where: str) -> None:
        (tmp_path / "file").write_text("")
        folder = ResultsFolder(ObjectStoragePath(f"file://{tmp_path}/{where}"))
        with pytest.raises(
            TemporaryError, match=f"The results cannot be written to {tmp_path}/{where}: Not a d"
        ):
            folder.write([DONE], 1, 1)

    def test_a_write_that_ends_too_early(self, tmp_path: Path) -> None:
        folder = ResultsFolder(ObjectStoragePath(f"file://{tmp_path}"))
        many = [RecordResult(line, line, Outcome.DONE, message="x" * 500) for line in range(1, 9000)]
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**22, hard))
        try:
            with pytest.raises(TemporaryError, match=f"cannot be written to {tmp_path}: File too large"):
                folder.write(many, 1, 1)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert os.listdir(tmp_path) == []

    def test_others_may_read_them_as_the_umask_says(self, tmp_path: Path) -> None:
        folder = ResultsFolder(ObjectStoragePath(f"file://{tmp_path}"))
        folder.write([DONE], 1, 1)
        before = os.umask(0)
        os.umask(before)
        mode = stat.S_IMODE((tmp_path / "part-00001-1.jsonl").stat().st_mode)
        assert mode == 0o666 & ~before


def test_a_storage_that_refuses(memory: ObjectStoragePath, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **options: Any) -> Any:
        raise RuntimeError("AccessDenied")

    folder = ResultsFolder(memory)
    folder.write([DONE], 1, 1)
    for name in ("_open", "ls", "_rm", "rm_file"):
        monkeypatch.setattr(f"fsspec.implementations.memory.MemoryFileSystem.{name}", refuse)
    for work in (
        lambda: folder.write([DONE], 2, 1),
        folder.parts,
        lambda: list(folder.read(["part-00001-1.jsonl"])),
        lambda: folder.delete("part-00001-1.jsonl"),
        lambda: folder.write_note("state", {}),
    ):
        with pytest.raises(TemporaryError, match=r"memory://.*bucket/folder: AccessDenied"):
            work()


class TestWhere:
    @pytest.mark.parametrize(
        ("records", "base"),
        [
            ("{}/customers.csv", "customers.results"),
            ("{}/customers.csv.gz", "customers.results"),
            ("{}/v1.2.jsonl", "v1.2.results"),
            ("{}/in/", "in.results"),
            ("{}/in.d", "in.d.results"),
        ],
    )
    def test_beside_the_input(self, context: Any, tmp_path: Path, records: str, base: str) -> None:
        folder = results_folder(records.format(tmp_path), None, context)
        assert folder.url == f"{tmp_path}/{base}/customers/{RUN}/load"
        assert results_folder({"results": records.format(tmp_path)}, None, context).url == folder.url

    def test_beside_an_object(self, context: Any, memory: ObjectStoragePath) -> None:
        folder = results_folder(memory / "customers.csv", None, context)
        assert folder.url.endswith(f"bucket/folder/customers.results/customers/{RUN}/load")
        folder.write([DONE], 1, 1)
        assert list(ResultsFolder(storage_path(folder.url, "x")).read()) == [DONE]

    def test_an_account_stays(self, context: Any) -> None:
        folder = results_folder([], "s3://my_conn@lake/results", context)
        assert folder.url == f"s3://my_conn@lake/results/customers/{RUN}/load"

    def test_where_the_task_says(self, context: Any, tmp_path: Path) -> None:
        inputs: tuple[object, ...] = ([], f"{tmp_path}/customers.csv")
        for records in inputs:
            folder = results_folder(records, tmp_path / "out", context)
            assert folder.url == f"{tmp_path}/out/customers/{RUN}/load"

    def test_where_the_installation_says(
        self, context: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__WORKFLOWS__RESULTS_FOLDER", f" {tmp_path}/all ")
        assert results_folder([], None, context).url == f"{tmp_path}/all/customers/{RUN}/load"
        beside = results_folder(f"{tmp_path}/customers.csv", None, context)
        assert beside.url == f"{tmp_path}/customers.results/customers/{RUN}/load"

    def test_nowhere(self, context: Any) -> None:
        with pytest.raises(InvalidInput, match=r"Set results=, or \[workflows\] results_folder"):
            results_folder([{"a": 1}], None, context)

    def test_a_mapped_task_has_a_folder_for_each_index(self, tmp_path: Path) -> None:
        ti = SimpleNamespace(dag_id="d", run_id="r", task_id="t", map_index=3)
        assert results_folder([], tmp_path, {"ti": ti}).url == f"{tmp_path}/d/r/t/3"

    def test_no_name_leads_out_and_none_is_taken_for_another(self, tmp_path: Path) -> None:
        names = ["..", ".", "a/b", "a_b", "a:b", "a b", "é", "x" * 300, "x" * 301, "", ".a", "a"]
        found = set()
        for name in names:
            ti = SimpleNamespace(dag_id=name, run_id="r", task_id="t", map_index=-1)
            path = Path(results_folder([], tmp_path, {"ti": ti}).url)
            assert path.parts[:-3] == tmp_path.parts
            assert len(path.parts[-3]) < 120
            found.add(path)
        assert len(found) == len(names)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/data/a@b.csv", "/data/a@b.csv"),
        ("file:///data/a?b.csv", "/data/a?b.csv"),
        ("s3://conn@bucket/a.csv", "s3://bucket/a.csv"),
        ("s3://key:hush@bucket/a@b.csv?sig=hush", "s3://bucket/a@b.csv"),
        ("s3://key:hu/sh@bucket/a.csv", "s3://bucket/a.csv"),
        ("s3://bucket/a\n.csv", "s3://bucket/a .csv"),
        ("s3://bucket/" + "a" * 1000, "s3://bucket/" + "a" * 288),
    ],
)
def test_how_a_path_is_shown(path: str, text: str) -> None:
    assert shown(path) == text
