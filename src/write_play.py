"""Writes a page to play with: a trained model in a browser, one HTML file."""

from pathlib import Path

from scanline.layout import Place
from scanline.models.classifier import load_classifier
from scanline.models.predictor import load_predictor
from scanline.provenance.stage import main
from scanline.report.playing import write_page


def write_play(*, model: Path, classifier: Path | None = None, out: Path) -> None:
    """Write index.html, in which a person hides a part of an image and the model completes it.

    Args:
        model: A trained model of the next pixel (model.keras).
        classifier: model.keras of a classifier that reads completed images, if there is one.
        out: Folder for index.html.
    """
    place = Place.find(model)
    reader = None if classifier is None else load_classifier(classifier)
    write_page(
        out / "index.html",
        load_predictor(model),
        reader,
        place.variant if place else model.parent.name,
    )


if __name__ == "__main__":
    main(write_play)
