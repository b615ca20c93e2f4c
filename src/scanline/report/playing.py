"""A page to play with: a next-pixel model in a browser, one HTML file that fetches nothing.

A person draws an image, hides a part, and sees what the model makes of it. The page computes by
itself: ``play/model.js`` is the mathematics, the same particles as ``inference.smc``, on the
weights that stand in the file; ``play/product.c`` is built into ``play/product.wasm.txt``.
"""

import base64
import json
from pathlib import Path

import keras
import numpy as np
from jinja2 import Environment, StrictUndefined

from scanline.data.pixels import same_pixels
from scanline.inference.ancestral import sample_images
from scanline.models.architecture import extras_of
from scanline.models.classifier import Classifier
from scanline.models.inputs import neighbourhood
from scanline.models.predictor import Predictor
from scanline.models.stack import RecurrentStack

PARTS = Path(__file__).with_name("play")
CELLS = ("gru", "lstm")  # that model.js computes
DRAWN = 256  # images, of which the examples are chosen


def write_page(
    path: Path, predictor: Predictor, classifier: Classifier | None, name: str, seed: int = 1
) -> None:
    """Writes the page of a ``predictor``, which it calls ``name``.

    The ``classifier``, where there is one, reads what the predictor draws; ``seed`` decides the
    examples. Raises ValueError for a cell, or for extras of a model, that the page cannot compute,
    and for a classifier of pixels that were made otherwise.
    """
    if classifier is not None:
        same_pixels(predictor.pixels, classifier.pixels, "the classifier", other_data=True)
    known = {
        "product": (PARTS / "product.wasm.txt").read_text().strip(),
        "predictor": told_predictor(predictor),
        "classifier": classifier and told_classifier(classifier),
        "examples": examples(predictor, classifier, seed),
    }
    environment = Environment(undefined=StrictUndefined, autoescape=True, trim_blocks=True)
    html = environment.from_string((PARTS / "page.html.j2").read_text()).render(
        name=name,
        rows=predictor.pixels["rows"],
        columns=predictor.pixels["columns"],
        reads=classifier is not None,
        style=(PARTS / "page.css").read_text(),
        model=(PARTS / "model.js").read_text(),
        script=(PARTS / "page.js").read_text(),
        known=json.dumps(known, separators=(",", ":")),
    )
    path.write_text(html)


def examples(predictor: Predictor, classifier: Classifier | None, seed: int) -> list[dict]:
    """Images that the model drew from nothing: of each class the one that is read most clearly."""
    size = predictor.pixels["rows"] * predictor.pixels["columns"]
    drawn = sample_images(predictor, DRAWN, size, seed)
    if classifier is None:
        chosen = {f"image {n + 1}": image for n, image in enumerate(drawn[:10])}
    else:
        log_probs = classifier.log_probs(drawn)
        read = log_probs.argmax(axis=1)
        chosen = {
            str(label): drawn[np.where(read == label, log_probs[:, label], -np.inf).argmax()]
            for label in sorted(set(read.tolist()))
        }
    return [
        {"name": name, "pixels": "".join(map(str, image.tolist()))}
        for name, image in chosen.items()
    ]


def told_predictor(model: Predictor) -> dict:
    """What model.js must know of a predictor; ValueError for one that it cannot compute."""
    for name, value in extras_of({**model.settings, "labels": model.classes > 0}).items():
        raise ValueError(
            f"{name} is {value}, which the page cannot compute; choose a variant without it"
        )
    reads = model.inputs_of
    context = reads.kind == "context"
    return {
        **_stack(model.stack, model.pixels),
        "behind": 1,
        "neighbours": neighbourhood(reads.radius) if context else [],
        "places": context,
        "head": {"kernel": _base64(model.logit.kernel), "bias": _base64(model.logit.bias)},
    }


def told_classifier(model: Classifier) -> dict:
    """What model.js must know of a classifier; batch norm becomes a part of the layer after it."""
    first, hidden, second, logits = model.head
    return {
        **_stack(model.stack, model.pixels),
        "behind": 0,
        "neighbours": [],
        "places": False,
        "head": [_normalised(first, hidden), _normalised(second, logits)],
    }


def _stack(stack: RecurrentStack, pixels: dict) -> dict:
    if stack.cell not in CELLS:
        raise ValueError(f"the cell is {stack.cell!r}; the page computes {', '.join(CELLS)}")
    return {
        "cell": stack.cell,
        "units": stack.units,
        "rows": pixels["rows"],
        "columns": pixels["columns"],
        "layers": [
            {
                name: _base64(weight)
                for name, weight in zip(("kernel", "recurrent", "bias"), layer.weights, strict=True)
            }
            for layer in stack.recurrent_layers
        ],
    }


def _normalised(norm: keras.layers.BatchNormalization, dense: keras.layers.Dense) -> dict:
    """The weights of both layers as those of one."""
    scale = norm.gamma.numpy() / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
    shift = norm.beta.numpy() - norm.moving_mean.numpy() * scale
    kernel = dense.kernel.numpy()
    return {
        "kernel": _base64(scale[:, None] * kernel),
        "bias": _base64(dense.bias.numpy() + shift @ kernel),
    }


def _base64(weight: keras.Variable | np.ndarray) -> str:
    """Its numbers in row order, as float32 of 4 bytes, the lowest byte first."""
    return base64.b64encode(np.asarray(weight, "<f4").tobytes()).decode()
