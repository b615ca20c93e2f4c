"""Makes the study's tables, published values beside ours."""

from pathlib import Path
from typing import Literal

from scanline.evaluation.comparisons import comparisons
from scanline.evaluation.image_values import values_by_image
from scanline.evaluation.tables import NUMBER_OF, comparison, figures
from scanline.provenance.stage import main


def make_tables(
    *,
    scores: tuple[Path, ...],
    by_image: tuple[Path, ...] = (),
    out: Path,
    beside: Literal["report", "nothing"],
    pretrained: tuple[str, ...] = (),
) -> None:
    """Writes figures.csv (every number), a table for each of the report's tasks, comparisons.csv.

    Args:
        scores: scores.csv files, in {data}/{task}/{variant}/seed-{seed}/{stage}/
        by_image: what the stages say of each test image: predictions.npz, log_likelihoods.npz,
            by_image.csv, {hole}.npz; numbers without it have no interval
        out: folder for figures.csv, table-{number}-{task}.csv and comparisons.csv
        beside: nothing: the pixels are not the report's, so that its numbers are not comparable
        pretrained: models that were taken, not trained: {task}/{variant}/seed-{seed}
    """
    values = values_by_image(by_image)
    numbers = figures(scores, values, beside == "report", pretrained)
    numbers.to_csv(out / "figures.csv", index=False)
    for task in numbers["task"].unique():
        if task in NUMBER_OF:
            table = comparison(numbers, task, values)
            table.to_csv(out / f"table-{NUMBER_OF[task]}-{task}.csv", index=False)
    comparisons(values).to_csv(out / "comparisons.csv", index=False)


if __name__ == "__main__":
    main(make_tables)
