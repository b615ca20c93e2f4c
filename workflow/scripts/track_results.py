"""Sends the tracking store what it lacks of all results; doing it twice changes nothing."""

import os
import sys
from pathlib import Path

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from scanline.provenance import tracking


def main(*, results: Path) -> None:
    """Without SCANLINE_TRACKING the store is the one inside the results folder, if there is one.

    Args:
        results: the study's folder of results
    """
    store = (results / "mlflow" / "mlflow.db").resolve()
    if store.exists():
        os.environ.setdefault(tracking.ADDRESS, f"sqlite:///{store}")
    if not tracking.address():
        return
    try:
        added = tracking.send(results)
    except (OSError, ValueError) as error:
        print(f"tracking: {error}; `make track` tries again", file=sys.stderr)
        return
    print(f"tracking: {added} stages sent to {tracking.address()}")


if __name__ == "__main__":
    tyro.cli(main, prog="track_results.py", description=__doc__)
