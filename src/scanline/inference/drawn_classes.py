"""Ancestral sampling where the class is not told: it is drawn first, then the pixels given it.

Given the pixels before a hidden run, p(class | pixels before) is exact (``inference.classes``); so
the draws are from p(hidden | pixels before), whatever the class.
"""

import numpy as np

from scanline.inference.ancestral import check_run, sample_completions, sample_images
from scanline.inference.classes import class_log_probs, mixed_logits
from scanline.inference.forecast import Completions
from scanline.inference.resampling import draw_by_weight
from scanline.models.predictor import Predictor

CLASSES = 1  # the stream of a seed's draws that classes come from


def complete_over_classes(
    model: Predictor, pixels: np.ndarray, cut: int, length: int, samples: int, seed: int
) -> Completions:
    """``sample_completions`` of a model that is not told the class of ``pixels`` [N, T].

    Log-odds are given all pixels before, of a sample its own, and not the class. A model that reads
    no labels is asked itself.
    """
    if not model.classes:
        return sample_completions(model, pixels, cut, length, samples, seed)
    check_run(pixels, cut, length, samples)
    labels = draw_labels(model, pixels, cut, samples, seed)
    drawn = draw_given(model, pixels, cut, length, labels, seed)
    run = slice(cut, cut + length)
    whole = np.repeat(pixels.astype(np.uint8), samples, axis=0)
    whole[:, run] = drawn.reshape(-1, length)
    return Completions(
        samples=drawn,
        sample_logits=mixed_logits(model, whole)[:, run].reshape(drawn.shape),
        truth=pixels[:, run].astype(np.uint8),
        teacher_forced_logits=mixed_logits(model, pixels)[:, run],
    )


def draw_labels(
    model: Predictor, pixels: np.ndarray, cut: int, samples: int, seed: int
) -> np.ndarray:
    """Draws of the class of each image given its first ``cut`` pixels: int [N, samples]."""
    uniform = np.random.default_rng((seed, CLASSES)).random((len(pixels), samples))
    return draw_by_weight(class_log_probs(model, pixels, cut), uniform)


def draw_given(
    model: Predictor, pixels: np.ndarray, cut: int, length: int, labels: np.ndarray, seed: int
) -> np.ndarray:
    """The pixels ``cut`` to ``cut + length``, a draw for each of the ``labels`` [N, S] of images.

    ``pixels`` [N, T] -> uint8 [N, S, length]. Each draw depends on ``seed``, its flat index, and
    its place among all.
    """
    drawn = np.zeros((*labels.shape, length), np.uint8)
    for label, of_class in enumerate(model.of_each_class()):
        chosen = labels == label
        if chosen.any():
            # Every draw has its place in each class, so that no two classes share random numbers.
            found = sample_completions(of_class, pixels, cut, length, labels.shape[1], seed)
            drawn[chosen] = found.samples[chosen]
    return drawn


def sample_of_classes(model: Predictor, labels: np.ndarray, seed: int) -> np.ndarray:
    """A whole image for each of the ``labels`` [N], drawn from nothing: uint8 [N, T]."""
    nothing = np.zeros((1, model.inputs_of.size), np.uint8)
    return draw_given(model, nothing, 0, model.inputs_of.size, labels[None], seed)[0]


def sample_in_turn(model: Predictor, count: int, seed: int) -> tuple[np.ndarray, np.ndarray | None]:
    """``count`` whole images uint8 [N, T] drawn from nothing, of all classes in turn, and labels.

    They are in raster order, in whichever the model reads. A model that reads no labels draws
    whatever class comes, and there are none.
    """
    if model.classes:
        labels = np.arange(count) % model.classes
        drawn = sample_of_classes(model, labels, seed)
    else:
        labels, drawn = None, sample_images(model, count, model.inputs_of.size, seed)
    return model.orientation.turned_back(drawn), labels
