"""`make conformance`: play Tekton's examples and print a table, also as JSON to a file."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

from tests.conformance.examples import Example, NoModule, find_examples
from tests.conformance.play import Outcome

_ORDER = ("failed", "not runnable", "passed")
_WIDTH = 250


def main() -> int:
    """Return 0 when no example failed, 1 when one did, 5 when there are none to play."""
    options = _options()
    try:
        examples = [each for each in find_examples() if re.search(options.only, each.name)]
    except NoModule as error:
        sys.stderr.write(f"error: {error}\n")
        return 5
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(lambda each: _play(each, options.limit), examples))
    outcomes.sort(key=lambda each: (_ORDER.index(each.result), each.name))
    if options.output:
        text = json.dumps([asdict(each) for each in outcomes], indent=1)
        Path(options.output).write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(_table(outcomes) + "\n")
    return 1 if any(each.result == "failed" for each in outcomes) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make conformance", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="examples at the same time")
    parser.add_argument("--limit", type=float, default=120, help="seconds for one example")
    parser.add_argument("--only", default="", metavar="REGEX", help="examples of such names")
    parser.add_argument("--output", metavar="FILE", help="write the outcomes there as JSON, too")
    return parser.parse_args()


def _play(example: Example, limit: float) -> Outcome:
    """Play an example in a process of its own, so that none can hold up or spoil another."""
    command = [sys.executable, "-m", "tests.conformance.play", example.name, str(example.path)]
    begun = time.monotonic()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            out, err = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.terminate()  # which cancels the run and ends its steps
            process.communicate()
            return Outcome(example.name, "failed", f"took more than {limit:g} s", limit)
    if process.returncode:
        last = err.strip().splitlines()[-1:] or ["no word"]
        return Outcome(example.name, "failed", f"ended {process.returncode}: {last[0]}")
    return replace(Outcome(**json.loads(out)), seconds=round(time.monotonic() - begun, 1))


def _table(outcomes: Sequence[Outcome]) -> str:
    width = max((len(each.name) for each in outcomes), default=0)
    lines = [
        f"{each.result:<12}  {each.name:<{width}}  {' '.join(each.why.split())}"[:_WIDTH].rstrip()
        for each in outcomes
    ]
    count = Counter(each.result for each in outcomes)
    total = ", ".join(f"{count[result]} {result}" for result in reversed(_ORDER))
    return "\n".join([*lines, "", f"{len(outcomes)} examples: {total}"])


if __name__ == "__main__":
    sys.exit(main())
