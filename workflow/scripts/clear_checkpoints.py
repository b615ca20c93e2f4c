"""Removes checkpoints that nobody has gone on with for 30 days, after a run that ended well.

A training that ends removes its own; these are of trainings that were given up. Snakemake calls it.
"""

import argparse
import shutil
import time
from pathlib import Path

DAYS = 30


def main() -> None:
    """Says what it removes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True)
    checkpoints = parser.parse_args().results / "checkpoints"
    for stage in sorted(path for path in checkpoints.glob("*") if path.is_dir()):
        try:
            written = max(path.stat().st_mtime for path in (stage, *stage.rglob("*")))
        except FileNotFoundError:  # its training goes on at this moment
            continue
        if time.time() - written > DAYS * 24 * 3600:
            print(f"{stage}: given up {DAYS} days ago or before; removed")
            shutil.rmtree(stage)


if __name__ == "__main__":
    main()
