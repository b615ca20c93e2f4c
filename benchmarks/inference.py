"""One process of the inference benchmark: one task, by this project or with stock Keras layers.

The straightforward form of every task is Keras' ``predict`` on whole images: once an image for a
likelihood, once a drawn pixel for samples, once a completion for in-painting. Where that takes too
long a part is measured. Both have the same random weights, and give the same numbers.
"""

from collections.abc import Callable
from typing import Literal

import keras
import numpy as np
import tyro
from timed import timed, use_threads
from tyro.conf import Positional
from work import CUT, SAMPLES, SIDE, TASKS

from scanline.data.pixels import PixelSet
from scanline.holes.hiding import draw_patches
from scanline.holes.sets import filled
from scanline.inference.ancestral import sample_completions
from scanline.inference.exact import all_completions, exact_posterior, normalised
from scanline.models.predictor import Predictor
from scanline.training.objectives import EVALUATION_BATCH, PREDICT


class Straightforward:
    """A next-pixel model of stock layers, with a predictor's weights."""

    def __init__(self, model: Predictor):
        inputs = outputs = keras.Input((None, 1))  # sequences of any length
        for layer in (*model.stack.stock_layers(), model.logit, keras.layers.Reshape((-1,))):
            outputs = layer(outputs)
        self.model = keras.Model(inputs, outputs)

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """pixels [N, T] -> the logits of pixels 0 to T, float32 [N, T + 1]."""
        inputs = np.pad(pixels, [(0, 0), (1, 0)]).astype(np.float32)[..., None]
        return self.model.predict(inputs, batch_size=EVALUATION_BATCH, verbose=0)

    def log_likelihood(self, pixels: np.ndarray) -> np.ndarray:
        """pixels [N, T] -> nats [N]."""
        logits = self.logits(pixels[:, :-1]).astype(np.float64)
        return np.sum(pixels * logits - np.logaddexp(0, logits), axis=1)

    def sample(self, pixels: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Draws the pixels at ``places``, one after the other, of sequences [N, T]."""
        pixels, uniform = pixels.copy(), np.random.default_rng(0).random((len(places), len(pixels)))
        for place, drawn in zip(places, uniform, strict=True):
            logit = self.logits(pixels[:, :place])[:, -1].astype(np.float64)
            pixels[:, place] = drawn < 1 / (1 + np.exp(-logit))
        return pixels

    def log_joint(self, pixels: np.ndarray, hidden: np.ndarray) -> np.ndarray:
        """The log-likelihoods of every filling of ``hidden`` [N, k], nats [N, 2**k]."""
        completions = all_completions(hidden.shape[1])
        pixels, hidden = (np.repeat(each, len(completions), axis=0) for each in (pixels, hidden))
        fillings = np.tile(completions, (len(pixels) // len(completions), 1))
        return self.log_likelihood(filled(pixels, hidden, fillings)).reshape(-1, len(completions))


def random_images(count: int) -> PixelSet:
    pixels = np.random.default_rng(0).random((count, SIDE * SIDE)) < 0.2
    description = {"rows": SIDE, "columns": SIDE, "split": "test"}
    return PixelSet(pixels.astype(np.uint8), np.zeros(count, np.uint8), description)


def work(task: str, model: Predictor, ours: bool, count: int, images: int) -> Callable:
    """What is timed: ``count`` images of a task; of samples ``count`` pixels of ``images``."""
    peer = Straightforward(model)
    if task == "likelihood":
        chosen, score = random_images(count), PREDICT.scorer(model)
        return (lambda: score(chosen)[0]) if ours else lambda: peer.log_likelihood(chosen.pixels)
    if task == "sampling":
        pixels = random_images(images // SAMPLES).pixels
        if ours:
            return lambda: sample_completions(model, pixels, CUT, count, SAMPLES, seed=0)
        sequences = np.repeat(pixels, SAMPLES, axis=0)
        # Spread over the run, so that the beginnings that are read are as long as in the whole.
        places = np.linspace(CUT, SIDE * SIDE - 1, count).round().astype(int)
        return lambda: peer.sample(sequences, places)
    chosen = random_images(count)
    patches = draw_patches(chosen, (2, 2), images=count, mean=13.6, sd=3.0, seed=0)
    pixels = chosen.pixels[patches.indices]
    if ours:
        return lambda: exact_posterior(model, pixels, patches.hidden)
    return lambda: normalised(patches.hidden, peer.log_joint(pixels, patches.hidden))


def main(
    implementation: Positional[Literal["scanline", "keras"]],
    *,
    task: Literal[*TASKS],
    units: int = 32,
    part: int,
    images: int,
    threads: int = 1,
    seconds: float = 4,
) -> None:
    """Prints "ready", waits for a line, then prints images/s and peak MiB.

    Args:
        implementation: this project, or stock Keras layers
        task: what is measured
        units: of the model
        part: images that are measured or, of samples, pixels
        images: of the whole task
        threads: of the process
        seconds: for how long, at least
    """
    use_threads(threads)
    model = Predictor("gru", units, 1, {"rows": SIDE, "columns": SIDE})
    done = work(task, model, implementation == "scanline", part, images)
    whole = images * part / TASKS[task].whole if task == "sampling" else part
    timed(done, whole, seconds, least=1)


if __name__ == "__main__":
    tyro.cli(main, prog="inference.py", description=__doc__)
