"""Does the plan fit the images? Judged by their shape, before anything is computed.

Where the config states a share of an image (a number below 1), it becomes a number of pixels here.
"""

from collections.abc import Mapping

from scanline.data.formats import shape_of
from scanline.data.raw import Shape
from scanline.holes.named import hidden_run, hidden_sets, patch_size


def shape_of_images(config: Mapping) -> Shape:
    """That of the images of the config's data set; ValueError where its files are not there."""
    data = config["datasets"][config["dataset"]]
    shape = shape_of(data["source"])
    if data.get("transpose"):
        return shape._replace(rows=shape.columns, columns=shape.rows)
    return shape


def fitted(config: Mapping, shape: Shape) -> dict:
    """The config for images of that ``shape``: shares as pixels, the data set's rows and columns.

    Of ``sample.variants`` those are kept that ``predict`` trains.

    Raises ValueError, one line that names each value that does not fit, the key to change, and what
    is allowed.
    """
    pixels, side = shape.rows * shape.columns, min(shape.rows, shape.columns)
    complete, inpaint = dict(config["complete"]), dict(config["inpaint"])
    complete["cut"] = _pixels(complete["cut"], pixels)
    runs = [max(1, _pixels(run, pixels)) for run in complete["hidden_runs"]]
    complete["hidden_runs"] = list(dict.fromkeys(runs))
    for key in ("corner_mean", "corner_sd"):
        inpaint[key] = inpaint[key] * side if 0 < inpaint[key] < 1 else inpaint[key]
    trained = config["predict"]["variants"]
    sampled = [variant for variant in config["sample"]["variants"] if variant in trained]
    data = dict(config["datasets"][config["dataset"]], rows=shape.rows, columns=shape.columns)
    datasets = config["datasets"] | {config["dataset"]: data}
    made = {**config, "datasets": datasets, "complete": complete, "inpaint": inpaint}
    made["sample"] = config["sample"] | {"variants": sampled}
    if faults := _faults(made, shape):
        size = f"{shape.rows} x {shape.columns}"
        raise ValueError(f"the images are {size}, and this does not fit: {'; '.join(faults)}")
    return made


def _pixels(number: float, of: int) -> int:
    """A number of pixels, or a share ``of`` so many."""
    return round(number * of) if 0 < number < 1 else int(number)


def _faults(config: Mapping, shape: Shape) -> list[str]:
    faults: list[str] = []
    complete, inpaint, posterior = config["complete"], config["inpaint"], config["posterior"]
    cut, pixels = complete["cut"], shape.rows * shape.columns

    def check(key: str, judge, *arguments, **named) -> None:
        try:
            judge(*arguments, **named)
        except ValueError as error:
            faults.append(f"{key}: {error}")

    if complete["variants"]:
        for run in complete["hidden_runs"]:
            check("complete.hidden_runs", hidden_run, cut, run, pixels)
        _count(faults, "complete.images", complete["images"], shape.test)
    if inpaint["variants"]:
        for hole in inpaint["holes"]:
            if patch_size(hole) > min(shape.rows, shape.columns):
                faults.append(f"inpaint.holes: {hole} is larger than the image")
        _count(faults, "inpaint.images", inpaint["images"], shape.test)
    if posterior["variants"]:
        calibration = posterior["calibration"]
        wanted = [hole for hole, images in posterior["holes"].items() if images]
        for key, holes in (
            ("posterior.holes", wanted),
            ("posterior.calibration.simulated", calibration["simulated"]),
            ("posterior.calibration.holes", calibration["holes"]),
        ):
            for hole in holes:
                size = dict(images=1, cut=cut, seed=0)
                check(key, hidden_sets, hole, shape.rows, shape.columns, **size)
        largest = max(posterior["holes"].values())
        _count(faults, "posterior.holes", largest, shape.test)
        _count(faults, "posterior.calibration.images", calibration["images"], shape.test)
    if not shape.labelled:
        if config["classify"]["variants"]:
            faults.append("classify.variants: the images have no labels; set it to []")
        if posterior["variants"] and posterior["classifier"]:
            faults.append("posterior.classifier: the images have no labels; set it to null")
    data = config["datasets"][config["dataset"]]
    where = f"datasets.{config['dataset']}"
    left = shape.training and shape.training - 1  # one at least is for training
    _count(faults, f"{where}.validation_images", data.get("validation_images", 0), left)
    return faults


def _count(faults: list[str], key: str, wanted: int, there: int | None) -> None:
    if there is not None and wanted > there:
        faults.append(f"{key} is {wanted} and {there} images are there; allowed: 1 to {there}")
