"""Importing the package changes nothing but what TensorFlow is to read; looked at in a process."""

import json
import os
import subprocess
import sys

from study_copy import ROOT

# First the libraries, which may do as they like, then every module of the package.
EVERYTHING = """
import ast, importlib, json, os, pkgutil
from pathlib import Path

for path in sorted(Path("src/scanline").rglob("*.py")):
    for node in ast.walk(ast.parse(path.read_text())):
        named = [node.module] if isinstance(node, ast.ImportFrom) else []
        named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in named:
            if not name.startswith("scanline"):
                importlib.import_module(name)

import matplotlib, numpy, random
from tensorflow.python.eager import context


def state():
    return {
        "environment": dict(os.environ),
        "style": repr(matplotlib.rcParams.copy()),
        "random": repr([random.getstate(), numpy.random.get_state()[1:], context.global_seed()]),
    }


before = state()
import scanline
names = [module.name for module in pkgutil.walk_packages(scanline.__path__, "scanline.")]
for name in names:
    importlib.import_module(name)
after = state()
new = after["environment"].items() - before["environment"].items()
same = {key: before[key] == after[key] for key in ("style", "random")}
print(json.dumps([len(names), same, dict(new)]))
"""
JOB = """
import os
import scanline
print(os.environ["TF_NUM_INTRAOP_THREADS"])
"""


def told(program: str, **more: str) -> str:
    """What a program prints last; TensorFlow's own variables are not in its environment."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "KERAS_", "MPL"))}
    environment = kept | {"PYTHONPATH": "src", "OMP_NUM_THREADS": "3"} | more
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_every_module_can_be_imported_without_a_trace():
    count, same, environment = json.loads(told(EVERYTHING))
    assert count > 60
    assert same == {"style": True, "random": True}
    assert environment == {
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTRAOP_THREADS": "3",
        "TF_NUM_INTEROP_THREADS": "1",
    }


def test_a_job_has_its_own_number_of_threads_whatever_it_inherits():
    """Snakemake imports the package too, with the number of threads of its own process."""
    assert told(JOB, TF_NUM_INTRAOP_THREADS="8") == "3"
