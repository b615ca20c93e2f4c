"""Lists a study's current runs and what each was made from, from their records (``make runs``)."""

import sys
from pathlib import Path

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from scanline.provenance.lineage import Lineage
from scanline.provenance.record import records_in
from scanline.study.kept import name_of


def main(*, results: Path = Path("results")) -> None:
    """Exits 1 with one line where there are no results, and one for each damaged record.

    Args:
        results: the study's folder of results
    """
    damaged: list[str] = []
    try:
        lineage = Lineage(records_in(results, damaged))
        print(f"{name_of(results)}:")
    except (ValueError, OSError) as error:
        sys.exit(f"list_runs: {error}")
    for record in lineage.in_order():
        print(
            f"{record.run_id[:8]}  {record.started[:16]}  {record.seconds:8.1f} s  {record.folder}"
        )
        for chain in lineage.chains(record):
            print(f"    {chain}")
    hours = sum(record.seconds for record in lineage.records.values()) / 3600
    print(f"{len(lineage.records)} runs, {hours:.2f} CPU-hours (a stage has one thread)")
    if damaged:
        sys.exit("\n".join(f"list_runs: {line}" for line in damaged))


if __name__ == "__main__":
    tyro.cli(main, prog="list_runs.py", description=__doc__)
