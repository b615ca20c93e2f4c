"""The study that a config describes: is it valid, and which settings does each stage get?

A stage's settings are the flags of its script. The rules pass them on, and ``make verify`` compares
them with those that the records name.
"""

import difflib
import json
import os
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import yaml
from jsonschema import Draft202012Validator

from scanline.holes import hidden_sets

SCHEMA = Path(__file__).resolve().parents[2] / "workflow/schemas/config.schema.yaml"
# ASSUME: images of 28 x 28 pixels, as MNIST's; hide_pixels refuses a run that does not fit others.
ROWS = COLUMNS = 28
REPORTED_PIXELS = ("mnist", "threshold", 0.1)  # what the 2017 report's numbers are for
PRETRAINED = SCHEMA.parents[2] / "pretrained"  # {data}/{task}/{variant}/seed-{seed}/
TRAINED = {"classify": "train_classifier", "predict": "train_predictor"}


def validate(config: Mapping) -> None:
    """Raises ValueError, one line: the key, the value that came, what is allowed."""
    schema = yaml.safe_load(SCHEMA.read_text())
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
    for task in ("classify", "predict", "complete", "inpaint", "posterior"):
        for variant in config[task]["variants"]:
            _known(f"{task}.variants", variant, config["variants"])
    for task in TRAINED:
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


def settings(config: Mapping, rule: str, **wildcards: str) -> dict:
    """The settings of a rule's script for the given wildcards (data, variant, seed)."""
    complete, inpaint, posterior = config["complete"], config["inpaint"], config["posterior"]
    match rule:
        case "binarise":
            name = wildcards["data"]
            data = config["datasets"][name]
            return {
                "data": name,
                "source": data["source"],
                "method": data["binarise"],
                "validation_images": data["validation_images"],
                **{key: data[key] for key in ("threshold", "seed") if key in data},
            }
        case "train_classifier" | "train_predictor":
            task = {rule: task for task, rule in TRAINED.items()}[rule]
            variant = wildcards["variant"]
            shape = {"inputs": "previous"} | config["variants"][variant]
            if task == "classify":  # a classifier reads the pixel itself
                shape = {name: shape[name] for name in ("cell", "units", "layers")}
            training = dict(config[task]["training"])
            for exception in config[task]["exceptions"]:
                if variant in exception["variants"]:
                    training |= exception["training"]
            return {**shape, **training, "seed": int(wildcards["seed"])}
        case "score_classifier" | "score_predictor":
            return {"images": config["score"]["images"]}
        case "hide_pixels":
            return {
                "images": complete["images"],
                "seed": complete["images_seed"],
                "cut": complete["cut"],
                "runs": sorted(complete["hidden_runs"]),
            }
        case "sample_completions":
            return {"samples": complete["samples"], "seed": complete["sampling_seed"]}
        case "hide_patches":
            return {
                "holes": inpaint["holes"],
                "images": inpaint["images"],
                "mean": inpaint["centre_mean"],
                "sd": inpaint["centre_sd"],
                "seed": inpaint["patches_seed"],
            }
        case "hide_holes":
            wanted = holes(config)
            return {
                "holes": wanted,
                "images": [posterior["holes"][hole] for hole in wanted],
                "cut": complete["cut"],
                "seed": posterior["seed"],
            }
        case "fill_holes":
            names = ("exact_pixels", "particles", "chains", "moves", "sweeps", "samples", "seed")
            return {name: posterior[name] for name in names}
        case "calibrate_posterior":
            calibration = posterior["calibration"]
            same = ("simulated", "draws", "bins", "images", "particles", "runs", "holes")
            return {
                **{name: calibration[name] for name in same},
                "draw_particles": posterior["particles"],
                "cut": complete["cut"],
                "seed": posterior["seed"],
            }
        case "make_tables":
            data = config["datasets"][wildcards["data"]]
            pixels = data["source"], data["binarise"], data.get("threshold")
            return {
                "beside": "report" if pixels == REPORTED_PIXELS else "nothing",
                "pretrained": pretrained(config, wildcards["data"]),
            }
        case "draw_curves":
            by_cell = {cell: _variants_of(config, cell) for cell in ("lstm", "gru")}
            return {"palette": sorted(config["variants"]), **by_cell}
        case "draw_inpainting" | "draw_calibration":
            return {"model": wildcards["variant"]}
        case _:
            return {}


def pretrained(config: Mapping, data: str) -> list[str]:
    """The trained models that are taken, not trained: {task}/{variant}/seed-{seed}, sorted."""
    if config["train"] == "here":
        return []
    wanted = (
        f"{task}/{variant}/seed-{seed}"
        for task in TRAINED
        for variant in config[task]["variants"]
        for seed in config["seeds"]
    )
    return sorted(name for name in wanted if (PRETRAINED / data / name / "model.keras").is_file())


def holes(config: Mapping) -> list[str]:
    """The holes that images are to be completed in, those of fewest pixels first.

    The order of the config's keys says nothing: it depends on how files are laid over each other.
    """
    cut = config["complete"]["cut"]

    def size(hole: str) -> tuple[int, str]:
        return hidden_sets(hole, ROWS, COLUMNS, images=1, cut=cut, seed=0).shape[1], hole

    return sorted((hole for hole, n in config["posterior"]["holes"].items() if n), key=size)


def flags(settings: Mapping) -> str:
    """Settings as command-line flags, sorted by name: one string names every value."""
    words: list[str] = []
    for name, value in sorted(settings.items()):
        values = value if isinstance(value, list | tuple) else [value]
        if values:
            words += [f"--{name.replace('_', '-')}", *(str(v) for v in values)]
    return shlex.join(words)


def settings_of(config: Mapping, script: str, folder: str) -> dict:
    """The settings that the config gives for the stage whose results lie in ``folder``."""
    parts = PurePosixPath(folder).relative_to(config["results"]).parts
    wildcards = {"data": parts[0]}
    if len(parts) >= 4 and parts[3].startswith("seed-"):
        wildcards |= {"variant": parts[2], "seed": parts[3].removeprefix("seed-")}
    elif found := re.fullmatch("(inpainting|calibration)-(.+)", parts[-1]):
        wildcards["variant"] = found[2]
    return settings(config, script, **wildcards)


def tracking_uri(config: Mapping) -> str:
    """The address of the tracking store: absolute, so that every job means the same one."""
    if config["tracking"] == "sqlite":
        return f"sqlite:///{Path(config['results']).resolve() / 'mlflow' / 'mlflow.db'}"
    return str(config["tracking"])


def prepare_environment(config: Mapping) -> None:
    """What every job inherits: the tracking store, and the Python that runs Snakemake.

    So a job's ``python`` is the right one also where its environment was not activated.
    """
    os.environ["SCANLINE_TRACKING"] = tracking_uri(config)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def gpus(config: Mapping) -> int:
    """GPUs that a training asks for: none on a machine of CPUs, which it would serialise."""
    here = config["accelerator"] == "auto" and Path("/dev/nvidia0").exists()
    return 1 if here or config["accelerator"] == "gpu" else 0


def _variants_of(config: Mapping, cell: str) -> list[str]:
    variants = config["variants"].items()
    return sorted(name for name, variant in variants if variant["cell"] == cell)


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
