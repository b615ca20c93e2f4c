"""Sends the tracking store what it lacks of all results; doing it twice changes nothing."""

import os
import sys
from pathlib import Path

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from scanline.provenance import tracking
from scanline.provenance.bound import within
from scanline.provenance.store import load_mlflow
from scanline.study.kept import name_of, tracked_at

SECONDS = 120.0  # for one stage; the longest part is loading a model


def main(*, results: Path, seconds: float = SECONDS) -> None:
    """Exits 1 with one line where the store does not take all.

    Without SCANLINE_TRACKING the store is the one that the study's own config names.

    Args:
        results: the study's folder of results
        seconds: after which a store that does not answer is left alone, for each stage
    """
    try:
        os.environ[tracking.ADDRESS] = tracked_at(results)
        if not tracking.address():
            return
        load_mlflow()
        with within(seconds, lambda: failed(f"{store()} has no answer in {seconds:.0f} s")) as tell:
            added = tracking.send(results, tell)
    except (OSError, ValueError) as error:
        sys.exit(failed(str(error)))
    print(f"tracking: {added} stages sent to {tracking.shown_address()} from {name_of(results)}")


def store() -> str:
    return f"the tracking store {tracking.shown_address()}"


def failed(reason: str) -> int:
    print(f"tracking: {reason}; when that is mended, `make track` sends the rest", file=sys.stderr)
    return 1


if __name__ == "__main__":
    tyro.cli(main, prog="track_results.py", description=__doc__)
