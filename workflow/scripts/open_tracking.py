"""Opens the tracking store once, before several jobs write to it.

Writes {results}/tracking/open.json.
"""

import json
import sys
from pathlib import Path

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from scanline.provenance import tracking
from scanline.provenance.bound import within
from scanline.provenance.store import load_mlflow

SECONDS = 90.0  # until a store that does not answer is left alone


def main(*, results: Path, seconds: float = SECONDS) -> None:
    """A store that cannot be reached is no failure, because results do not depend on it.

    Args:
        results: the study's folder of results
        seconds: after which a store that does not answer is left alone
    """

    def left_alone(reason: str) -> int:
        print(f"tracking: {reason}; the study goes on without it", file=sys.stderr)
        mark(results)
        return 0

    if tracking.address():
        silent = f"the tracking store {tracking.shown_address()} has no answer in {seconds:.0f} s"
        load_mlflow()
        try:
            with within(seconds, lambda: left_alone(silent)):
                tracking.open_store(results)
        except OSError as error:
            left_alone(str(error))
    mark(results)


def mark(results: Path) -> None:
    """Notes that the store was asked."""
    marker = results / "tracking" / "open.json"
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(json.dumps({"opened": True}) + "\n")


if __name__ == "__main__":
    tyro.cli(main, prog="open_tracking.py", description=__doc__)
