"""Builds limit.cc with the core's compiler; says where it lies and what the core runs here."""

import json
import subprocess
from pathlib import Path

from scanline.models import native

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build/bench/limit"
FLAGS = ("-std=c++17", "-O3", "-march=native", "-ffp-contract=fast")


def build() -> Path:
    """The compiled program; NoCompilerError where there is no compiler."""
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    source = Path(__file__).with_suffix(".cc")
    subprocess.run([*native.compiler(), *FLAGS, str(source), "-o", str(PROGRAM)], check=True)
    return PROGRAM


if __name__ == "__main__":
    core = {precision: native.instruction_set(precision) for precision in native.PRECISIONS}
    print(json.dumps({"program": str(build()), "core": core}))
