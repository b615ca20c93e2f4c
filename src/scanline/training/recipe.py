"""How a model is trained: the keys of config.yaml's ``training``, and the seed."""

from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True)
class Recipe:
    """What every training needs.

    Attributes:
        epochs: passes over the training images
        batch_size: images in each step
        learning_rate: of Adam
        warmup_steps: steps from 0 to the learning rate
        decay: of the learning rate after the warm-up
        clip_norm: largest global norm of a gradient, 0: any
        ema_momentum: of the exponential mean of the weights, which is then scored and kept in their
            place (Polyak and Juditsky 1992, doi:10.1137/0330046); 0: the weights themselves are
        dropout: share of each layer's outputs that a step drops, others in each image and step;
            0: none (Gal and Ghahramani, arXiv:1512.05287)
        gate_bias: first bias of the gate that keeps a state
        train_images: first training images used, 0: all
        selection: what the checkpoint is chosen on
        precision: of the core's products in training; all scores are float32's
        seed: of first weights, and of the order, shifts, redraws and drops
    """

    epochs: int
    batch_size: int
    learning_rate: float
    warmup_steps: int
    decay: Literal["constant", "cosine"]
    clip_norm: float
    ema_momentum: float
    dropout: float
    gate_bias: Literal["zeros", "one", "chrono"]
    train_images: int
    selection: Literal["validation", "test_batches"]
    precision: Literal["float32", "bfloat16"]
    seed: int

    # A next-pixel model has no batch norm, and its images keep their places.
    batch_norm: ClassVar[str] = "running"
    shift_pixels: ClassVar[int] = 0


@dataclass(frozen=True)
class ClassifierRecipe(Recipe):
    """What a classifier's training needs besides.

    Attributes:
        batch_norm: averages for evaluation, running ones or recomputed after each epoch
        shift_pixels: most rows and columns that a training image is shifted by, 0: none is
    """

    batch_norm: Literal["running", "recomputed"]  # type: ignore[misc]
    shift_pixels: int  # type: ignore[misc]
