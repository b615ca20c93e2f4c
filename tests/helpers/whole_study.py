"""The small study, run to its end, and what made each of its files."""

import json
import shutil
from pathlib import Path

from filelock import FileLock
from study_copy import ROOT, Study, copy_project


def copied_project(folder: Path) -> Study:
    """The project's sources, with what the report reads and links: numbers, a page to play with."""
    study = copy_project(folder)
    for path in ("docs/results/figures.csv", "docs/play/index.html"):
        (folder / path).parent.mkdir(parents=True)
        shutil.copyfile(ROOT / path, folder / path)
    return study


def finished_once(folder: Path) -> Study:
    """The study in ``folder``, for all processes that ask: the first runs it, the others wait."""
    folder.mkdir(exist_ok=True)
    finished = folder / "finished"
    with FileLock(folder / "lock"):
        if not finished.exists():
            study = copied_project(folder / "project")
            study.snakemake("--cores", "2")
            finished.touch()
    return Study(folder / "project")


def made_by(finished: Study) -> dict[str, str]:
    """Of each file of the study, named from its folder of results: the rule that made it."""
    results = finished.folder / "results"
    plan = json.loads((results / "plan.json").read_text())["smoke"]
    rules = {
        path.parent.relative_to(results).as_posix(): json.loads(path.read_text())["script"]
        for path in results.rglob("run.json")
    }
    return {path: rules[str(Path(path).parent)] for path in plan}
