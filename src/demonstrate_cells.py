"""Shows numerically what the two cells can keep, forget and imitate."""

from pathlib import Path

from scanline.models.demonstration import demonstrate, summary
from scanline.provenance.stage import main


def demonstrate_cells(
    *,
    gate_biases: tuple[float, ...],
    steps: int,
    units: int,
    sequences: int,
    seed: int,
    out: Path,
) -> None:
    """Show what an LSTM and a GRU can keep, forget and imitate: demonstration.csv and cells.csv.

    demonstration.csv has the columns demonstration (keep, copy or imitate), cell (lstm or gru),
    gate_bias, error (see models.demonstration) and bound (the proven upper bound, or empty);
    cells.csv has the gates' setting and the error at the ends.

    Args:
        gate_biases: Sizes of the biases that open or close a gate.
        steps: Length of the sequences over which a state is kept or forgotten.
        units: Width of the layers.
        sequences: How many sequences the largest error is taken over.
        seed: What the other weights and the sequences depend on.
        out: Folder for the two files.
    """
    table = demonstrate(
        gate_biases=gate_biases, steps=steps, units=units, sequences=sequences, seed=seed
    )
    table.to_csv(out / "demonstration.csv", index=False)
    summary(table).to_csv(out / "cells.csv", index=False)


if __name__ == "__main__":
    main(demonstrate_cells)
