"""Samples the hidden runs of cut images from a model of the next pixel."""

from pathlib import Path

from scanline.data.other_data import mark
from scanline.files import load_arrays, save_arrays
from scanline.inference.drawn_classes import complete_over_classes
from scanline.models.predictor import load_predictor
from scanline.provenance.stage import main


def sample_completions(
    *, model: Path, hidden: Path, samples: int, seed: int, other_data: bool = False, out: Path
) -> None:
    """Draw the pixels from the cut on, several times for each image: samples.npz.

    The longest hidden run is drawn; the first pixels of a sample are a sample of a shorter run. A
    model that reads labels is not told them.

    Args:
        model: A trained model of the next pixel (model.keras).
        hidden: The cut images (hidden.npz).
        samples: How many samples of each image.
        seed: What the draws depend on.
        other_data: The model was trained on other images, made alike; the file says on which.
        out: Folder for the file.
    """
    arrays, description = load_arrays(hidden, "pixels", "indices", optional=("labels",))
    predictor = load_predictor(model, description, other_data)
    predictor.check_raster("a hidden run")
    completions = complete_over_classes(
        predictor,
        arrays["pixels"],
        cut=description["cut"],
        length=max(description["hidden_runs"]),
        samples=samples,
        seed=seed,
    )
    save_arrays(
        out / "samples.npz",
        description | mark(predictor, other_data),
        **completions._asdict(),
        indices=arrays["indices"],
        labels=arrays.get("labels"),
    )


if __name__ == "__main__":
    main(sample_completions, gpu=True)
