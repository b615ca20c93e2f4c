"""The training loop: Adam on shuffled batches, a checkpoint chosen on held-out images.

The next step depends only on the weights, the optimiser and the step's number. So a training that
was stopped goes on from its checkpoint and ends with the very weights of one that was not.
"""

import hashlib
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pandas as pd

from scanline.data.order import order_of
from scanline.data.pixels import PixelSet
from scanline.models import accelerator
from scanline.training.batches import batches, held_out_images
from scanline.training.checkpoint import Checkpoints
from scanline.training.objectives import Objective, Score
from scanline.training.outcome import judge
from scanline.training.progress import Progress
from scanline.training.recipe import Recipe
from scanline.training.state import State
from scanline.training.steps import chosen_step, given_of

SECONDS_BETWEEN_CHECKPOINTS = 120.0
MOMENT_IMAGES = 5000  # training images that batch norm's moments are recomputed on
LogEpoch = Callable[[int, dict[str, float]], None]


class Fit(NamedTuple):
    """What a training leaves besides the model, which then holds the best checkpoint's weights."""

    by_epoch: pd.DataFrame  # epoch, step, split, quantity, value
    by_step: pd.DataFrame  # step, epoch, quantity, value, learning_rate
    computed: dict  # cpu_seconds, and what ran the recurrent layers (see ``accelerator.facts``)


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
    a training was stopped. Only the steps multiply in the recipe's ``precision``: checkpoints are
    chosen by what the model says in float32. Raises ArithmeticError, with step and loss, where the
    loss is not finite, and where the training came to nothing (``outcome``). Raises
    InterruptedError on SIGTERM and SIGINT, after writing a checkpoint.
    """
    steps_per_epoch = math.ceil(len(train) / recipe.batch_size)
    optimizer = keras.optimizers.Adam(
        learning_rate_of(recipe, steps_per_epoch),
        global_clipnorm=recipe.clip_norm or None,
        use_ema=recipe.ema_momentum > 0,
        ema_momentum=recipe.ema_momentum,
    )
    optimizer.build(model.trainable_variables)
    state = State(model, optimizer)
    kept = (
        Checkpoints(checkpoints, _training(model, recipe, train, held_out)) if checkpoints else None
    )
    if kept:
        kept.load(state.restore)
    step_once = chosen_step(state, objective, train, recipe)
    score_of = objective.scorer(model)
    progress = Progress(label, recipe.epochs, steps_per_epoch, done=state.step)
    if state.step:
        progress.say("goes on from its checkpoint")
    saved = time.monotonic()

    with _stop_signals() as stopped:
        for batch in batches(train, recipe, state.step):
            given = given_of(batch, objective, recipe, state.step)
            loss, accuracy, rate = (float(v) for v in step_once(*given))
            if not math.isfinite(loss):
                raise ArithmeticError(
                    f"the loss is {loss} at step {state.step + 1} (epoch {batch.epoch + 1}); try a "
                    f"lower learning_rate ({recipe.learning_rate} now), clip_norm 1, or more "
                    f"warmup_steps"
                )
            state.add_step(loss, accuracy, rate, len(batch.labels))
            progress.advance(loss, len(batch.labels))
            ended = state.step % steps_per_epoch == 0
            if ended:
                with state.averaged():
                    if recipe.batch_norm == "recomputed":
                        model.recompute_moments(train.pixels[:MOMENT_IMAGES])
                    score = Score.of(*score_of(held_out_images(held_out, recipe, batch.epoch)))
                    metrics = state.add_epoch(batch.epoch + 1, objective, recipe.selection, score)
                progress.say(", ".join(f"{name} {value:.4f}" for name, value in metrics.items()))
                if log_epoch:
                    log_epoch(batch.epoch + 1, metrics)
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
    judge(state, objective, recipe, train, held_out)
    for variable, value in zip(model.weights, state.best_weights, strict=True):
        variable.assign(value)
    by_epoch, by_step = state.curves(objective, steps_per_epoch)
    computed = accelerator.facts(model.stack, recipe.precision, state.choice)
    return Fit(by_epoch, by_step, computed | {"cpu_seconds": state.cpu_seconds})


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


def _training(model: keras.Model, recipe: Recipe, train: PixelSet, held_out: PixelSet) -> dict:
    """What tells a training from others: recipe, weights' shapes, order, images by their role."""
    return {
        "recipe": asdict(recipe),
        "order": order_of(train.description),
        "weights": [tuple(weight.shape) for weight in model.weights],
        **{
            role: hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
            for role, arrays in (("train", _arrays(train)), ("held_out", _arrays(held_out)))
        },
    }


def _arrays(images: PixelSet) -> list[np.ndarray]:
    """All that batches are made of."""
    given = [images.pixels, images.labels_or_zeros]
    return given if images.grey is None else [*given, images.grey]


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
