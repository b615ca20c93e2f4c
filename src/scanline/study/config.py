"""Is a config valid? Its schema, what the schema cannot say, and errors in one line."""

import difflib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from scanline.catalogue import pretrained
from scanline.holes.named import hidden_sets
from scanline.models.cells import CELLS
from scanline.study import config as study_config
from scanline.training.kinds import KINDS

SCHEMA = Path(__file__).resolve().parents[3] / "workflow/schemas/config.schema.yaml"
# ASSUME: images of 28 x 28 pixels, as MNIST's; hide_pixels refuses a run that does not fit others.
ROWS = COLUMNS = 28
REPORTED_PIXELS = ("mnist", "threshold", 0.1)  # what the 2017 report's numbers are for
PRETRAINED = pretrained()


def validate(config: Mapping) -> None:
    """Raises ValueError, one line: the key, the value that came, what is allowed."""
    schema = yaml.safe_load(SCHEMA.read_text())
    for task in KINDS:
        schema["properties"].setdefault(task, {"$ref": "#/$defs/task"})
    errors = sorted(
        Draft202012Validator(schema).iter_errors(dict(config)), key=_depth, reverse=True
    )
    if errors:
        raise ValueError(_one_line(errors[0]))
    _known("dataset", config["dataset"], config["datasets"])
    for name, data in config["datasets"].items():
        needed = {"threshold": "threshold", "bernoulli": "seed"}[data["binarise"]]
        if needed not in data:
            raise ValueError(
                f"datasets.{name} lacks {needed}, which binarise: {data['binarise']} needs"
            )
    for name, variant in config["variants"].items():
        _known(f"variants.{name}.cell", variant["cell"], CELLS)
    for task in (*KINDS, "complete", "inpaint", "posterior"):
        for variant in config[task]["variants"]:
            _known(f"{task}.variants", variant, config["variants"])
    for task in KINDS:
        for exception in config[task]["exceptions"]:
            for variant in exception["variants"]:
                _known(f"{task}.exceptions.variants", variant, config["variants"])
    for task in ("complete", "inpaint", "posterior"):
        for variant in config[task]["variants"]:
            _known(f"{task}.variants", variant, config["predict"]["variants"])
    posterior = config["posterior"]
    if posterior["variants"]:
        _known("posterior.classifier", posterior["classifier"], config["classify"]["variants"])
    calibration = posterior["calibration"]
    for hole in [*posterior["holes"], *calibration["simulated"], *calibration["holes"]]:
        try:
            hidden_sets(hole, ROWS, COLUMNS, images=1, cut=config["complete"]["cut"], seed=0)
        except ValueError as error:
            raise ValueError(f"posterior.holes: {error}") from None
    if not any(posterior["holes"].values()):
        raise ValueError("posterior.holes has 0 images for every hole; leave one in at least")
    left = ROWS * COLUMNS - config["complete"]["cut"]
    for run in config["complete"]["hidden_runs"]:
        if run > left:
            raise ValueError(
                f"complete.hidden_runs is {run}; from complete.cut {config['complete']['cut']} on "
                f"the image has {max(left, 0)} pixels left: allowed are 1 to {max(left, 0)}"
            )


def refuse_duplicate_keys(path: Path) -> None:
    """Raises ValueError where a YAML file names a key twice in one place (the last would win)."""

    class Strict(yaml.SafeLoader):
        pass

    def mapping(loader: Strict, node: yaml.MappingNode) -> dict:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = loader.construct_object(key_node)
            if key in seen:
                line = key_node.start_mark.line + 1
                raise ValueError(
                    f"{path}, line {line}: {key!r} stands there twice; rename or drop one"
                )
            seen.add(key)
        return loader.construct_mapping(node, deep=True)

    Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    with open(path) as file:
        yaml.load(file, Strict)


def _known(key: str, name: str, names: Mapping | list) -> None:
    if name not in names:
        near = difflib.get_close_matches(str(name), list(names), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"{key} is {name!r}; allowed: {', '.join(names)}{hint}")


def _depth(error) -> int:
    return len(error.absolute_path)


def _one_line(error) -> str:
    key = ".".join(str(part) for part in error.absolute_path) or "config"
    value = json.dumps(error.instance)
    value = value if len(value) < 60 else f"{value[:57]}..."
    match error.validator:
        case "additionalProperties":
            allowed = list(error.schema["properties"])
            unknown = next(name for name in error.instance if name not in allowed)
            near = difflib.get_close_matches(unknown, allowed, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            return f"{key} has the unknown key {unknown!r}; allowed: {', '.join(allowed)}{hint}"
        case "required":
            return f"{key} lacks a key: {error.message}"
        case "enum":
            return f"{key} is {value}; allowed: {', '.join(map(str, error.validator_value))}"
        case "minimum" | "exclusiveMinimum":
            sign = "at least" if error.validator == "minimum" else "more than"
            return (
                f"{key} is {value}; allowed: {sign} {error.validator_value}{_upper(error.schema)}"
            )
        case "maximum":
            low = error.schema.get("minimum", "")
            return f"{key} is {value}; allowed: {low} to {error.validator_value}"
        case "pattern":
            return f"{key}: {value} is not allowed; it must match {error.validator_value}"
        case "type":
            return f"{key} is {value}; allowed: a value of type {error.validator_value}"
        case _:
            return f"{key}: {error.message}"


def _upper(schema: Mapping) -> str:
    return f", at most {schema['maximum']}" if "maximum" in schema else ""


def load_config(files: Sequence[Path]) -> dict:
    """The config of several files, laid over each other as Snakemake does; checked.

    Raises ValueError, one line, where it is not valid.
    """
    from snakemake.utils import update_config

    config: dict = {}
    for file in files:
        study_config.refuse_duplicate_keys(file)
        update_config(config, yaml.safe_load(file.read_text()) or {})
    study_config.validate(config)
    return config
