"""Sends to the tracking store what it lacks of all results; doing it twice changes nothing."""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from scanline.provenance import tracking


def main() -> None:
    """Without SCANLINE_TRACKING the store inside the results folder is meant, if there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True)
    results = parser.parse_args().results
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
    main()
