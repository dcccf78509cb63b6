"""
The kill test: real processes are killed and frozen at random moments, and the effects counted at the sandbox.

usage: python -m tests.hostile.kill [--short] [--seed N]

Each round starts one thing at one vendor. SIGKILL strikes the attempt, half of the time at a known point,
half at any time, and a new attempt with a higher number runs to its end in a new process. Or SIGSTOP freezes
the attempt once its intent is written; the new one runs to its end elsewhere; then SIGCONT. A store in a
third process plays Airflow's task state store. Clocks go fifteen times as fast, but for the wall clock.

Exit code: 0 if each round had one effect and no frozen attempt sent anything after it went on; 1 if not.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from airflow_provider_workflows.sandbox.connections import ready_connections
from airflow_provider_workflows.sandbox.control import Control
from airflow_provider_workflows.sandbox.registry import load_declaration
from dev.layout import AIRFLOW_HOMES
from dev.process import interruptible
from dev.sandbox_process import running_sandbox
from tests.hostile.kill.rounds import SLOW, Plan, Result, Round, plans
from tests.hostile.kill.store import running_store
from tests.system.chaos.variants import STARTS, processes
from tests.system.chaos.vendor import Variant

FOLDER = AIRFLOW_HOMES / "kill-test"
#: What can be looked for at the vendor, so that one attempt may go on where another was struck.
VARIANTS: dict[str, Variant] = {one.name: one for one in STARTS if one.found == "always"}
#: Kills, freezes, and rounds at the same time.
LONG, SHORT = (200, 20, 6), (12, 3, 5)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.kill", description="The kill test.")
    parser.add_argument("--short", action="store_true", help="a few rounds, below a minute")
    parser.add_argument("--seed", type=int, default=14, metavar="N", help="for other moments")
    given = parser.parse_args()
    kills, freezes, lanes = SHORT if given.short else LONG
    planned = plans([*VARIANTS], kills=kills, freezes=freezes, seed=given.seed)
    folder = FOLDER / ("short" if given.short else "long")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    declared = folder / "processes.toml"
    declared.write_text(processes())
    with running_store() as port, running_sandbox(folder, processes=declared) as sandbox:
        _connect(sandbox.url, declared)
        _import()
        results = run(planned, url=sandbox.url, port=port, folder=folder, lanes=lanes)
    print(table(results))
    for one in results:
        if not one.is_good:
            print(f"{one.plan}: {one.effects} effects, points {one.points}, late {one.late} {one.failure}")
    return 0 if len(results) == len(planned) and all(one.is_good for one in results) else 1


def run(planned: Sequence[Plan], *, url: str, port: int, folder: Path, lanes: int) -> list[Result]:
    """Play all rounds, some at the same time, each lane in a process of its own."""
    for one in VARIANTS.values():
        Control(url).watch(one.mount, r"kill-\d+")
        Control(url).fault(one.mount, one.endpoint, "slow", seconds=SLOW, times=10 * len(planned))
    pids = [
        _lane(planned[lane::lanes], folder / f"lane-{lane}.jsonl", url=url, port=port, folder=folder)
        for lane in range(lanes)
    ]
    for pid in pids:
        os.waitpid(pid, 0)
    lines = (line for path in sorted(folder.glob("lane-*.jsonl")) for line in path.read_text().splitlines())
    return [Result.from_json(json.loads(line)) for line in lines]


def _lane(planned: Sequence[Plan], results: Path, *, url: str, port: int, folder: Path) -> int:
    if pid := os.fork():
        return pid
    try:
        control = Control(url, timeout=60)
        for plan in planned:
            played = Round(plan, VARIANTS[plan.variant], control=control, port=port, folder=folder).play()
            with results.open("a") as file:
                file.write(json.dumps(played.to_json()) + "\n")
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(0)


def _connect(url: str, declared: Path) -> None:
    for known in ready_connections(load_declaration(declared)):
        fields = known.fields(url)
        extra = {**fields["extra"], "timeout": 5, "proxies": {}}
        os.environ[f"AIRFLOW_CONN_{known.conn_id.upper()}"] = json.dumps({**fields, "extra": extra})


def _import() -> None:
    """Import here what all attempts need, so that each is a fork that has it."""
    import requests  # noqa: F401

    from airflow_provider_workflows.core.runtime.serialization import import_string

    for variant in VARIANTS.values():
        assert variant.how is not None
        import_string(f"airflow_provider_workflows.{variant.how.path}")


def table(results: Sequence[Result]) -> str:
    """Return the figures: a line a kind, vendor and point struck."""
    rounds: Counter[tuple[str, str, str]] = Counter()
    figures: dict[tuple[str, str, str], Counter[str]] = {}
    for one in results:
        key = one.plan.kind, VARIANTS[one.plan.variant].title, one.points[-1] if one.points else "-"
        rounds[key] += 1
        counts = figures.setdefault(key, Counter())
        counts["requests"] += one.requests
        counts["effects"] += one.effects
        counts["duplicates"] += max(0, one.effects - 1)
        counts["lost"] += one.effects == 0
        counts["late"] += one.late
    columns = ("requests", "effects", "duplicates", "lost", "late")
    head = f"{'':8}{'':32}{'struck':20}{'rounds':>8}" + "".join(f"{name:>12}" for name in columns)
    lines = [
        f"{kind:8}{title:32}{point:20}{rounds[kind, title, point]:8}"
        + "".join(f"{figures[kind, title, point][name]:12}" for name in columns)
        for kind, title, point in sorted(rounds)
    ]
    total = sum(figures.values(), Counter())
    last = f"{'all':60}{len(results):8}" + "".join(f"{total[name]:12}" for name in columns)
    return "\n".join([head, *lines, last])


if __name__ == "__main__":
    with interruptible():
        sys.exit(main())
