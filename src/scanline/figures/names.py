"""Names of the figures: what one shows, and the 2017 report's number for it where it has one."""

from collections.abc import Sequence

CELLS = "figure-cells"
POSTERIOR = "figure-posterior-nats"
DISTANCES = "figure-images-distances"
TRUTH = "figure-19-completion-truth"
DIGITS = ("a", "b", "c")  # completed well, badly, and with samples that vary much
_CURVES = {("classify", "lstm"): 1, ("classify", "gru"): 3, ("predict", "gru"): 5}
_RUNS = {10: 7, 28: 10, 300: 13}
_MODELS = {"gru-32": 20, "gru-64": 21, "gru-128": 22, "gru-3x32": 23}
_HOLES = {"1x1": 16, "2x2": 17}


def curves(task: str, cell: str) -> dict[str, str]:
    """Of the learning curves, by what they show: loss, accuracy."""
    first = _CURVES.get((task, cell))
    return {
        kind: _named(first and first + place, f"{task}-{cell}-{kind}")
        for place, kind in enumerate(("loss", "accuracy"))
    }


def digits(run: int) -> dict[str, str]:
    """Of the three digits shown for a hidden run, by letter."""
    first = _RUNS.get(run)
    return {
        letter: _named(first and first + place, f"completion-{run}-{letter}")
        for place, letter in enumerate(DIGITS)
    }


def first_samples(variant: str) -> str:
    """Of the mosaic of a model's first samples."""
    return _named(_MODELS.get(variant), f"completion-{variant}")


def inpainting(hole: str, variant: str) -> dict[str, str]:
    """Of the in-painting figures: histogram, difference, examples."""
    name = _named(_HOLES.get(hole), f"inpainting-{hole}-{variant}")
    return {
        "histogram": name,
        "difference": f"{name}-difference",
        "examples": _named(18, f"inpainting-{hole}-{variant}-examples"),
    }


def sampled(variant: str) -> str:
    """Of the images that a model drew from nothing."""
    return f"figure-images-{variant}"


def by_class(variant: str) -> str:
    """Of the images that a model drew of each class."""
    return f"figure-images-by-class-{variant}"


def posterior(variant: str) -> dict[str, str]:
    """Of what one model's posterior is worth: reliability, examples."""
    return {kind: f"figure-posterior-{kind}-{variant}" for kind in ("reliability", "examples")}


def calibration(variant: str) -> dict[str, str]:
    """Of how far one model's sampled posterior can be believed: ranks, errors, sizes."""
    return {kind: f"figure-calibration-{kind}-{variant}" for kind in ("ranks", "errors", "sizes")}


def completions(runs: Sequence[int], variants: Sequence[str]) -> list[str]:
    """All names of Task 2b's figures; one hidden pixel is too few for a picture of a digit."""
    shown = [name for run in sorted(runs) if run > 1 for name in digits(run).values()]
    return [*shown, TRUTH, *(first_samples(variant) for variant in variants)]


def _named(number: int | None, name: str) -> str:
    return f"figure-{number:02}-{name}" if number else f"figure-{name}"
