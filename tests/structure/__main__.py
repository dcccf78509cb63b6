"""
Prints what :mod:`tests.structure.test_structure` holds, as it is.

usage: python -m tests.structure
"""

from __future__ import annotations

import subprocess
import sys

from dev.layout import ROOT
from tests.structure import measure


def main() -> int:
    lengths, (uses, lines) = measure.lengths(), measure.untyped()
    print(f"functions: {len(measure.functions())}")
    print(f"  lines: median {lengths.median:g}, 90th percentile {lengths.percentile_90}")
    print(f"  longest: {lengths.longest.lines}, {lengths.longest.name}")
    sizes = measure.sizes()
    longest = max(sizes, key=lambda path: sizes[path])
    print(f"modules: {len(sizes)}; longest: {sizes[longest]} lines, {longest}")
    print("modules of the core's folders:", ", ".join(f"{room} {n}" for room, n in measure.rooms().items()))
    print(f"Any in the core: {uses} in {lines} lines of code, {100 * uses / lines:.1f} in 100")
    tests = [str(ROOT / "tests/structure/test_structure.py"), "-k", "steps"]
    return subprocess.run([sys.executable, "-m", "pytest", "-q", "-s", *tests], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
