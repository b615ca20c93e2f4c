"""Makes the study's tables, published values beside ours."""

from pathlib import Path
from typing import Literal

from scanline.command import main
from scanline.tables import NUMBER_OF, comparison, figures


def make_tables(
    *,
    scores: tuple[Path, ...],
    out: Path,
    beside: Literal["report", "nothing"] = "report",
    pretrained: tuple[str, ...] = (),
) -> None:
    """Writes figures.csv (every number) and one table a task, over seeds.

    Args:
        scores: scores.csv files, in {data}/{task}/{variant}/seed-{seed}/{stage}/
        out: folder for figures.csv and table-{number}-{task}.csv
        beside: nothing: the pixels are not the report's, so that its numbers are not comparable
        pretrained: models that were taken, not trained: {task}/{variant}/seed-{seed}
    """
    numbers = figures(scores, beside == "report", pretrained)
    numbers.to_csv(out / "figures.csv", index=False)
    for task in numbers["task"].unique():
        table = comparison(numbers, task)
        table.to_csv(out / f"table-{NUMBER_OF[task]}-{task}.csv", index=False)


if __name__ == "__main__":
    main(make_tables)
