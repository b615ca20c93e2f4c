"""The report's figures: what a figure's name says, and the caption that follows from it."""

import base64
import re
from pathlib import Path
from typing import NamedTuple

from scanline.evaluation.quantities import ENOUGH

KINDS = {  # of figures, by how their names go on after the number (figures.names)
    "cells": r"cells$",
    "classify": r"classify-",
    "predict": r"predict-",
    "look_ahead": r"look_ahead-",
    "digit": r"completion-\d+-[abc]$",
    "mosaic": r"completion-",
    "images": r"images-",
    "inpainting": r"inpainting-",
    "posterior": r"posterior-",
    "calibration": r"calibration-",
}
CELLS = (
    "The error falls roughly as exp(−b) with the size b of the gate's bias, down to the rounding of"
    " 32-bit numbers. Dotted lines are proven bounds; triangles mark errors of exactly zero. The"
    " distance between the report's GRU and the nearest LSTM does not fall to zero."
)
CURVES = (
    "Solid lines are held-out images, dashed lines are training images. A model whose dashed line"
    " {is_better} its solid one has begun to memorise its training images. Faint lines are raw"
    " values and strong lines are smoothed; a curve of few epochs shows its points unsmoothed."
)
LOOK_AHEADS = (
    "{quantity} of the look-aheads against training steps: hidden pixels of random holes in images"
    " that the model drew. Solid lines are held-out images, dashed lines are training images. Nats"
    " are by pixel of the image, hidden or not."
)
BETTER = {"loss": "falls well below", "accuracy": "rises well above"}
DIGITS = {
    "a": "Completed well",
    "b": "Completed badly",
    "c": "Samples that vary much",
}
INPAINTINGS = {
    "cross-entropies": (
        "cross-entropies of the true images (grey) and the in-painted ones (line): the bulk, and"
        " all on a logarithmic axis. The two hardly differ, because a patch is a small part of an"
        " image."
    ),
    "difference": (
        "how much higher the cross-entropy of the truth is than that of its in-painting. It is zero"
        " where the patch is restored; the model finds the images in the tail odd."
    ),
    "examples": (
        "the image with its hidden patch (grey); below, the framed part close up: the truth, and"
        " the most probable completion (orange is ink). The first images that are restored come"
        " first, then the first that are not."
    ),
}
IMAGES = {
    "distances": (
        "In how many pixels the nearest training image differs: from sampled images (line) and from"
        " test images (filled). Copies of training images would stand far to the left."
    ),
    "model": (
        "Images that {model} sampled from nothing (orange), each with the training image on its"
        " right that differs in the fewest pixels (black)."
    ),
    "by class": "Images that {model} sampled, told nothing but their class: one class in each row.",
}
POSTERIORS = {
    "nats": (
        "The cost of the truth, by hole: given only the pixels before (squares), by the"
        " look-ahead alone (stars), and given all observed pixels (circles: exact, diamonds:"
        " sampled). Percentages compare the posterior"
        " with the prefix."
    ),
    "reliability": (
        "{model}: how often pixels are ink, against the probability that was forecast. A calibrated"
        " forecast lies on the diagonal. Bins of fewer than 10 pixels are left out."
    ),
    "examples": (
        "{model}: one hole in each row, in the first image that has ink there. Grey is hidden,"
        " orange is filled-in ink; the last column shows the probability of ink."
    ),
}
CALIBRATIONS = {
    "ranks": (
        "where the truth ranks in the sampled posterior, for images that the model drew itself. The"
        " ranks are even if the posterior is right; the grey band holds 99 % of even counts."
    ),
    "errors": (
        "how far sequential Monte Carlo is from the exact posterior or, for large holes (dashed),"
        " from all runs with the most particles. The grey line falls as one over the root of the"
        f" number of particles. Below, the effective sample size; its grey line is at {ENOUGH}."
    ),
    "sizes": "how many particles still count after each pixel, in raster order.",
}


class Picture(NamedTuple):
    """A figure, its place in the report, and its caption.

    Of the figures of a ``group`` the reader sees one at a time, chosen by the parts of ``choice``.
    """

    name: str  # its file's, without the ending
    kind: str  # a key of KINDS
    number: int | None  # in the 2017 report
    caption: str
    group: str
    choice: str
    source: str  # the image as a data address


def picture(path: Path) -> Picture:
    """The figure of a .png file; ValueError where its name is not one of the study's."""
    number = re.match(r"figure-(\d+)-", path.name)
    encoded = base64.b64encode(path.read_bytes()).decode()
    return Picture(
        path.stem,
        kind_of(path.stem),
        int(number[1]) if number else None,
        *caption_of(path.stem),
        source=f"data:image/png;base64,{encoded}",
    )


def kind_of(name: str) -> str:
    """What a figure of this name shows, a key of KINDS; ValueError for a name of no figure."""
    for kind, pattern in KINDS.items():
        if re.match(pattern, _shown(name)):
            return kind
    raise ValueError(f"{name} is not a figure of the study; its kinds are {', '.join(KINDS)}")


def caption_of(name: str) -> tuple[str, str, str]:
    """The caption of a figure of this name, its group and its choice; "" where it has none."""
    kind, (_, *parts) = kind_of(name), _shown(name).split("-")
    match kind:
        case "cells":
            return CELLS, "", ""
        case "classify":
            quantity = {"loss": "Cross-entropy", "accuracy": "Accuracy"}[parts[1]]
            of = f"the {parts[0].upper()} classifiers"
            curves = CURVES.format(is_better=BETTER[parts[1]])
            return f"{quantity} of {of} against training steps. {curves}", "", ""
        case "predict":
            quantity = {"loss": "Cross-entropy", "accuracy": "Pixel accuracy"}[parts[1]]
            curves = CURVES.format(is_better=BETTER[parts[1]])
            return f"{quantity} of the next-pixel models against training steps. {curves}", "", ""
        case "look_ahead":
            quantity = {"loss": "Cross-entropy", "accuracy": "Accuracy"}[parts[1]]
            return LOOK_AHEADS.format(quantity=quantity), "", ""
        case "digit":
            run, shown = parts[0], DIGITS[parts[1]]
            caption = (
                f"{shown}, {run} hidden pixels: one model in each row, with the original, what is"
                " hidden, and the model's samples. Orange is drawn ink, grey is hidden. A rule over"
                " all models chose the image, not a person's eye."
            )
            return caption, "digits", f"{run}|{shown.lower()}"
        case "mosaic":
            model = "-".join(parts)
            if model == "truth":
                return "The images, and where they are cut.", "mosaics", "ground truth and hidden"
            caption = f"The first sample of every image, drawn by {model}. Orange is drawn ink."
            return caption, "mosaics", model
        case "images":
            shown = "by class" if parts[:2] == ["by", "class"] else "model"
            model = "-".join(parts[2:] if shown == "by class" else parts)
            return IMAGES.get(model, IMAGES[shown].format(model=model)), "", ""
        case "inpainting":
            hole, *rest = parts
            shown = rest.pop() if rest[-1] in INPAINTINGS else "cross-entropies"
            model = "-".join(rest)
            caption = f"{model}, patches of {hole}: {INPAINTINGS[shown]}"
            return caption, "inpaint-figure", f"{model}|{hole}|{shown}"
        case "posterior":
            return POSTERIORS[parts[0]].format(model="-".join(parts[1:])), "", ""
        case _:
            return f"{'-'.join(parts[1:])}: {CALIBRATIONS[parts[0]]}", "", ""


def _shown(name: str) -> str:
    return re.sub(r"^figure-(\d+-)?", "", name)
