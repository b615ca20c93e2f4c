"""Does the plan fit the images? Judged by their shape, before anything is computed.

Where the config states a share of an image (a number below 1), it becomes a number of pixels here.
"""

from collections.abc import Iterator, Mapping

from scanline.data.formats import shape_of
from scanline.data.pixels import only_classified
from scanline.data.raw import Shape
from scanline.holes.named import hidden_run, hidden_sets, sides_of
from scanline.holes.sets import MAX_ENUMERATED
from scanline.study.variants import reading_labels
from scanline.training.kinds import KINDS

PREDICTED = ("predict", "look_ahead", "complete", "sample", "inpaint", "posterior")  # by predictors


def shape_of_images(config: Mapping) -> Shape:
    """That of the images of the config's data set; ValueError where its files are not there."""
    data = config["datasets"][config["dataset"]]
    shape = shape_of(data["source"])
    if data.get("transpose"):
        return shape._replace(rows=shape.columns, columns=shape.rows)
    return shape


def fitted(config: Mapping, shape: Shape) -> dict:
    """The config for images of that ``shape``: shares as pixels, the data set's rows and columns.

    Of ``sample.variants`` and ``look_ahead.variants`` those are kept that ``predict`` trains, and
    nothing of what the images are not for (``left_out``). Cells are shown on sequences of
    as many steps as an image has pixels, where ``cells.steps`` is null.

    Raises ValueError, one line that names each value that does not fit, the key to change, and what
    is allowed.
    """
    pixels = shape.rows * shape.columns
    complete = dict(config["complete"])
    cut = complete["cut"] = _pixels("complete.cut", complete["cut"], pixels)
    runs = [_run(run, cut, pixels) for run in complete["hidden_runs"]]
    complete["hidden_runs"] = list(dict.fromkeys(runs))
    inpaint = config["inpaint"]
    patches = [_patch(hole, shape) for hole in inpaint["holes"]]
    inpaint = inpaint | {"holes": list(dict.fromkeys(patches))}
    cells = config["cells"] | {"steps": config["cells"]["steps"] or pixels}
    trained = config["predict"]["variants"]
    data = dict(config["datasets"][config["dataset"]], rows=shape.rows, columns=shape.columns)
    datasets = config["datasets"] | {config["dataset"]: data}
    made = {**config, "datasets": datasets, "cells": cells, "complete": complete}
    made["inpaint"] = inpaint
    for task in ("sample", "look_ahead"):
        there = [variant for variant in config[task]["variants"] if variant in trained]
        made[task] = config[task] | {"variants": there}
    if not shape.labelled:
        reading = reading_labels(config)
        for task in PREDICTED:
            kept = [variant for variant in made[task]["variants"] if variant not in reading]
            made[task] = made[task] | {"variants": kept}
    for key in _not_for(config, shape):
        task, name = key.split(".")
        made[task] = made[task] | {name: None if name == "classifier" else []}
    if faults := _faults(made, shape):
        size = f"{shape.rows} x {shape.columns}"
        raise ValueError(f"the images are {size}, and this does not fit: {'; '.join(faults)}")
    return made


def left_out(config: Mapping, shape: Shape) -> dict[str, str]:
    """By key, why images of that ``shape`` are not for what the config asks for."""

    def asked(key: str) -> bool:
        task, name = key.split(".")
        return bool(config[task]["variants"] and config[task][name])

    found = {key: why for key, why in _not_for(config, shape).items() if asked(key)}
    if not shape.labelled and "predict.variants" not in found:
        why = f"it reads labels, and the images of {config['dataset']} have none"
        there = reading_labels(config) & set(config["predict"]["variants"])
        found |= {f"variants.{variant}": why for variant in sorted(there)}
    return found


def _not_for(config: Mapping, shape: Shape) -> dict[str, str]:
    """By key, why it cannot be had of images of that ``shape``, whether it is asked for or not."""
    name = config["dataset"]
    found: dict[str, str] = {}
    if why := only_classified(config["datasets"][name]):
        found |= {f"{task}.variants": why for task in PREDICTED}
    if not shape.labelled:
        why = f"the images of {name} have no labels"
        found |= {"classify.variants": why, "posterior.classifier": why}
    return found


def _pixels(key: str, number: float, of: int) -> int:
    """A number of pixels, or a share ``of`` so many; ValueError for any other number."""
    if 0 < number < 1:
        return round(number * of)
    if number != int(number):
        raise ValueError(
            f"{key} is {number}; allowed: a whole number of pixels, or a share below 1"
        )
    return int(number)


def _run(run: float, cut: int, pixels: int) -> int:
    """The length of a hidden run, in pixels.

    A share may be one pixel too long, where it and the cut are both rounded up.
    """
    length = max(1, _pixels("complete.hidden_runs", run, pixels))
    return length - 1 if run < 1 < length and cut + length == pixels + 1 else length


def _patch(hole: str, shape: Shape) -> str:
    """The name of a patch, in pixels; unchanged where it does not fit, which is told later."""
    try:
        high, wide = sides_of(hole, shape.rows, shape.columns)
    except ValueError:
        return hole
    return f"{high}x{wide}"


def _check_patch(hole: str, shape: Shape) -> None:
    high, wide = sides_of(hole, shape.rows, shape.columns)
    if high * wide > MAX_ENUMERATED:
        raise ValueError(
            f"a patch of {high} x {wide} has {high * wide} pixels; {MAX_ENUMERATED} at most are "
            f"enumerated, and posterior.holes takes larger ones"
        )


def _faults(config: Mapping, shape: Shape) -> list[str]:
    faults: list[str] = []
    complete, inpaint, posterior = config["complete"], config["inpaint"], config["posterior"]
    cut, pixels = complete["cut"], shape.rows * shape.columns
    data = config["datasets"][config["dataset"]]
    training, test = _images(shape, data)

    def check(key: str, judge, *arguments, **named) -> None:
        try:
            judge(*arguments, **named)
        except ValueError as error:
            faults.append(f"{key}: {error}")

    where = f"datasets.{config['dataset']}"
    if test == 0:
        faults.append(f"{where}.test_fraction: the source has no test split; state its share")
        test = None
    if not shape.labelled and (why := only_classified(data)):
        faults.append(f"{where}: {why}, which need labels; choose another binarise or order")
    runs = complete["hidden_runs"] if complete["variants"] else []
    filled = _filled(posterior) if posterior["variants"] else {}
    if cut >= pixels:  # where all runs begin, so that none can be judged
        others = {
            key: [hole for hole in holes if not hole.startswith("run-")]
            for key, holes in filled.items()
        }
        if runs or others != filled:
            faults.append(f"complete.cut is {cut}, outside the image; allowed: 0 to {pixels - 1}")
        runs, filled = [], others
    for run in runs:
        check("complete.hidden_runs", hidden_run, cut, run, pixels)
    if complete["variants"]:
        _count(faults, "complete.images", complete["images"], test)
    if inpaint["variants"]:
        for hole in inpaint["holes"]:
            check("inpaint.holes", _check_patch, hole, shape)
        _count(faults, "inpaint.images", inpaint["images"], test)
    for key, holes in filled.items():
        for hole in holes:
            size = dict(images=1, cut=cut, seed=0)
            check(key, hidden_sets, hole, shape.rows, shape.columns, **size)
    if posterior["variants"]:
        hole, largest = max(posterior["holes"].items(), key=lambda each: each[1])
        _count(faults, f"posterior.holes.{hole}", largest, test, " (0 leaves the hole out)")
        _count(faults, "posterior.calibration.images", posterior["calibration"]["images"], test)
    if (data.get("classes") or shape.classes) == 1 and config["classify"]["variants"]:
        faults.append(
            "classify.variants: the images have 1 class, and 2 are told apart; set it to []"
        )
    validation = data.get("validation_images", 0)
    # One image at least is for training.
    _count(faults, f"{where}.validation_images", validation, training and training - 1)
    left = training and training - validation
    if left is None or left > 0:
        for key, count in _trained_on(config):
            _count(faults, key, count, left)
        if any(config[task]["variants"] for task in KINDS):
            there = min((n for n in (left, test) if n is not None), default=None)
            _count(faults, "score.images", config["score"]["images"], there)
    return faults


def _filled(posterior: Mapping) -> dict[str, list[str]]:
    """The holes that are filled, by the key that names them."""
    calibration = posterior["calibration"]
    return {
        "posterior.holes": [hole for hole, images in posterior["holes"].items() if images],
        "posterior.calibration.simulated": calibration["simulated"],
        "posterior.calibration.holes": calibration["holes"],
    }


def _images(shape: Shape, data: Mapping) -> tuple[int | None, int | None]:
    """Images for training and validation, and for testing; None where no header tells."""
    training, test = shape.training, shape.test
    if training is None or test is not None:
        return training, test
    test = round(data.get("test_fraction", 0) * training)
    return training - test, test


def _trained_on(config: Mapping) -> Iterator[tuple[str, int]]:
    """By key, each number of images that a variant is trained on; 0 for all."""
    for task in KINDS:
        variants = set(config[task]["variants"])
        if variants:
            yield f"{task}.training.train_images", config[task]["training"]["train_images"]
        for exception in config[task]["exceptions"]:
            if variants & set(exception["variants"]):
                training = exception["training"]
                yield f"{task}.exceptions.training.train_images", training.get("train_images", 0)


def _count(faults: list[str], key: str, wanted: int, there: int | None, way_out: str = "") -> None:
    if there is not None and wanted > there:
        allowed = f"1 to {there}" if there else "none"
        faults.append(
            f"{key} is {wanted} and {there} images are there; allowed: {allowed}{way_out}"
        )
