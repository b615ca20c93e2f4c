"""A config is refused with one line that names the key, the value and what is allowed."""

import re
from pathlib import Path

import pytest
import yaml
from study_copy import overlaid

from scanline.study import config as study_config
from scanline.study import environment as study_environment
from scanline.study import settings as study_settings
from scanline.study.fit import fitted, shape_of_images

ROOT = Path(__file__).parents[2]


@pytest.fixture
def config():
    return yaml.safe_load((ROOT / "config.yaml").read_text())


def refused(config):
    """As the Snakefile judges a config."""
    study_config.validate(config)
    fitted(config, shape_of_images(config))


def _set(config, path, value):
    *parents, key = path.split("/")
    for parent in parents:
        config = config[parent]
    config[key] = value


REFUSED = [
    # path, value, what the line must name
    ("sedds", [1], ["'sedds'", "seeds"]),
    ("classify/variants", ["gru-12"], ["classify.variants", "'gru-12'", "gru-128"]),
    (
        "predict/exceptions",
        [{"variants": ["gru-9"], "training": {}}],
        ["predict.exceptions.variants", "'gru-9'"],
    ),
    ("predict/exceptions", {"gru-32": {"epochs": 3}}, ["predict.exceptions", "array"]),
    (
        "predict/exceptions",
        [{"variants": ["gru-32"], "training": {"epoch": 3}}],
        ["'epoch'", "did you mean epochs"],
    ),
    ("complete/variants", ["lstm-32"], ["complete.variants", "'lstm-32'", "gru-3x32"]),
    ("datasets/mnist-bernoulli/threshold", 1.5, ["threshold", "1.5", "0 to 1"]),
    ("datasets/mnist-threshold-0.1/threshold", -0.1, ["threshold", "-0.1", "at least 0"]),
    ("datasets/mnist-threshold-0.1/binarise", "median", ['"median"', "threshold, bernoulli"]),
    ("datasets/mnist-threshold-0.1/redraw", "epoch", ["redraw", "threshold draws nothing; drop"]),
    ("datasets/mnist-bernoulli/redraw", "batch", ["redraw", '"batch"', "allowed: epoch"]),
    ("datasets/mnist-grey/threshold", 0.5, ["mnist-grey.threshold is 0.5", "grey; drop threshold"]),
    ("datasets/mnist-grey/seed", 0, ["mnist-grey.seed is 0", "drop seed, or set binarise"]),
    ("datasets/mnist-grey/redraw", "epoch", ["redraw is epoch", "none draws nothing; drop redraw"]),
    ("datasets/mnist-grey/order", "foo", ["order", '"foo"', "allowed: raster, permuted"]),
    ("dataset", "mnits", ["dataset", "'mnits'", "mnist-bernoulli"]),
    ("variants/gru-32/units", 0, ["variants.gru-32.units", "0", "at least 1"]),
    ("variants/gru-32/units", "many", ["variants.gru-32.units", '"many"', "integer"]),
    ("variants/gru-32/cell", "rnn", ["'rnn'", "gru, lstm"]),
    ("variants/gru-32/unit", 3, ["'unit'", "units"]),
    ("variants/..%x", {"cell": "gru", "units": 8, "layers": 1}, ["..%x"]),
    ("complete/hidden_runs", [301], ["complete.hidden_runs", "301", "1 to 300"]),
    ("complete/hidden_runs", [], ["complete.hidden_runs"]),
    ("posterior/variants", ["lstm-32"], ["posterior.variants", "'lstm-32'", "gru-3x32"]),
    ("posterior/classifier", "gru-9", ["posterior.classifier", "'gru-9'", "lstm-32", "null"]),
    ("classify/variants", [], ["posterior.classifier", "'gru-32'", "allowed: null"]),
    ("posterior/holes/upper-third", 5, ["posterior.holes", "'upper-third'", "upper-half"]),
    ("posterior/holes/run-301", 5, ["posterior.holes", "301 pixels", "1 to 300"]),
    ("posterior/holes/2x2", -1, ["posterior.holes.2x2", "-1", "at least 0"]),
    ("posterior/holes", {"2x2": 0}, ["posterior.holes", "0 images for every hole", "leave one"]),
    ("posterior/exact_pixels", 17, ["posterior.exact_pixels", "17", "0 to 16"]),
    ("posterior/block", 0, ["posterior.block", "0", "at least 1"]),
    ("inpaint/centre_mean", 13.6, ["inpaint", "'centre_mean'", "did you mean corner_mean?"]),
    ("seeds", "1", ["seeds", '"1"', "array"]),
    ("seeds", [1, 1], ["seeds", "[1, 1]"]),
    ("classify/training/epochs", 0, ["classify.training.epochs", "0", "at least 1"]),
    ("variants/gru-32/labels", "yes", ["variants.gru-32.labels", '"yes"', "boolean"]),
    ("variants/gru-64-context/labels", True, ["look_ahead.variants", "labels: true; allowed"]),
    ("variants/gru-128/labels", True, ["posterior.variants is 'gru-128'", "that read no labels"]),
    ("variants/gru-32/orientation", "up", ['orientation is "up"', "raster, rows-top-right, rows"]),
    (
        "variants/gru-64-context/orientation",
        "rows-bottom-left",
        ["look_ahead.variants is 'gru-64-context', which has orientation: rows-bottom-left; allo"],
    ),
    ("variants/gru-32/orientation", "columns-top-left", ["complete.variants is 'gru-32', which"]),
    ("variants/mine", {"mixture": ["gru-32"]}, ["variants.mine.mixture", "gru-32"]),
    ("variants/gru-32/mixture", ["gru-64", "gru-128"], ["unknown key 'cell'; allowed: mixture"]),
    ("variants/mine", {"cell": "gru", "layers": 1}, ["variants.mine lacks a key: 'units'"]),
    ("tracking", "sqllite", ["tracking", "sqllite"]),
]
MIXED = {"both": {"mixture": ["gru-32", "gru-64"]}, "more": {"mixture": ["gru-32", "gru-128"]}}


@pytest.mark.parametrize(("path", "value", "named"), REFUSED)
def test_refused_in_one_line(config, path, value, named):
    _set(config, path, value)
    with pytest.raises(ValueError, match=r"\S") as refusal:
        refused(config)
    line = str(refusal.value)
    assert "\n" not in line
    for words in named:
        assert words in line


def test_a_mixture_is_of_variants_that_are_trained(config):
    config["variants"] |= MIXED
    config["predict"]["variants"] += ["both"]
    refused(config)
    for task in ("complete", "inpaint", "posterior"):
        config[task]["variants"] = []
    for member, told in (("gru-65", "did you mean gru-64"), ("lstm-32", ""), ("more", "")):
        config["variants"]["both"] = {"mixture": ["gru-32", member]}
        config["predict"]["variants"] = ["gru-32", "gru-64", "both", "more"]
        named = rf"^variants\.both\.mixture is '{member}'; allowed: gru-32, gru-64.*{told}"
        with pytest.raises(ValueError, match=named):
            refused(config)
    config["predict"]["variants"].remove("both")
    config["predict"]["variants"].remove("more")
    refused(config)  # one that no task names may be of anything


@pytest.mark.parametrize(
    "task", ["classify", "look_ahead", "complete", "sample", "inpaint", "posterior"]
)
def test_a_mixture_is_scored_and_no_more(config, task):
    config["variants"] |= MIXED
    config["predict"]["variants"] += ["both"]
    config[task]["variants"] = ["both"]
    told = rf"^{task}\.variants is 'both', which is a mixture; allowed: variants that are trained"
    with pytest.raises(ValueError, match=told):
        refused(config)


def test_of_a_mixture_there_are_scores_alone(config):
    config["variants"] |= MIXED
    place = "results/mnist-threshold-0.1/predict/both/seed-1"
    study_config.refuse_unknown(config, f"{place}/score/scores.csv")
    for rest in ("play/index.html", "train/model.keras"):
        told = f"{place}/{rest}: the variant 'both' is a mixture, which has only scores; allowed: "
        with pytest.raises(ValueError, match=f"^{re.escape(told + place)}/score/scores.csv$"):
            study_config.refuse_unknown(config, f"{place}/{rest}")


def test_a_missing_key_is_named(config):
    del config["predict"]["training"]["epochs"]
    with pytest.raises(ValueError, match=r"predict\.training lacks a key: 'epochs'"):
        study_config.validate(config)


def test_a_threshold_is_needed_where_it_is_used(config):
    del config["datasets"]["mnist-threshold-0.1"]["threshold"]
    with pytest.raises(ValueError, match=r"mnist-threshold-0\.1 lacks threshold"):
        study_config.validate(config)


def test_a_variant_named_twice_is_refused(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("variants:\n  gru-8: {units: 8}\n  gru-8: {units: 9}\n")
    with pytest.raises(ValueError, match=r"line 3: 'gru-8' stands there twice"):
        study_config.refuse_duplicate_keys(path)
    study_config.refuse_duplicate_keys(ROOT / "config.yaml")


@pytest.mark.parametrize("preset", sorted((ROOT / "workflow/presets").glob("*.yaml")))
def test_every_preset_is_a_valid_overlay(config, preset):
    study_config.refuse_duplicate_keys(preset)
    study_config.validate(overlaid(config, yaml.safe_load(preset.read_text())))


def test_every_key_of_the_schema_is_described():
    schema = yaml.safe_load(study_config.SCHEMA.read_text())

    def undescribed(node, path):
        for name, child in node.get("properties", {}).items():
            if "description" not in child and "$ref" not in child:
                yield f"{path}.{name}"
            yield from undescribed(child, f"{path}.{name}")
        for child in (node.get("additionalProperties"), *node.get("$defs", {}).values()):
            if isinstance(child, dict):
                yield from undescribed(child, f"{path}.*")

    assert list(undescribed(schema, "config")) == []


def test_settings_are_the_variant_s_the_task_s_and_its_exceptions(config):
    given = study_settings.settings(
        config, "train_classifier", data="x", variant="gru-32", seed="7"
    )
    assert given["epochs"] == 30  # the exception, not the task's 10
    assert (given["cell"], given["units"], given["layers"], given["seed"]) == ("gru", 32, 1, 7)


def test_variants_that_read_labels_take_no_other_s_colour(config):
    plain = {name: each for name, each in config["variants"].items() if not each.get("labels")}
    config["variants"] = plain
    before = study_settings.settings(config, "draw_curves", data="x")["palette"]
    config["variants"]["a"] = config["variants"]["gru-32"] | {"labels": True}
    assert study_settings.settings(config, "draw_curves", data="x")["palette"] == [*before, "a"]


def test_turned_variants_and_mixtures_take_no_other_s_colour(config):
    before = study_settings.settings(config, "draw_curves", data="x")["palette"]
    way = {"orientation": "columns-top-left"}
    config["variants"]["gru-64-context-z"] = config["variants"]["gru-32"] | way
    config["variants"] |= MIXED
    given = study_settings.settings(config, "draw_curves", data="x")
    assert given["palette"] == [*before, "gru-64-context-z"]
    assert len(given["cells"]) == len(given["palette"])


def test_the_later_of_two_exceptions_counts(config):
    exceptions = [
        {"variants": ["gru-32", "gru-64"], "training": {"epochs": 3, "batch_size": 16}},
        {"variants": ["gru-64"], "training": {"epochs": 4}},
    ]
    config["predict"]["exceptions"] = exceptions
    study_config.validate(config)
    found = {
        variant: study_settings.settings(
            config, "train_predictor", data="x", variant=variant, seed="1"
        )
        for variant in ("gru-32", "gru-64", "gru-128")
    }
    assert [found[variant]["epochs"] for variant in found] == [3, 4, 40]
    assert [found[variant]["batch_size"] for variant in found] == [16, 16, 128]


def test_the_quick_study_trains_one_small_model_and_has_what_the_other_stages_need(config):
    quick = yaml.safe_load((ROOT / "workflow/presets/quick.yaml").read_text())
    merged = overlaid(config, quick)
    (small,) = set(merged["variants"]) - set(config["variants"])
    needed = {
        name for task in ("complete", "inpaint", "posterior") for name in merged[task]["variants"]
    }
    assert set(merged["predict"]["variants"]) >= {*needed, small}
    shipped = ROOT / "pretrained" / merged["dataset"]
    trained = {
        variant
        for task in ("classify", "predict")
        for variant in merged[task]["variants"]
        if not (shipped / task / variant).is_dir()
    }
    assert trained == {small}
    given = study_settings.settings(merged, "train_predictor", data="x", variant=small, seed="1")
    assert given["train_images"] * given["epochs"] <= 100_000


def test_holes_have_one_order_however_files_are_laid_over_each_other(config):
    wanted = ["2x2", "run-10", "4x4", "run-28", "8x8", "left-half", "random-half", "upper-half"]
    config["posterior"]["holes"] = {hole: number for number, hole in enumerate(wanted, 1)}
    config = fitted(config, shape_of_images(config))
    assert study_settings.holes(config) == wanted
    holes = config["posterior"]["holes"]
    config["posterior"]["holes"] = {hole: holes[hole] for hole in sorted(holes)} | {"8x8": 0}
    wanted.remove("8x8")
    assert study_settings.holes(config) == wanted
    given = study_settings.settings(config, "hide_holes", data="x")
    assert given["images"] == [holes[hole] for hole in wanted]


def test_flags_notice_swapped_values():
    assert study_settings.flags({"b": 1, "a": [2, 3]}) == "--a 2 3 --b 1"
    assert study_settings.flags({"a": 1, "b": 2}) != study_settings.flags({"a": 2, "b": 1})


def test_settings_are_found_again_from_a_stage_s_folder(config):
    folder = "results/mnist-threshold-0.1/predict/gru-32/seed-1/train"
    assert study_settings.settings_of(config, "train_predictor", folder) == study_settings.settings(
        config, "train_predictor", data="mnist-threshold-0.1", variant="gru-32", seed="1"
    )


def test_the_tracking_address_is_absolute(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (
        study_environment.tracking_uri(config) == f"sqlite:///{tmp_path}/results/mlflow/mlflow.db"
    )
    assert study_environment.tracking_uri(config | {"tracking": "none"}) == "none"
