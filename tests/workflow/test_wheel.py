"""The wheel: what is in it, and that the README's ten lines run where it alone is installed.

It is built from the sdist, as an index would get it, and installed by uv into an empty environment
outside of the repository. Its dependencies are not installed again: a .pth file names this
environment's packages, with those of the extra scanline[study] blocked. That pyproject.toml names
all dependencies is tested by the imports.
"""

import ast
import email
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import matplotlib
import pytest

from scanline.models import native

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
README = (ROOT / "README.md").read_text()
BLOCKED = """
import sys
for name in ("mlflow", "snakemake", "psycopg2"):
    sys.modules[name] = None
"""
AFTER = """
assert done.samples.shape == (16, 28, 28)
assert (done.samples[:, ~hidden] == images[0][~hidden]).all()
assert model.log_likelihood(images).shape == (16,)
assert "site-packages" in scanline.__file__, scanline.__file__
assert "site-packages" in str(scanline.catalogue.pretrained())
"""


def run(*command, **settings) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=600, **settings
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A folder with the sdist and the wheel that is built from it."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT)
    return out


@pytest.fixture(scope="module")
def wheel(built) -> Path:
    (path,) = built.glob("scanline-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The bin folder of an environment with the wheel."""
    uv = shutil.which("uv") or shutil.which("uv", path=Path(sys.executable).parent)
    if not uv:
        pytest.skip("uv is not installed; `make env` installs it")
    folder = tmp_path_factory.mktemp("environment") / "env"
    run(uv, "venv", "--quiet", "--python", sys.executable, folder)
    python = folder / "bin/python"
    run(uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", python, wheel)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def elsewhere(folder: Path) -> dict[str, str]:
    """An environment in which neither the checkout nor its build of the core is found."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "TF_CPP_MIN_LOG_LEVEL")}
    cache = {"XDG_CACHE_HOME": str(folder / "cache"), "MPLCONFIGDIR": matplotlib.get_cachedir()}
    return kept | cache | {"MPLBACKEND": "agg", "CUDA_VISIBLE_DEVICES": "-1"}


def test_both_are_sound(built):
    twine = [sys.executable, "-m", "twine", "check", "--strict"]
    assert run(*twine, *sorted(built.iterdir())).stdout.count("PASSED") == 2
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert {"Snakefile", "config.yaml", "src/train_predictor.py", "LICENSE"} < names
    assert not [name for name in names if name.startswith(("build/", "results", ".venv", "data/"))]


def test_the_wheel_holds_the_package_alone_and_all_that_it_reads(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.partition("/")[0] for name in names} == {
        "scanline",
        f"scanline-{PROJECT['version']}.dist-info",
    }
    package = ROOT / "src/scanline"
    files = [p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    models = sorted((ROOT / "pretrained").glob("*/*/*/*/model.keras"))
    wanted = {path.relative_to(ROOT / "src").as_posix() for path in files}
    wanted |= {f"scanline/{path.relative_to(ROOT).as_posix()}" for path in models}
    assert len(models) > 10
    assert wanted | {"scanline/pretrained/figures.csv"} <= names
    assert {Path(name).suffix for name in names} <= {
        *(".py", ".csv", ".j2", ".cc", ".h", ".keras", ".json", ".md", ".png", ""),
        *(".txt", ".css", ".js", ".c"),
    }


def test_the_study_s_tools_are_an_extra(wheel):
    with zipfile.ZipFile(wheel) as file:
        (name,) = [name for name in file.namelist() if name.endswith("/METADATA")]
        metadata = email.message_from_bytes(file.read(name))
    needed = metadata.get_all("Requires-Dist")
    extra = {line.partition(";")[0] for line in needed if "extra == 'study'" in line}
    assert {re.split(r"[\[=]", line)[0] for line in extra} == {
        *("mlflow", "psycopg2-binary", "snakemake"),
        *("snakemake-executor-plugin-cluster-generic", "snakemake-executor-plugin-slurm"),
        "snakemake-logger-plugin-rich",
    }


def names_of(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[=<>;]", line)[0].strip() for line in requirements}


def imported(node: ast.AST, inside: bool = False) -> set[tuple[str, bool]]:
    """The root names that a module imports, each with whether a function does."""
    found: set[tuple[str, bool]] = set()
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import):
            found |= {(alias.name.partition(".")[0], inside) for alias in child.names}
        elif isinstance(child, ast.ImportFrom):
            found.add(((child.module or "").partition(".")[0], inside))
        found |= imported(child, inside or isinstance(child, ast.FunctionDef))
    return found


def test_every_import_is_a_dependency():
    """What a module imports is needed by all; what a function imports may be of an extra."""
    always = names_of(PROJECT["dependencies"])
    either = always.union(*map(names_of, PROJECT["optional-dependencies"].values()))
    owners = packages_distributions()
    for path in sorted((ROOT / "src/scanline").rglob("*.py")):
        for name, inside in imported(ast.parse(path.read_text())):
            if name in sys.stdlib_module_names or name == "scanline":
                continue
            held = {owner.lower() for owner in owners[name]}
            later = inside or path.name == "served.py"  # which MLflow alone imports
            assert held & (either if later else always), f"{path} imports {name}"


def test_the_ten_lines_run_where_the_wheel_alone_is_installed(installed, tmp_path):
    """As they stand in the README, but for fewer particles; nothing is written to stderr."""
    block = re.search(r"```python\n(import numpy as np\nimport scanline.*?)```", README, re.DOTALL)
    assert block
    few = "samples=16, seed=0, particles=8, runs=2, moves=1)"
    program = block[1].replace("samples=16, seed=0)", few)
    assert few in program
    environment = elsewhere(tmp_path)
    kernel = tmp_path / "cache/scanline/kernel"
    kernel.mkdir(parents=True)
    if any(map(shutil.which, ("c++", "g++", "clang++"))):
        # It is named by its sources, so that the wheel's find it, and no other one is built.
        core = native.build(native.compiler())
        for path in (core, core.with_suffix(".sha256")):
            shutil.copy(path, kernel)
    words = [installed / "python", "-c", BLOCKED + program + AFTER]
    done = run(*words, cwd=tmp_path, env=environment)
    assert done.stderr == ""
    assert "gru-128-context" in done.stdout
    assert (tmp_path / "completed.png").stat().st_size > 10_000
    assert len(list(kernel.glob("*.so"))) <= 1


def test_the_command_is_installed(installed, tmp_path):
    environment = elsewhere(tmp_path)
    done = run(installed / "scanline", "models", cwd=tmp_path, env=environment)
    assert "gru-128-context" in done.stdout
    refused = subprocess.run(
        [installed / "scanline", "study"], cwd=tmp_path, env=environment, capture_output=True
    )
    assert refused.returncode == 1
    assert b"the study needs a checkout of the project" in refused.stderr
