"""The training loop: Adam on shuffled batches, a checkpoint chosen on held-out images.

All that the next step depends on is the weights, the optimiser and the step's number: the order of
an epoch's images, and how each is shifted, is drawn from (seed, epoch). So a training that was
stopped goes on from its checkpoint and ends with the very weights of one that was not.
"""

import copy
import hashlib
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from numpy.lib.stride_tricks import sliding_window_view

from scanline.data.pixels import PixelSet
from scanline.models import accelerator
from scanline.models.accelerator import Choice, Implementation
from scanline.training.checkpoint import Checkpoints
from scanline.training.objectives import Objective, Score
from scanline.training.progress import Progress
from scanline.training.recipe import Recipe

SECONDS_BETWEEN_CHECKPOINTS = 120.0
TEST_BATCH = 800  # images; the report's way of choosing a checkpoint
MOMENT_IMAGES = 5000  # training images that batch norm's moments are recomputed on
TEST_IMAGES, SHIFTS = 1, 2  # streams of an epoch's draws
LogEpoch = Callable[[int, dict[str, float]], None]


class Fit(NamedTuple):
    """What a training leaves besides the model, which then holds the best checkpoint's weights."""

    by_epoch: pd.DataFrame  # epoch, step, split, quantity, value
    by_step: pd.DataFrame  # step, epoch, quantity, value, learning_rate
    computed: dict  # what ran the recurrent layers (see ``accelerator.facts``)


def fit(
    model: keras.Model,
    objective: Objective,
    train: PixelSet,
    held_out: PixelSet,
    recipe: Recipe,
    *,
    label: str,
    checkpoints: Path | None = None,
    log_epoch: LogEpoch | None = None,
) -> Fit:
    """Trains ``model`` and leaves the best checkpoint's weights in it.

    ``held_out`` are the validation images, scored whole after each epoch, or with ``selection:
    test_batches`` the test images, of which a random batch is. Goes on from ``checkpoints`` where
    a training was stopped. Raises ArithmeticError, with step and loss, where the loss is not
    finite, and InterruptedError on SIGTERM and SIGINT, after writing a checkpoint.
    """
    steps_per_epoch = math.ceil(len(train.labels) / recipe.batch_size)
    optimizer = keras.optimizers.Adam(
        learning_rate_of(recipe, steps_per_epoch), global_clipnorm=recipe.clip_norm or None
    )
    optimizer.build(model.trainable_variables)
    state = _State(model, optimizer)
    kept = (
        Checkpoints(checkpoints, _training(model, recipe, train, held_out)) if checkpoints else None
    )
    if kept:
        kept.load(state.restore)
    step_once = _chosen_step(state, objective, train, recipe)
    score_of = objective.scorer(model)
    progress = Progress(label, recipe.epochs, steps_per_epoch, done=state.step)
    if state.step:
        progress.say("goes on from its checkpoint")
    saved = time.monotonic()

    with _stop_signals() as stopped:
        for epoch, pixels, labels in batches(train, recipe, state.step):
            loss, accuracy, rate = (float(v) for v in step_once(pixels, labels))
            if not math.isfinite(loss):
                raise ArithmeticError(
                    f"the loss is {loss} at step {state.step + 1} (epoch {epoch + 1}); try a lower "
                    f"learning_rate ({recipe.learning_rate} now), clip_norm 1, or more warmup_steps"
                )
            state.add_step(loss, accuracy, rate, len(labels))
            progress.advance(loss, len(labels))
            ended = state.step % steps_per_epoch == 0
            if ended:
                if recipe.batch_norm == "recomputed":
                    model.recompute_moments(train.pixels[:MOMENT_IMAGES])
                score = Score.of(*score_of(_selected(held_out, recipe, epoch)))
                metrics = state.add_epoch(epoch + 1, objective, recipe.selection, score)
                progress.say(", ".join(f"{name} {value:.4f}" for name, value in metrics.items()))
                if log_epoch:
                    log_epoch(epoch + 1, metrics)
            if kept and (
                ended or stopped or time.monotonic() - saved > SECONDS_BETWEEN_CHECKPOINTS
            ):
                kept.save(state.step, *state.content())
                saved = time.monotonic()
            if stopped:
                progress.close()
                after = "the same command goes on from there" if kept else "it starts anew"
                raise InterruptedError(f"stopped by {stopped[0]} after step {state.step}; {after}")
    progress.close()
    for variable, value in zip(model.weights, state.best_weights, strict=True):
        variable.assign(value)
    by_epoch, by_step = state.curves(objective, steps_per_epoch)
    return Fit(by_epoch, by_step, accelerator.facts(model.stack, state.choice))


def learning_rate_of(recipe: Recipe, steps_per_epoch: int):
    """The learning rate by step: a linear warm-up, then constant or a cosine to 0."""
    if recipe.decay not in ("constant", "cosine"):
        raise ValueError(f"decay is {recipe.decay!r}; allowed: constant, cosine")
    if recipe.decay == "constant" and not recipe.warmup_steps:
        return recipe.learning_rate
    steps = recipe.epochs * steps_per_epoch
    if recipe.warmup_steps >= steps:
        raise ValueError(f"warmup_steps is {recipe.warmup_steps}; the training has {steps} steps")
    return keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate if not recipe.warmup_steps else 0.0,
        decay_steps=steps - recipe.warmup_steps,
        alpha=0.0 if recipe.decay == "cosine" else 1.0,  # the share that is left at the end
        warmup_target=recipe.learning_rate if recipe.warmup_steps else None,
        warmup_steps=recipe.warmup_steps,
    )


def batches(
    train: PixelSet, recipe: Recipe, start: int
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Of each step from ``start`` on: its epoch, from 0, pixels uint8 [B, T] and labels uint8 [B].

    Each image is shifted anew in each epoch by whole rows and columns, each uniform in
    -shift_pixels..shift_pixels; what comes in at an edge is no ink.
    """
    size, margin = len(train.labels), recipe.shift_pixels
    steps_per_epoch = math.ceil(size / recipe.batch_size)
    shape = train.description["rows"], train.description["columns"]
    images = train.pixels.reshape(size, *shape)
    padded = np.pad(images, ((0, 0), (margin, margin), (margin, margin)))
    shifted = sliding_window_view(padded, shape, axis=(1, 2))  # [N, shift, shift, rows, columns]
    for epoch in range(start // steps_per_epoch, recipe.epochs):
        order = np.random.default_rng([recipe.seed, epoch]).permutation(size)
        generator = np.random.default_rng([recipe.seed, epoch, SHIFTS])
        shifts = generator.integers(0, 2 * margin, (size, 2), endpoint=True)
        for at in range(max(0, start - epoch * steps_per_epoch), steps_per_epoch):
            chosen = order[at * recipe.batch_size : (at + 1) * recipe.batch_size]
            down, right = shifts[chosen].T
            pixels = shifted[chosen, down, right].reshape(len(chosen), -1)
            yield epoch, pixels, train.labels[chosen]


def _training(model: keras.Model, recipe: Recipe, train: PixelSet, held_out: PixelSet) -> dict:
    """What tells a training from others: recipe, weights' shapes, images, each by its role."""
    return {
        "recipe": asdict(recipe),
        "weights": [tuple(weight.shape) for weight in model.weights],
        **{
            role: hashlib.sha256(images.pixels.tobytes() + images.labels.tobytes()).hexdigest()
            for role, images in (("train", train), ("held_out", held_out))
        },
    }


def _chosen_step(state: "_State", objective: Objective, train: PixelSet, recipe: Recipe):
    """The compiled training step: of what the machine offers the fastest, by steps that are undone.

    A training that goes on from a checkpoint goes on with the choice made at its start.
    """

    def compiled(how: Implementation):
        return _compiled_step(state.model, state.optimizer, objective, train.pixels.shape[1], how)

    offered = accelerator.offered()
    if not offered:
        return compiled(accelerator.AUTO)
    steps = {name: compiled(how) for name, how in offered.items()}
    if state.choice is None or state.choice.name not in offered:
        before = copy.deepcopy(state.content())
        _, *batch = next(batches(train, recipe, state.step))

        def timed(name: str) -> None:
            state.model.stack.core = offered[name].core
            float(steps[name](*batch)[0])  # waits for the result

        choice = accelerator.fastest({name: partial(timed, name) for name in offered})
        state.restore(*before)
        state.choice = choice
    state.model.stack.core = offered[state.choice.name].core
    return steps[state.choice.name]


def _compiled_step(model, optimizer, objective: Objective, n_pixels: int, how: Implementation):
    given = tf.TensorSpec([None, n_pixels], tf.uint8), tf.TensorSpec([None], tf.uint8)

    @tf.function(input_signature=given, jit_compile=how.xla or None)
    def step(pixels, labels):
        with tf.device(how.device):
            with tf.GradientTape() as tape:
                nats, accuracy = objective.per_image(model, pixels, labels, training=True)
                loss = tf.reduce_mean(nats)
            gradients = tape.gradient(loss, model.trainable_variables)
        rate = tf.convert_to_tensor(optimizer.learning_rate)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss, tf.reduce_mean(accuracy), rate

    return step


def _selected(held_out: PixelSet, recipe: Recipe, epoch: int) -> PixelSet:
    """The images that an epoch's checkpoint is scored on."""
    if recipe.selection == "validation":
        return held_out
    count = min(TEST_BATCH, len(held_out.labels))
    generator = np.random.default_rng([recipe.seed, epoch, TEST_IMAGES])
    chosen = generator.choice(len(held_out.labels), count, replace=False)
    return PixelSet(held_out.pixels[chosen], held_out.labels[chosen], held_out.description)


class _State:
    """What a checkpoint holds: weights, optimiser, best weights, and the curves so far."""

    def __init__(self, model: keras.Model, optimizer: keras.optimizers.Optimizer):
        self.model, self.optimizer = model, optimizer
        self.choice: Choice | None = None
        self.best: Score | None = None
        self.best_weights: list[np.ndarray] = []
        self.steps: list[tuple[float, float, float, int]] = []  # loss, accuracy, rate, images
        self.epochs: list[tuple[int, int, str, str, float]] = []

    @property
    def step(self) -> int:
        return len(self.steps)

    def add_step(self, loss: float, accuracy: float, learning_rate: float, images: int) -> None:
        self.steps.append((loss, accuracy, learning_rate, images))

    def add_epoch(
        self, epoch: int, objective: Objective, split: str, score: Score
    ) -> dict[str, float]:
        """Adds the epoch's means to the curve, keeps the best weights; returns the metrics."""
        rows = np.array(self.steps[(epoch - 1) * self.step // epoch :])
        trained = Score(*(float(np.average(rows[:, i], weights=rows[:, 3])) for i in range(2)))
        metrics = {}
        for name, means in (("train", trained), (split, score)):
            for quantity, value in zip((objective.quantity, "accuracy"), means, strict=True):
                self.epochs.append((epoch, self.step, name, quantity, value))
                metrics[f"{name}/{quantity}"] = value
        if objective.is_better(score, self.best):
            self.best = score
            self.best_weights = [weight.numpy() for weight in self.model.weights]
        return metrics

    def content(self) -> tuple[dict[str, np.ndarray], dict]:
        arrays = {f"weight_{i}": w.numpy() for i, w in enumerate(self.model.weights)}
        arrays |= {f"optimizer_{i}": v.numpy() for i, v in enumerate(self.optimizer.variables)}
        arrays |= {f"best_{i}": w for i, w in enumerate(self.best_weights)}
        arrays["steps"] = np.array(self.steps, np.float64)
        return arrays, {"epochs": self.epochs, "best": self.best, "choice": self.choice}

    def restore(self, arrays: dict[str, np.ndarray], description: dict) -> None:
        """Takes up a checkpoint's content; ValueError or KeyError, and no change, where it is not
        that of such a model."""
        weights = {f"weight_{i}": weight for i, weight in enumerate(self.model.weights)}
        others = {f"optimizer_{i}": each for i, each in enumerate(self.optimizer.variables)}
        best = {f"best_{i}": weight for i, weight in enumerate(self.model.weights)}
        variables = weights | others
        for name, variable in (variables | (best if description["best"] else {})).items():
            if arrays[name].shape != tuple(variable.shape):
                raise ValueError(f"{name} has shape {arrays[name].shape}, not {variable.shape}")
        for name, variable in variables.items():
            variable.assign(arrays[name])
        if description["best"]:
            self.best = Score(*description["best"])
            self.best_weights = [arrays[name] for name in best]
        if chosen := description.get("choice"):
            self.choice = Choice(*chosen)
        self.steps = [(loss, acc, rate, int(n)) for loss, acc, rate, n in arrays["steps"].tolist()]
        self.epochs = [tuple(row) for row in description["epochs"]]

    def curves(
        self, objective: Objective, steps_per_epoch: int
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The two learning curves, tidy."""
        by_epoch = pd.DataFrame(
            self.epochs, columns=["epoch", "step", "split", "quantity", "value"]
        )
        steps = pd.DataFrame(self.steps, columns=[objective.quantity, "accuracy", "rate", "images"])
        steps["step"] = np.arange(1, len(steps) + 1)
        steps["epoch"] = (steps["step"] - 1) // steps_per_epoch + 1
        by_step = steps.melt(
            id_vars=["step", "epoch", "rate"],
            value_vars=[objective.quantity, "accuracy"],
            var_name="quantity",
        ).rename(columns={"rate": "learning_rate"})
        by_step = by_step[["step", "epoch", "quantity", "value", "learning_rate"]]
        return by_epoch, by_step


@contextmanager
def _stop_signals() -> Iterator[list[str]]:
    """A list that holds the name of SIGTERM or SIGINT once it came; the step under way ends."""
    came: list[str] = []
    numbers = (signal.SIGTERM, signal.SIGINT)

    def remember(number, frame):
        came.append(signal.Signals(number).name)

    try:
        before = {number: signal.signal(number, remember) for number in numbers}
    except ValueError:  # not in the main thread, where no signal arrives
        yield came
        return
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
