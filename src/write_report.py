"""Writes the study's page, one HTML file."""

from pathlib import Path

from scanline.provenance.stage import main
from scanline.report import page


def write_report(
    *,
    tables: tuple[Path, ...],
    comparisons: Path,
    cells: Path,
    figures: tuple[Path, ...],
    records: tuple[Path, ...],
    published: Path | None = None,
    posterior: Path | None = None,
    published_holes: Path | None = None,
    play: str = "",
    out: Path,
) -> None:
    """Writes report.html: all tables and figures, and how the numbers came about.

    Args:
        tables: table-{number}-{task}.csv files
        comparisons: comparisons.csv
        cells: cells.csv
        figures: all figures (.png)
        records: run.json files of the stages
        published: docs/results/figures.csv, for the numbers of other data sets
        posterior: posterior.csv
        published_holes: docs/results/posterior.csv, which a small study shows in place of its own
        play: address of a page to play with, seen from report.html, if there is one
        out: folder for report.html
    """
    page.write_report(
        out / "report.html",
        tables=tables,
        comparisons=comparisons,
        cells=cells,
        figures=figures,
        records=records,
        published=published,
        posterior=posterior,
        published_holes=published_holes,
        play=play,
    )


if __name__ == "__main__":
    main(write_report)
