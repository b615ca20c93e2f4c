"""The compiled training step, on what computes it fastest."""

import copy
from functools import partial

import tensorflow as tf

from scanline.data.pixels import PixelSet
from scanline.models import accelerator
from scanline.models.accelerator import Implementation
from scanline.training.batches import Batch, batches
from scanline.training.objectives import Objective
from scanline.training.recipe import Recipe
from scanline.training.state import State


def chosen_step(state: State, objective: Objective, train: PixelSet, recipe: Recipe):
    """The compiled training step: of what the machine offers the fastest, by steps that are undone.

    A training that goes on from a checkpoint goes on with the choice made at its start.
    """

    def compiled(how: Implementation):
        return _compiled_step(state, objective, train, recipe, how)

    offered = accelerator.offered()
    if not offered:
        return compiled(accelerator.AUTO)
    steps = {name: compiled(how) for name, how in offered.items()}
    if state.choice is None or state.choice.name not in offered:
        before = copy.deepcopy(state.content())
        batch = next(batches(train, recipe, state.step))
        given = given_of(batch, objective, recipe, state.step)

        def timed(name: str) -> None:
            state.model.stack.core = offered[name].core
            float(steps[name](*given)[0])  # waits for the result

        choice = accelerator.fastest({name: partial(timed, name) for name in offered})
        state.restore(*before)
        state.choice = choice
    state.model.stack.core = offered[state.choice.name].core
    return steps[state.choice.name]


def given_of(batch: Batch, objective: Objective, recipe: Recipe, step: int) -> tuple:
    """What the compiled step is given of a batch."""
    drawn = () if batch.ink is None else (batch.ink,)
    return objective.given(batch.pixels, recipe.seed, step), batch.labels, *drawn


def _compiled_step(
    state: State, objective: Objective, train: PixelSet, recipe: Recipe, how: Implementation
):
    model, optimizer, n_pixels = state.model, state.optimizer, train.pixels.shape[1]
    given = [tf.TensorSpec([None, n_pixels], tf.uint8), tf.TensorSpec([None], tf.uint8)]
    if train.grey is not None:
        given.append(tf.TensorSpec([None, n_pixels], tf.float32))

    @tf.function(input_signature=given, autograph=False, jit_compile=how.xla or None)
    def step(pixels, labels, ink=None):
        # A training that was stopped goes on with the drops that it would have had.
        drops = tf.stack([recipe.seed, tf.cast(optimizer.iterations, tf.int32)])
        with tf.device(how.device):
            with (
                model.stack.computing_in(recipe.precision),
                model.stack.dropping(recipe.dropout, drops),
                tf.GradientTape() as tape,
            ):
                nats, accuracy = objective.per_image(model, pixels, labels, True, ink)
                loss = tf.reduce_mean(nats)
            gradients = tape.gradient(loss, model.trainable_variables)
        rate = tf.convert_to_tensor(optimizer.learning_rate)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss, tf.reduce_mean(accuracy), rate

    return step
