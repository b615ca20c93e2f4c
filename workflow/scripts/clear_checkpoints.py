"""Removes checkpoints that no training has touched for 30 days.

A training that ends removes its own checkpoints, so these belong to trainings that were given up.
Snakemake calls this after a run that ended well.
"""

import shutil
import time
from pathlib import Path

import tyro

DAYS = 30


def main(*, results: Path) -> None:
    """Removes them, and says which.

    Args:
        results: the study's folder of results
    """
    for stage in sorted(path for path in (results / "checkpoints").glob("*") if path.is_dir()):
        try:
            written = max(path.stat().st_mtime for path in (stage, *stage.rglob("*")))
        except FileNotFoundError:  # its training goes on at this moment
            continue
        if time.time() - written > DAYS * 24 * 3600:
            print(f"{stage}: removed; nothing has touched it for {DAYS} days")
            shutil.rmtree(stage)


if __name__ == "__main__":
    tyro.cli(main, prog="clear_checkpoints.py", description=__doc__)
