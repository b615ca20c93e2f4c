"""Is a config valid? Its schema, what the schema cannot say, and errors in one line."""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import yaml
from jsonschema import Draft202012Validator

from scanline.catalogue import pretrained
from scanline.data.pixels import is_grey
from scanline.layout import Place
from scanline.models.cells import CELLS
from scanline.study import config as study_config
from scanline.study.environment import masked
from scanline.study.fit import fitted, shape_of_images
from scanline.study.variants import mixtures, reading_labels, turned
from scanline.training.kinds import KINDS

SCHEMA = Path(__file__).resolve().parents[3] / "workflow/schemas/config.schema.yaml"
VALUES = 100_000  # in one file
TASKS = (*KINDS, "complete", "sample", "inpaint", "posterior")
NO_PATH = re.compile(r"[\x00-\x1f\x7f{}?*]")
REPORTED_PIXELS = ("mnist", "threshold", 0.1, "raster")  # what the 2017 report's numbers are for
PRETRAINED = pretrained()


def validate(config: Mapping) -> None:
    """Raises ValueError, one line: the key, the value that came, what is allowed."""
    _named(config, "config")
    schema = yaml.safe_load(SCHEMA.read_text())
    for task in KINDS:
        schema["properties"].setdefault(task, {"$ref": "#/$defs/task"})
    errors = sorted(
        Draft202012Validator(schema).iter_errors(dict(config)), key=_depth, reverse=True
    )
    if errors:
        raise ValueError(_one_line(errors[0]))
    for key in ("results", "downloads"):
        _path(key, config[key])
    for name, data in config["datasets"].items():
        _path(f"datasets.{name}.source", data["source"])
    _known("dataset", config["dataset"], config["datasets"])
    for name, data in config["datasets"].items():
        needed = {"threshold": "threshold", "bernoulli": "seed"}.get(data["binarise"])
        if needed and needed not in data:
            raise ValueError(
                f"datasets.{name} lacks {needed}, which binarise: {data['binarise']} needs"
            )
        for key in ("threshold", "seed"):
            if is_grey(data) and key in data:
                raise ValueError(
                    f"datasets.{name}.{key} is {data[key]}, and binarise: none leaves pixels grey; "
                    f"drop {key}, or set binarise: threshold or bernoulli"
                )
        if "redraw" in data and data["binarise"] != "bernoulli":
            raise ValueError(
                f"datasets.{name}.redraw is {data['redraw']}, and binarise: {data['binarise']} "
                f"draws nothing; drop redraw, or set binarise: bernoulli"
            )
    for name, variant in config["variants"].items():
        if "cell" in variant:
            _known(f"variants.{name}.cell", variant["cell"], CELLS)
    for task in TASKS:
        for variant in config[task]["variants"]:
            _known(f"{task}.variants", variant, config["variants"])
    for task in KINDS:
        for exception in config[task]["exceptions"]:
            for variant in exception["variants"]:
                _known(f"{task}.exceptions.variants", variant, config["variants"])
    for task in ("complete", "inpaint", "posterior"):
        for variant in config[task]["variants"]:
            _known(f"{task}.variants", variant, config["predict"]["variants"])
    _check_kinds_of_variants(config)
    posterior, readers = config["posterior"], config["classify"]["variants"]
    if posterior["variants"] and posterior["classifier"] not in (None, *readers):
        raise ValueError(
            f"posterior.classifier is {posterior['classifier']!r}; allowed: "
            f"{''.join(f'{reader}, ' for reader in readers)}null (no images are read)"
        )
    if not any(posterior["holes"].values()):
        raise ValueError("posterior.holes has 0 images for every hole; leave one in at least")


def _check_kinds_of_variants(config: Mapping) -> None:
    """Raises ValueError where a task has variants of a kind that it is not for."""
    mixed, predicted = mixtures(config), config["predict"]["variants"]
    for name in (variant for variant in predicted if variant in mixed):
        for member in mixed[name]:
            trained = [variant for variant in predicted if variant not in mixed]
            _known(f"variants.{name}.mixture", member, trained)
    for tasks, found, allowed in (
        (
            [task for task in TASKS if task != "predict"],
            dict.fromkeys(mixed, "is a mixture"),
            "variants that are trained; a mixture is named in predict.variants alone",
        ),
        (
            ("look_ahead", "posterior"),
            dict.fromkeys(reading_labels(config), "has labels: true"),
            "variants that read no labels, as large holes are filled by their models alone",
        ),
        (
            ("look_ahead", "complete", "inpaint"),
            {name: f"has orientation: {way}" for name, way in turned(config).items()},
            "variants without orientation; posterior fills holes by all",
        ),
    ):
        for task in tasks:
            for variant in config[task]["variants"]:
                if variant in found:
                    why = f"which {found[variant]}; allowed: {allowed}"
                    raise ValueError(f"{task}.variants is {variant!r}, {why}")


def refuse_duplicate_keys(path: Path) -> None:
    """Raises ValueError where a YAML file names a key twice in one place (the last would win).

    Also where it is no mapping, or a few lines of it grow to millions of values by its aliases.
    """
    text = path.read_text()
    try:
        root = yaml.compose(text, yaml.SafeLoader)
        values = _values_of(root, {}) if root else 0
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{path} is not readable YAML ({' '.join(str(error).split())})") from None
    if values > VALUES:
        raise ValueError(f"{path} grows to {values:,} values by its aliases; allowed: {VALUES:,}")
    if root and not isinstance(root, yaml.MappingNode):
        raise ValueError(f"{path} is no mapping of keys to values, as config.yaml is")

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
    yaml.load(text, Strict)


def _values_of(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node stands for, where aliases repeat what they name."""
    if id(node) not in known:
        known[id(node)] = VALUES  # of a node that holds itself, without end
        parts = []
        if isinstance(node, yaml.MappingNode):
            parts = [each for pair in node.value for each in pair]
        elif isinstance(node, yaml.SequenceNode):
            parts = node.value
        known[id(node)] = 1 + sum(_values_of(part, known) for part in parts)
    return known[id(node)]


def refuse_unknown(config: Mapping, target: str) -> None:
    """Raises ValueError where the path of a result names what no stage of the study writes.

    That is a data set, task or variant that is not there, or more of a mixture than its scores.

    Other words of a command line, and paths outside the results, pass.
    """
    path, results = PurePosixPath(target), PurePosixPath(config["results"])
    if not path.is_relative_to(results) or not (place := Place.find(path.relative_to(results))):
        return
    for key, name, names in (
        ("data set", place.data, config["datasets"]),
        ("task", place.task, TASKS),
        ("variant", place.variant, config["variants"]),
    ):
        _known(f"{target}: the {key}", name, names)
    if place.variant in mixtures(config) and path.parent.name != "score":
        raise ValueError(
            f"{target}: the variant {place.variant!r} is a mixture, which has only scores; "
            f"allowed: {results / str(place._replace(task='predict'))}/score/scores.csv"
        )


def in_no_task(config: Mapping, files: Sequence[Path]) -> list[str]:
    """The variants that one of the config ``files`` describes and no task names."""
    described = {
        name
        for file in files
        for name in (yaml.safe_load(file.read_text()) or {}).get("variants", {})
    }
    named = {name for task in TASKS for name in config[task]["variants"]}
    return sorted(described - named)


def _named(value: object, key: str) -> None:
    """Raises ValueError where a name within is no string, as JSON's are."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if not isinstance(name, str):
                raise ValueError(f"{key} has the key {name!r}, which is no name; put it in quotes")
            _named(item, name if key == "config" else f"{key}.{name}")


def _path(key: str, path: str) -> None:
    """Any path may be named, but for what no path needs and Snakemake or a shell would misread."""
    found = "" if path.startswith("-") else NO_PATH.search(path)
    if found is not None:
        told = f"the character {found[0]!r}" if found else "- at its start"
        raise ValueError(
            f"{key} is {path!r}, with {told}; allowed is any path without control characters, "
            f"{{ }} ? *, and - at its start"
        )


def _known(key: str, name: str, names: Mapping | Sequence[str]) -> None:
    if name not in names:
        near = difflib.get_close_matches(str(name), list(names), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"{key} is {name!r}; allowed: {', '.join(names)}{hint}")


def _depth(error) -> int:
    return len(error.absolute_path)


def _one_line(error) -> str:
    key = ".".join(str(part) for part in error.absolute_path) or "config"
    value = masked(json.dumps(error.instance))
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
            kind, number = error.validator_value, isinstance(error.instance, int | float)
            hint = "; in quotes a number is a string" if kind == "string" and number else ""
            return f"{key} is {value}; allowed: a value of type {kind}{hint}"
        case _:
            return f"{key}: {error.message}"


def _upper(schema: Mapping) -> str:
    return f", at most {schema['maximum']}" if "maximum" in schema else ""


def load_config(files: Sequence[Path]) -> dict:
    """The config of several files, laid over each other as Snakemake does; checked and fitted.

    Raises ValueError, one line, where it is not valid or does not fit its images.
    """
    from snakemake.utils import update_config

    config: dict = {}
    for file in files:
        study_config.refuse_duplicate_keys(file)
        update_config(config, yaml.safe_load(file.read_text()) or {})
    study_config.validate(config)
    return fitted(config, shape_of_images(config))
