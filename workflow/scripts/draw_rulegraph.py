"""Draws the rule graph of the study as docs/rulegraph.svg (needs Graphviz).

An arrow is left out where a longer way tells the same.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Exits 1 with one line where Graphviz is missing."""
    if not shutil.which("dot"):
        sys.exit("draw_rulegraph: dot is not on the PATH; install Graphviz (Debian: graphviz)")
    dot = subprocess.run(
        ["snakemake", "--rulegraph", "--quiet"], cwd=ROOT, check=True, capture_output=True
    ).stdout
    picture = ROOT / "docs" / "rulegraph.svg"
    picture.parent.mkdir(exist_ok=True)
    fewer = subprocess.run(["tred"], input=dot, check=True, capture_output=True).stdout
    subprocess.run(["dot", "-Tsvg", "-o", str(picture)], input=fewer, check=True)
    print(picture.relative_to(ROOT))


if __name__ == "__main__":
    main()
