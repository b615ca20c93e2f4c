"""Trained models for a notebook or another program: load, score, sample, complete, classify.

``import scanline`` offers what is public here (``load``) and in ``catalogue`` (``models``).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike

from scanline import catalogue
from scanline.data.given import as_pixels
from scanline.data.pixels import in_words
from scanline.holes.sets import as_hole, at_the_end
from scanline.inference import budget
from scanline.quiet import quietly

with quietly():
    from scanline.inference.ancestral import sample_images
    from scanline.inference.classes import class_log_probs
    from scanline.inference.drawn_classes import draw_labels, sample_of_classes
    from scanline.inference.likelihood import log_likelihoods
    from scanline.inference.one_image import (
        Completed,
        complete_by_sampling,
        complete_end,
        complete_exactly,
    )
    from scanline.models.classifier import Classifier, load_classifier
    from scanline.models.loading import n_parameters
    from scanline.models.look_ahead import LookAhead, load_look_ahead
    from scanline.models.predictor import Predictor, load_predictor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Task = Literal["predict", "classify"]
ADDRESSES = ("runs:/", "models:/", "mlflow-artifacts:/")  # of MLflow
SEEDS = 2**31 - 2**16  # what every draw takes, and a seed of its own for each run and move


@overload
def load(
    model: str | Path,
    *,
    task: Literal["predict"] = "predict",
    data: str | None = None,
    seed: int | None = None,
) -> "LoadedPredictor": ...
@overload
def load(
    model: str | Path,
    *,
    task: Literal["classify"],
    data: str | None = None,
    seed: int | None = None,
) -> "LoadedClassifier": ...
def load(
    model: str | Path, *, task: Task = "predict", data: str | None = None, seed: int | None = None
) -> "LoadedPredictor | LoadedClassifier":
    """A trained model: for task "predict" one of next pixels, for "classify" one of classes.

    ``model`` is a name (``scanline.models()`` lists them), the path of a model.keras or of its
    folder, or an MLflow address. ``data`` and ``seed`` choose among models of one name; without
    them it is the study's data set and the first seed. Raises ValueError where there is no such
    model, and where a file holds none of the ``task``; FileNotFoundError where there is no file.
    """
    if task not in ("predict", "classify"):
        raise ValueError(f"task is {task!r}; allowed: predict, classify")
    path = path_of(model, task, data, seed)
    if task == "predict":
        predictor = load_predictor(path)
        beside = catalogue.look_ahead_of(path)
        look_ahead = load_look_ahead(beside, predictor) if beside else None
        return LoadedPredictor(predictor, str(model), look_ahead)
    return LoadedClassifier(load_classifier(path), str(model))


class Completion(NamedTuple):
    """A completed image, and how sure the model is of it; S samples, the most probable first."""

    samples: np.ndarray  # uint8 [S, rows, columns], draws from p(hidden | observed)
    marginals: np.ndarray  # float64 [rows, columns], p(ink | observed); 0 or 1 where observed
    map: np.ndarray  # uint8 [rows, columns], the most probable completion that was found
    entropy: np.ndarray  # float64 [rows, columns], of each marginal, nats; 0 where observed
    log_likelihood: np.ndarray  # float64 [S], of the samples' whole images, nats, falling
    log_observed: float  # log p(observed), nats
    error: float  # standard error of log_observed, nats; 0 where nothing is estimated
    interval: tuple[float, float]  # of log_observed, 95 %, nats
    effective_sample_size: float  # how many independent draws it is worth; infinite if exact
    method: str  # what was done: exact, prefix, smc or particle_gibbs
    image: np.ndarray  # uint8 [rows, columns], as it was given
    hidden: np.ndarray  # bool [rows, columns]
    found: Completed  # the same, of the hidden pixels only

    @property
    def exact(self) -> bool:
        """Whether all completions were enumerated, and nothing was estimated."""
        return self.method == "exact"

    def plot(self, truth: ArrayLike | None = None) -> "Figure":
        """A picture of all of it; ``truth`` [rows, columns], 0 and 1, is shown beside."""
        from scanline.figures.one_image import draw_completed

        shown = None if truth is None else np.asarray(truth).ravel()
        return draw_completed(self.image.ravel(), self.found, self.image.shape[1], shown)


class LoadedPredictor:
    """A next-pixel model: the probability of whole images. ``keras`` is the model itself.

    A ``look_ahead`` makes completions of large holes better (``models.look_ahead``). A model that
    reads labels may be told a class, ``label``; where it is not, what it says is over all classes.
    Images are [N, rows, columns] or [N, T], a single one has no N; ``data.given`` says which values
    are binary and which are grey. Everything raises ValueError for other images.
    """

    def __init__(self, keras: Predictor, name: str, look_ahead: LookAhead | None = None):
        self.keras, self.name, self.look_ahead = keras, name, look_ahead
        self.pixels = keras.pixels  # for which images it is: rows, columns, how they became binary
        self.size = keras.pixels["rows"], keras.pixels["columns"]

    def __repr__(self) -> str:
        return _told(self)

    def log_likelihood(self, images: ArrayLike, label: int | None = None) -> np.ndarray:
        """log p(image), nats: float64 [N]; a number for a single image. Or log p(image | label)."""
        pixels = as_pixels(images, self.pixels)
        turned = self.keras.orientation.turned(np.atleast_2d(pixels))
        nats = log_likelihoods(self._of(label), turned)
        return nats if pixels.ndim == 2 else nats[0]

    def class_log_probs(self, images: ArrayLike) -> np.ndarray:
        """log p(class | image) by Bayes' rule, nats: float64 [N, K]; [K] for a single image.

        Only of a model that reads labels.
        """
        if not self.keras.classes:
            raise ValueError(
                f"{self.name} reads no labels, so it knows no classes; load a classifier (task "
                "'classify'), or a model whose variant has labels: true"
            )
        pixels = as_pixels(images, self.pixels)
        turned = self.keras.orientation.turned(np.atleast_2d(pixels))
        found = class_log_probs(self.keras, turned)
        return found if pixels.ndim == 2 else found[0]

    def sample(self, count: int, seed: int = 0, label: int | None = None) -> np.ndarray:
        """``count`` images drawn from the model: uint8 [count, rows, columns] in {0, 1}.

        All of the class ``label``; None: whatever class an image is of.
        """
        _at_least("count", count, 1)
        _check_seed(seed)
        model, size = self._of(label), self.size[0] * self.size[1]
        if model.classes:
            (labels,) = draw_labels(model, np.zeros((1, size), np.uint8), 0, count, seed)
            drawn = sample_of_classes(model, labels, seed)
        else:
            drawn = sample_images(model, count, size, seed)
        return self.keras.orientation.turned_back(drawn).reshape(count, *self.size)

    def complete(
        self,
        image: ArrayLike,
        hidden: ArrayLike,
        samples: int = 16,
        seed: int = 0,
        exact_pixels: int = budget.EXACT_PIXELS,
        particles: int = budget.PARTICLES,
        runs: int = budget.RUNS,
        moves: int = budget.MOVES,
        block: int = budget.BLOCK,
        move_particles: int = budget.MOVE_PARTICLES,
        label: int | None = None,
    ) -> Completion:
        """The ``hidden`` pixels of one image given all others, before and after them.

        ``hidden`` is a mask of the image's shape, True or 1 where a pixel is hidden, or a list of
        flat indices, row * columns + column. What the image shows there is not used. Up to
        ``exact_pixels`` (16 at most) hidden pixels have an exact posterior. Of a larger hole at the
        end of the image, which the model reads last, ``particles`` * ``runs`` independent draws are
        exact, too. Other holes take ``runs`` independent runs of sequential Monte Carlo with
        ``particles`` particles. Where all these are worth fewer independent draws than ``samples``
        (effective_sample_size), each sample then goes through ``moves`` moves of particle Gibbs,
        which draw ``block`` hidden pixels anew with ``move_particles`` particles. ``method`` says
        what was done.

        A model that reads labels may be told the ``label``. Where it is not, what it says is over
        all classes, and only holes of the first two kinds can be filled.
        """
        pixels = as_pixels(image, self.pixels, "image")
        if pixels.ndim != 1:
            raise ValueError(f"image holds {len(pixels)} images; complete one at a time")
        hole, orientation = self._hole(hidden), self.keras.orientation
        turned, places = orientation.turned(pixels), orientation.turned_hole(hole)
        _at_least("samples", samples, 1)
        _at_least("particles", particles, 1)
        _at_least("runs", runs, 2)
        _at_least("moves", moves, 0)
        _at_least("block", block, 1)
        _at_least("move_particles", move_particles, 2)
        _check_seed(seed)
        model = self._of(label)
        if len(places) <= exact_pixels:
            found = complete_exactly(model, turned, places, samples, seed)
        elif at_the_end(places[None], len(pixels)):
            found = complete_end(model, turned, places, samples, particles * runs, seed)
        elif model.classes:
            raise ValueError(
                f"hidden marks {len(places)} pixels before observed ones, and no label is given; "
                f"give label (0 to {model.classes - 1}), hide at most {exact_pixels} pixels "
                f"(exact_pixels), or the end of the image"
            )
        else:
            found = complete_by_sampling(
                model,
                turned,
                places,
                samples,
                particles,
                runs,
                moves,
                block,
                move_particles,
                seed,
                self.look_ahead,
            )
        return self._completion(pixels, found.turned_back(orientation, hole))

    def _of(self, label: int | None) -> Predictor:
        """The model itself, or that of one class."""
        return self.keras if label is None else self.keras.of_class(label)

    def _hole(self, hidden: ArrayLike) -> np.ndarray:
        """Flat indices int32 [k] of a mask or of a list of them."""
        given, size = np.asarray(hidden), self.size[0] * self.size[1]
        if given.shape in (self.size, (size,)) and np.isin(given, (0, 1)).all():
            return as_hole(np.flatnonzero(given), size)
        if given.ndim == 1 and (not given.size or np.issubdtype(given.dtype, np.integer)):
            return as_hole(given, size)
        raise ValueError(
            f"hidden is {given.dtype} of shape {given.shape}; allowed: a mask of shape {self.size} "
            f"or ({size},), True where a pixel is hidden, or flat indices 0 to {size - 1}"
        )

    def _completion(self, pixels: np.ndarray, found: Completed) -> Completion:
        def whole(values: np.ndarray, observed: np.ndarray, dtype: type) -> np.ndarray:
            images: np.ndarray = np.empty((*values.shape[:-1], len(observed)), dtype)
            images[:] = observed
            images[..., found.hidden] = values
            return images.reshape(*values.shape[:-1], *self.size)

        nothing = np.zeros(len(pixels))
        return Completion(
            samples=whole(found.samples, pixels, np.uint8),
            marginals=whole(found.marginals, pixels, np.float64),
            map=whole(found.map_completion, pixels, np.uint8),
            entropy=whole(found.entropy, nothing, np.float64),
            log_likelihood=found.log_likelihood,
            log_observed=found.log_observed,
            error=found.log_observed_error,
            interval=found.log_observed_interval,
            effective_sample_size=found.effective_sample_size,
            method=found.method,
            image=pixels.reshape(self.size),
            hidden=whole(np.ones(len(found.hidden)), nothing, bool),
            found=found,
        )


class LoadedClassifier:
    """A classifier: which class an image is of. ``keras`` is the model itself.

    Images as those of ``LoadedPredictor``.
    """

    def __init__(self, keras: Classifier, name: str):
        self.keras, self.name = keras, name
        self.pixels = keras.pixels
        self.size = keras.pixels["rows"], keras.pixels["columns"]

    def __repr__(self) -> str:
        return _told(self)

    def log_probs(self, images: ArrayLike) -> np.ndarray:
        """log p(class | image), nats: float32 [N, K]; [K] for a single image."""
        pixels = as_pixels(images, self.pixels)
        found = self.keras.log_probs(np.atleast_2d(pixels))
        return found if pixels.ndim == 2 else found[0]

    def predict(self, images: ArrayLike) -> np.ndarray:
        """The most probable class, 0 to K - 1: int64 [N]; a number for a single image."""
        return self.log_probs(images).argmax(axis=-1)


def _told(model: LoadedPredictor | LoadedClassifier) -> str:
    rows, columns = model.size
    kind = {LoadedPredictor: "next-pixel model", LoadedClassifier: "classifier"}[type(model)]
    how = " ".join(filter(None, (model.pixels.get("source"), in_words(model.pixels))))
    count = n_parameters(model.keras)
    return f"<{kind} {model.name}: {count:,} parameters, images of {rows} x {columns}, {how}>"


def path_of(model: str | Path, task: str, data: str | None = None, seed: int | None = None) -> Path:
    """The .keras file that ``load`` reads for these arguments."""
    path = Path(model)
    is_address = str(model).startswith(ADDRESSES)
    is_name = isinstance(model, str) and any(place.variant == model for place in catalogue.places())
    is_path = isinstance(model, Path) or path.exists() or path.suffix == ".keras" or "/" in model
    if is_name or not (is_address or is_path):
        return catalogue.find(str(model), task, data, seed)
    if data is not None or seed is not None:
        raise ValueError(f"data and seed choose among models of one name, and {model} is no name")
    if is_address:
        return _from_mlflow(str(model))
    if path.is_dir():
        path = path / "model.keras"
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist, or is not a file")
    return path


def _from_mlflow(address: str) -> Path:
    """Fetches a model that ``make track`` has logged; its own code, if it holds any, is not run."""
    try:
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise ValueError(
            f"{address} needs MLflow: pip install 'scanline[study]', or give a name or a path"
        ) from error
    try:
        folder = Path(download_artifacts(artifact_uri=address))
    except MlflowException as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(
            f"{address} cannot be fetched ({reason}); MLFLOW_TRACKING_URI says which store is asked"
        ) from error
    found = sorted(folder.rglob("*.keras"))
    if len(found) != 1:
        raise ValueError(f"{address} holds {len(found)} .keras files; needed is one, a model's")
    return found[0]


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"{name} is {value}; allowed: {least} and above")


def _check_seed(seed: int) -> None:
    if not 0 <= seed < SEEDS:
        raise ValueError(f"seed is {seed}; allowed: 0 to {SEEDS - 1}")
