"""What a checkpoint holds of a training: weights, optimiser, best weights, curves so far."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
import pandas as pd

from scanline.models.accelerator import Choice
from scanline.training.objectives import Objective, Score


class State:
    """A training as far as it has come."""

    def __init__(self, model: keras.Model, optimizer: keras.optimizers.Optimizer):
        self.model, self.optimizer = model, optimizer
        self.choice: Choice | None = None
        self.best: Score | None = None
        self.best_weights: list[np.ndarray] = []
        self.steps: list[tuple[float, float, float, int]] = []  # loss, accuracy, rate, images
        self.epochs: list[tuple[int, int, str, str, float]] = []
        self.earlier_cpu_seconds = 0.0  # of processes that were stopped, up to their checkpoints
        self.began = time.process_time()

    @property
    def step(self) -> int:
        return len(self.steps)

    @property
    def cpu_seconds(self) -> float:
        """What the training has computed so far, in all processes and on all their cores."""
        return round(self.earlier_cpu_seconds + time.process_time() - self.began, 3)

    def add_step(self, loss: float, accuracy: float, learning_rate: float, images: int) -> None:
        self.steps.append((loss, accuracy, learning_rate, images))

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The model has the mean of its weights in the block, where the optimiser keeps one."""
        if not self.optimizer.use_ema:
            yield
            return
        weights = self.model.trainable_variables
        stepped = [weight.numpy() for weight in weights]
        self.optimizer.finalize_variable_values(weights)
        yield
        for weight, value in zip(weights, stepped, strict=True):
            weight.assign(value)

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
        described = {"epochs": self.epochs, "best": self.best, "choice": self.choice}
        return arrays, {**described, "cpu_seconds": self.cpu_seconds}

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
        self.earlier_cpu_seconds = description["cpu_seconds"]

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
