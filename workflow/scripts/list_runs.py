"""Lists a study's current runs and what each was made from, from their records (``make runs``)."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from scanline.provenance.lineage import Lineage
from scanline.provenance.record import records_in


def main() -> None:
    """Exits 1 with one line where there are no results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results"))
    given = parser.parse_args()
    try:
        lineage = Lineage(records_in(given.results))
    except (ValueError, OSError) as error:
        sys.exit(f"list_runs: {error}")
    for record in lineage.in_order():
        print(
            f"{record.run_id[:8]}  {record.started[:16]}  {record.seconds:8.1f} s  {record.folder}"
        )
        for chain in lineage.chains(record):
            print(f"    {chain}")


if __name__ == "__main__":
    main()
