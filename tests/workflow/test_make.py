"""Which Python ``make`` accepts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OTHER = """#!/bin/sh
exec {python} -c 'import sys; sys.version = "{version}"
sys.version_info = tuple(map(int, sys.version.split(".")))
exec(sys.argv[1])' "$2"
"""


@pytest.mark.parametrize("version", ["3.10.14", "3.14.0"])
def test_another_python_is_refused_in_one_line(tmp_path, version):
    python = tmp_path / "python"
    python.write_text(OTHER.format(python=sys.executable, version=version))
    python.chmod(0o755)
    for name in ("Makefile", "requirements.lock", "compiler.lock"):
        shutil.copy(ROOT / name, tmp_path)
    command = ["make", "run", f"PYTHON={python}"]
    # Under `make test`, make would take this one for its child and say so.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True)
    assert done.returncode
    first, *rest = done.stderr.splitlines()
    assert first == (
        f"scanline needs Python 3.11, 3.12 or 3.13; {python} is {version}. "
        "Name another, for example: make PYTHON=python3.13 run"
    )
    assert all(line.startswith("make") for line in rest)
    assert done.stdout == ""
    assert not (tmp_path / ".venv").exists()
