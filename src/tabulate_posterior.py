"""Puts together how well each model fills each hole, and the simpler ways beside it."""

from pathlib import Path

from scanline.evaluation.posterior import by_model
from scanline.provenance.stage import main


def tabulate_posterior(
    *,
    methods: tuple[Path, ...],
    forecasts: tuple[Path, ...],
    calibrations: tuple[Path, ...] = (),
    out: Path,
) -> None:
    """Writes posterior.csv, one line for each model, hole and method.

    Args:
        methods: methods.csv of the models, in {data}/posterior/{variant}/seed-{seed}/{stage}/
        forecasts: {hole}.npz of the same models, whose nats by image give the intervals
        calibrations: calibration.csv of the same models, beside which errors.csv lies
        out: folder for posterior.csv
    """
    by_model(methods, forecasts, calibrations).to_csv(out / "posterior.csv", index=False)


if __name__ == "__main__":
    main(tabulate_posterior)
