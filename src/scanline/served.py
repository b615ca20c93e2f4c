"""A trained model as MLflow loads and serves it: images in, what the model says of them out.

Images are float64 [N, rows, columns] of 0 (paper) and 1 (ink), and -1 where a pixel is hidden;
those of a classifier of grey pixels have values from 0 to 1.
``provenance.registry`` puts this module, with all that it imports, beside each model that is sent
to MLflow, which loads it by its name.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST

from scanline.data.pixels import is_grey
from scanline.library import LoadedClassifier, LoadedPredictor, load
from scanline.models.description import description_of

HIDDEN = -1


class WrongInput(MlflowException):
    """Answered with status 400 and this line; MLflow would put all images before it."""

    def __init__(self, line: str):
        super().__init__(line, BAD_REQUEST)

    @property
    def message(self) -> str:
        return str(self.args[0])

    @message.setter
    def message(self, longer: str) -> None:
        pass


class ServedPredictor:
    """What observed pixels say of the hidden ones."""

    def __init__(self, model: LoadedPredictor):
        self.model = model

    def predict(self, images: np.ndarray, params: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Completions, marginals and log p(observed) of each image.

        ``params`` are ``samples``, the number S of completions, and ``seed``. ``completions`` uint8
        [N, S, rows, columns], the most probable first; ``marginals`` float64 [N, rows, columns],
        p(ink | observed); ``log_observed`` and its standard error ``error`` [N], nats. Of an image
        without a hidden pixel log_observed is the log-likelihood.
        """
        given = _checked(images, self.model.size, (0, 1, HIDDEN))
        samples, seed = params["samples"], params["seed"]
        hidden, observed = given == HIDDEN, np.where(given == 1, 1, 0).astype(np.uint8)
        whole = ~hidden.any(axis=(1, 2))
        log_observed, error = np.zeros(len(given)), np.zeros(len(given))
        marginals = observed.astype(np.float64)
        try:
            completions = np.repeat(observed[:, None], samples, axis=1)
            if whole.any():
                log_observed[whole] = self.model.log_likelihood(observed[whole])
            for i in np.flatnonzero(~whole):
                done = self.model.complete(observed[i], hidden[i], samples, seed)
                completions[i], marginals[i] = done.samples, done.marginals
                log_observed[i], error[i] = done.log_observed, done.error
        except ValueError as wrong:
            raise WrongInput(" ".join(str(wrong).split())) from wrong
        return {
            "completions": completions,
            "marginals": marginals,
            "log_observed": log_observed,
            "error": error,
        }


class ServedClassifier:
    """Which class an image is of."""

    def __init__(self, model: LoadedClassifier):
        self.model = model

    def predict(self, images: np.ndarray) -> np.ndarray:
        """The probability of each class: float64 [N, K]."""
        given = _checked(images, self.model.size, (0, 1), grey=is_grey(self.model.pixels))
        return np.exp(self.model.log_probs(given), dtype=np.float64)


def _checked(
    images: np.ndarray, size: tuple[int, int], allowed: tuple[int, ...], grey: bool = False
) -> np.ndarray:
    """The images, if all are of the ``size`` and hold ``allowed`` values alone.

    ``grey`` ones may hold what lies between 0 and 1, too.
    """
    rows, columns = size
    if images.ndim != 3 or images.shape[1:] != size or not len(images):
        raise WrongInput(f"images have shape {images.shape}; allowed: [N, {rows}, {columns}]")
    between = grey & (images > 0) & (images < 1)
    other = images[~np.isin(images, allowed) & ~between]
    if other.size:
        words = {0: "0 (paper)", 1: "1 (ink)", HIDDEN: "-1 (hidden)"}
        told = (" to " if grey else ", ").join(words[value] for value in allowed)
        raise WrongInput(f"images hold the value {other[0]}; allowed: {told}")
    return images


def _load_pyfunc(path: str) -> ServedPredictor | ServedClassifier:
    """MLflow's entry: the model of a .keras file."""
    if description_of(Path(path))["class_name"] == "Classifier":
        return ServedClassifier(load(Path(path), task="classify"))
    return ServedPredictor(load(Path(path)))
