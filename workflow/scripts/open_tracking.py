"""Opens the tracking store, once, before several jobs write to it: {results}/tracking/open.json."""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from scanline.provenance import tracking


def main() -> None:
    """A store that cannot be reached is no failure: results do not depend on it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True)
    results = parser.parse_args().results
    if tracking.address():
        try:
            tracking.open_store(results)
        except OSError as error:
            print(f"tracking: {error}; the study goes on without it", file=sys.stderr)
    marker = results / "tracking" / "open.json"
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(json.dumps({"opened": True}) + "\n")


if __name__ == "__main__":
    main()
