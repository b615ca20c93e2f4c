"""Has a training come to anything? Judged by its held-out images, once it has ended."""

import sys

from scanline.data.pixels import PixelSet
from scanline.training.objectives import Objective
from scanline.training.recipe import Recipe
from scanline.training.state import State

GROWTH = 10.0  # of the held-out loss over its least
SHORT = 200  # steps of a training that may yet be worse


def judge(
    state: State, objective: Objective, recipe: Recipe, train: PixelSet, held_out: PixelSet
) -> None:
    """Raises ArithmeticError where the loss grew tenfold, or what it is ``to_beat`` is better.

    Of a training of few steps the latter is only said.
    """
    losses = [
        value
        for _, _, split, quantity, value in state.epochs
        if split == recipe.selection and quantity == objective.quantity
    ]
    way_out = (
        f"try a lower learning_rate ({recipe.learning_rate} now), clip_norm 1, more warmup_steps "
        f"({recipe.warmup_steps} now) or more epochs ({recipe.epochs} now)"
    )
    if losses[-1] > GROWTH * min(losses):
        raise ArithmeticError(
            f"the held-out loss grew from {min(losses):.4f} to {losses[-1]:.4f}: {way_out}"
        )
    rival, plain = objective.to_beat(train, held_out)
    best = state.best
    if best is None or objective.is_better(best, plain) or best.nats < plain.nats:
        return
    told = (
        f"after {state.step} steps the model is worse than {rival}: held-out loss "
        f"{best.nats:.4f} against {plain.nats:.4f}, accuracy {best.accuracy:.4f} against "
        f"{plain.accuracy:.4f}; {way_out}"
    )
    if state.step > SHORT:
        raise ArithmeticError(told)
    print(told, file=sys.stderr)
