"""Mutation testing: faults planted one by one in the code that decides numbers; do tests notice?

A mutant (``faults``) is written into a copy of the project and judged by its module's tests there:
the file that mirrors it and those that import it; where none mirrors it, those of the modules that
use it. Each is judged in a fork of a process that has imported TensorFlow. The seed draws the
order, so a run that is cut short is a random sample. What was judged stands in
build/mutants/log.csv and is not judged again, a survivor only until its tests change.
equivalent_mutants.yaml lists those that compute the same, and why.
"""

import csv
import hashlib
import importlib
import os
import random
import re
import resource
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

import tyro
import yaml
from faults import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src/scanline"
WINGS = ("inference", "training", "models", "holes", "data", "evaluation")
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.yaml")
FOLDER = ROOT / "build/mutants"
LOG = FOLDER / "log.csv"
COPIED = ("src", "tests", "workflow", "docs", "pretrained", "profiles", "build/kernel")
FIELDS = ("wing", "module", "mutant", "outcome", "seconds", "by", "source", "tests")


def mutants(
    *,
    sample: int = 0,
    seed: int = 0,
    wings: tuple[str, ...] = WINGS,
    jobs: int = 1,
    minutes: float = 1e4,
    limit_s: int = 120,
    least: float = 0.0,
) -> None:
    """Judges mutants that are not known to compute the same; says what was not killed.

    Args:
        sample: how many, 0: all
        seed: of their choice and order
        wings: of the package
        jobs: processes
        minutes: after which none is begun
        limit_s: seconds of computing for one, five times that by the clock; then undecided
        least: share of those decided that must be killed, or it exits with 1
    """
    for heavy in ("tensorflow", "pandas", "scipy.stats", "hypothesis", "pytest"):
        importlib.import_module(heavy)  # once, for all forks
    paths = [path for wing in wings for path in sorted((PACKAGE / wing).glob("*.py"))]
    every = [m for path in paths for m in mutants_of(PACKAGE, str(path.relative_to(PACKAGE)))]
    same = yaml.safe_load(EQUIVALENT.read_text()) or {}
    drawn = [mutant for mutant in every if mutant.name not in same.get(mutant.module, {})]
    random.Random(seed).shuffle(drawn)
    drawn = drawn[: sample or None]
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not LOG.exists():
        LOG.write_text(",".join(FIELDS) + "\n")
    known = judged()
    todo = [mutant for mutant in drawn if (mutant.module, mutant.name) not in known]
    end = time.monotonic() + 60 * minutes
    for job in range(jobs):
        if not os.fork():
            _work(todo[job::jobs], FOLDER / f"tree-{job}", limit_s, end)
            os._exit(0)
    failed = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(jobs)]
    known = judged()
    rows = [known[each] for each in ((m.module, m.name) for m in drawn) if each in known]
    for row in rows:
        if row["outcome"] != "killed":
            print(f"{row['outcome']}: {row['module']}: {row['mutant']}")
    killed = sum(row["outcome"] == "killed" for row in rows)
    print(
        f"mutants: {killed} of {len(rows)} killed; {len(every)} in all, of which "
        f"{sum(map(len, same.values()))} are known to compute the same"
    )
    if any(failed):
        sys.exit("mutants: the tests could not be run; see above")
    decided = sum(row["outcome"] != "undecided" for row in rows)
    if killed < least * decided or not rows:
        sys.exit(f"mutants: less than {least:.0%} were killed; write the tests that notice them")


def judged() -> dict[tuple[str, str], dict[str, str]]:
    """The log's rows that still hold, by module and mutant."""
    with open(LOG, newline="") as file:
        rows = list(csv.DictReader(file))
    now = {m: (_hash(PACKAGE / m), _hash(*judges_of(m))) for m in {row["module"] for row in rows}}
    return {
        (row["module"], row["mutant"]): row
        for row in rows
        if row["source"] == now[row["module"]][0]
        and (row["outcome"] == "killed" or row["tests"] == now[row["module"]][1])
    }


def judges_of(module: str) -> list[Path]:
    """The test files that judge a module's mutants, its own first."""

    def own(path: Path) -> Path:
        return ROOT / f"tests/{path.parent.name}/test_{path.stem}.py"

    wing, name = module.removesuffix(".py").split("/")
    used = re.compile(rf"scanline\.{wing}\.{name}\b|from scanline\.{wing} import [^\n]*\b{name}\b")
    tests = [path for each in WINGS for path in sorted((ROOT / "tests" / each).glob("test_*.py"))]
    found = [path for path in tests if path == own(PACKAGE / module)]
    if not found:
        users = [path for path in PACKAGE.glob("*/*.py") if used.search(path.read_text())]
        found = [own(path) for path in users if own(path) in tests]
    importing = [path for path in tests if used.search(path.read_text())]
    found += sorted(importing, key=lambda path: path.parent.name != wing)
    return list(dict.fromkeys(found or [ROOT / "tests/workflow/test_scripts.py"]))


def _hash(*paths: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]


def _work(todo: list[Mutant], tree: Path, limit_s: int, end: float) -> None:
    """Judges mutants until the time ``end``, in a copy of the project at ``tree``."""
    shutil.rmtree(tree, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__", "lock")
    for part in COPIED:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, tree / part, ignore=ignored)
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy2(path, tree)
    sound = Mutant("holes/named.py", "", (PACKAGE / "holes/named.py").read_text())
    if _judge(sound, tree, 300)[0] != "survived":
        raise RuntimeError(f"tests fail without a mutation: {tree / 'output.txt'}")
    for mutant in todo:
        if (start := time.monotonic()) > end:
            return
        outcome, by = _judge(mutant, tree, limit_s)
        seconds = f"{time.monotonic() - start:.1f}"
        now = _hash(PACKAGE / mutant.module), _hash(*judges_of(mutant.module))
        wing = mutant.module.split("/")[0]
        with open(LOG, "a", newline="") as file:
            row = (wing, mutant.module, mutant.name, outcome, seconds, by, *now)
            csv.writer(file).writerow(row)


def _judge(mutant: Mutant, tree: Path, limit_s: int) -> tuple[str, str]:
    """killed, survived or undecided (too slow); and the first test that failed."""
    place, failed = tree / "src/scanline" / mutant.module, tree / "failed.txt"
    original = place.read_text()
    place.write_text(mutant.text)
    failed.write_text("")
    if not (child := os.fork()):
        resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s))
        signal.alarm(5 * limit_s)  # others may compute beside it
        _test([str(path.relative_to(ROOT)) for path in judges_of(mutant.module)], tree, failed)
    try:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        place.write_text(original)
    if code in (3, 5):  # pytest's: an error of its own, no tests
        raise RuntimeError(f"pytest ended with {code}: {tree / 'output.txt'}")
    slow = code in (-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGALRM)
    outcome = "undecided" if slow else "killed" if code else "survived"
    return outcome, failed.read_text()


def _test(tests: list[str], tree: Path, failed: Path) -> None:
    """Runs the tests in ``tree`` and ends the process with pytest's exit code."""
    import pytest

    class Teller:
        def pytest_runtest_logreport(self, report):
            if report.failed:
                failed.write_text(report.nodeid)

    with open(tree / "output.txt", "w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.chdir(tree)
    os.environ |= {"PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    sys.dont_write_bytecode = True
    sys.path[:] = [p for p in sys.path if Path(p) not in (ROOT / "src", ROOT / "tests/helpers")]
    options = ["-xq", "--assert=plain", "-pno:cacheprovider", f"--basetemp={tree / 'tmp'}"]
    code = 3
    try:
        code = int(pytest.main([*options, *tests], plugins=[Teller()]))
    except BaseException:
        traceback.print_exc()
    os._exit(code)


if __name__ == "__main__":
    tyro.cli(mutants)
