"""A copy of the project with a small study of its own, for tests that run the real workflow."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import warm_python
import yaml
from small_digits import write_digits

from scanline.figures import names as figure_names

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "config.yaml", "requirements.lock", "workflow", "profiles", "src")
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
NO_HOLES = dict.fromkeys(CONFIG["posterior"]["holes"], 0)

ASIDE = ("all", "keep_config")  # rules that compute nothing

TRAINING = {"epochs": 1, "batch_size": 16, "train_images": 32, "warmup_steps": 0}
SMOKE = {
    "results": "results",
    "dataset": "smoke",
    "tracking": "sqlite",
    "datasets": {
        "smoke": {
            "source": "digits",
            "binarise": "threshold",
            "threshold": 0.1,
            "validation_images": 16,
        }
    },
    "variants": {
        "lstm-8": {"cell": "lstm", "units": 8, "layers": 1},
        "gru-8": {"cell": "gru", "units": 8, "layers": 1},
        "gru-2x8": {"cell": "gru", "units": 8, "layers": 2, "inputs": "context"},
    },
    "cells": {"gate_biases": [0, 2, 4], "steps": 40, "sequences": 2},
    "classify": {"variants": ["lstm-8", "gru-8"], "training": TRAINING, "exceptions": []},
    "predict": {"variants": ["gru-8", "gru-2x8"], "training": TRAINING, "exceptions": []},
    "look_ahead": {"variants": ["gru-8"], "training": TRAINING, "exceptions": []},
    "complete": {
        "variants": ["gru-8", "gru-2x8"],
        "images": 40,
        "hidden_runs": [1, 28],
        "samples": 3,
    },
    "sample": {"variants": ["gru-8"], "images": 12},
    "inpaint": {"variants": ["gru-8"], "images": 12},
    "posterior": {
        "variants": ["gru-8"],
        "classifier": "gru-8",
        "holes": NO_HOLES | {"run-28": 2, "2x2": 3},
        "particles": 4,
        "calibration": {
            "holes": ["2x2"],
            "simulated": ["2x2"],
            "draws": 8,
            "bins": 4,
            "images": 2,
            "particles": [2, 4],
            "runs": 2,
        },
        "chains": 2,
        "moves": 1,
        "sweeps": 1,
        "samples": 4,
    },
}


@dataclass
class Study:
    """A project folder, and the small study in it."""

    folder: Path

    def configure(self, **changes) -> None:
        """Lays ``changes`` over the smoke study's config, key by key."""
        path = self.folder / "smoke.yaml"
        path.write_text(yaml.safe_dump(overlaid(yaml.safe_load(path.read_text()), changes)))

    def snakemake(
        self, *arguments: str, check: bool = True, configs: Sequence[str] = ("smoke.yaml",)
    ) -> str:
        """What Snakemake prints for the smoke study, or that of other ``configs``.

        Its own words come first, then those of its jobs: in one stream, a job's line may come
        between a message of Snakemake's and its end of line.
        """
        done = self.python("-m", "snakemake", "--configfile", *configs, *arguments)
        told = done.stderr + done.stdout
        assert done.returncode == 0 or not check, told
        return told

    def python(self, *words: str) -> subprocess.CompletedProcess:
        """``python *words`` in the project's folder, all its Python commands being warm ones."""
        here = Path(sys.executable).parent
        return subprocess.run(
            [warm_python.python(), *words],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": "", "PATH": f"{here}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
        )

    def planned(self, *arguments: str) -> Counter[str]:
        """How many jobs of each rule Snakemake would run now; {} where it has nothing to do."""
        plan = self.snakemake("--dry-run", "--cores", "1", *arguments)
        if "Nothing to be done" in plan:
            return Counter()
        table = plan.split("Job stats:")[1].split("total")[0]
        jobs = re.findall(r"^(\w+)\s+(\d+)\s*$", table, re.MULTILINE)
        return Counter({rule: int(count) for rule, count in jobs if rule not in ASIDE})

    def edit(self, path: str, old: str, new: str) -> None:
        """Replaces ``old``, which must be there, in a file of the copy."""
        file = self.folder / path
        text = file.read_text()
        assert old in text, f"{path} does not hold {old!r}"
        file.write_text(text.replace(old, new))


def figures_of_config() -> list[str]:
    """Names of the figures of the study that config.yaml describes."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    names = [figure_names.CELLS]
    for task, cell in (("classify", "lstm"), ("classify", "gru"), ("predict", "gru")):
        names += figure_names.curves(task, cell).values()
    complete = config["complete"]
    names += figure_names.completions(complete["hidden_runs"], complete["variants"])
    names += [figure_names.DISTANCES, *map(figure_names.sampled, config["sample"]["variants"])]
    for hole in config["inpaint"]["holes"]:
        names += figure_names.inpainting(hole, "gru-128").values()
    names.append(figure_names.POSTERIOR)
    for variant in config["posterior"]["variants"]:
        names += figure_names.posterior(variant).values()
        names += figure_names.calibration(variant).values()
    return names


def overlaid(below: dict, above: dict) -> dict:
    """Nested dicts merged key by key, as Snakemake lays config files over each other."""
    merged = dict(below)
    for key, value in above.items():
        nested = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = overlaid(merged[key], value) if nested else value
    return merged


def copy_core(folder: Path) -> None:
    """The project's core, where it is built: named by its sources, it is right or not used."""
    built = ROOT / "build/kernel"
    if built.is_dir():
        unfinished = shutil.ignore_patterns("tmp*", ".*", "lock")
        shutil.copytree(built, folder / "build/kernel", ignore=unfinished)


def copy_project(folder: Path) -> Study:
    """The project's sources, its core, the smoke study and generated digits, in ``folder``."""
    folder.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / part, ignore=ignored)
        else:
            shutil.copy2(source, folder / part)
    copy_core(folder)
    write_digits(folder / "digits", training=64, test=120, side=28)
    (folder / "smoke.yaml").write_text(yaml.safe_dump(SMOKE))
    return Study(folder)
