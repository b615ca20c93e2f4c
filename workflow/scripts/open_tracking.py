"""Opens the tracking store once, before several jobs write to it.

Writes {results}/tracking/open.json.
"""

import json
import sys
from pathlib import Path

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from scanline.provenance import tracking


def main(*, results: Path) -> None:
    """A store that cannot be reached is no failure, because results do not depend on it.

    Args:
        results: the study's folder of results
    """
    if tracking.address():
        try:
            tracking.open_store(results)
        except OSError as error:
            print(f"tracking: {error}; the study goes on without it", file=sys.stderr)
    marker = results / "tracking" / "open.json"
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(json.dumps({"opened": True}) + "\n")


if __name__ == "__main__":
    tyro.cli(main, prog="open_tracking.py", description=__doc__)
