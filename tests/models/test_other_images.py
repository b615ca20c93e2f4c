"""A model on images of another source: refused, or asked for and marked in every result."""

from pathlib import Path

import pandas as pd
import pytest
from small_digits import SIDE, TEST_IMAGES, TRAINING_IMAGES, binarised, save_sets, write_digits

from fill_holes import fill_holes
from infer_patches import infer_patches
from make_tables import make_tables
from sample_completions import sample_completions
from scanline.data.pixels import (
    KINSHIP,
    MAKING,
    same_classes,
    same_pixels,
)
from scanline.evaluation.tables import comparison, figures
from scanline.files import load_arrays
from scanline.holes.hiding import draw_patches, save_hidden, save_hidden_runs
from scanline.inference.methods import SamplerSettings
from scanline.models.classifier import Classifier, load_classifier
from scanline.models.predictor import Predictor, load_predictor
from score_classifier import score_classifier
from score_completions import score_completions
from score_forecasts import score_forecasts
from score_predictor import score_predictor
from tabulate_posterior import tabulate_posterior

QUICK = dict(exact_pixels=4, particles=4, chains=1, moves=1, block=2, move_particles=2)
SETTINGS = SamplerSettings(**QUICK, chain_images=0, sweeps=1, samples=2, seed=0)


@pytest.fixture
def elsewhere(pixel_sets):
    """The identity of images that were made alike, of another source."""
    identity = pixel_sets["test"].identity
    return identity | {"source": "elsewhere", "sha256": {"other": "0" * 64}}


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def scored(script, kind, identity, pixels_folder, out, **asked) -> pd.DataFrame:
    model = out / "model.keras"
    kind("gru", 4, 1, identity).save(model)
    splits = {name: pixels_folder / f"{name}.npz" for name in ("train", "test")}
    script(model=model, images=0, out=out, **splits, **asked)
    return pd.read_csv(out / "scores.csv")


@pytest.mark.parametrize(
    ("script", "kind"), [(score_predictor, Predictor), (score_classifier, Classifier)]
)
def test_scores_say_on_which_data_a_model_was_trained(
    script, kind, elsewhere, pixel_sets, pixels_folder, out
):
    with pytest.raises(ValueError, match=r"made alike: --other-data takes them"):
        scored(script, kind, elsewhere, pixels_folder, out)
    table = scored(script, kind, elsewhere, pixels_folder, out, other_data=True)
    assert set(table["trained_on"]) == {"elsewhere"}
    # The numbers are those of the same weights on the images of their own.
    own = scored(script, kind, pixel_sets["test"].identity, pixels_folder, out)
    assert "trained_on" not in own
    pd.testing.assert_frame_equal(table.drop(columns="trained_on"), own)


def test_completions_and_fillings_are_refused_too(
    elsewhere, pixel_sets, pixels_folder, tmp_path, out
):
    model, test = tmp_path / "model.keras", pixel_sets["test"]
    Predictor("gru", 4, 1, elsewhere).save(model)
    save_hidden_runs(tmp_path / "hidden.npz", test, images=3, seed=0, cut=8, runs=[2])
    holes = (tmp_path / "1x1.npz",)
    save_hidden(holes[0], test, draw_patches(test, (1, 1), images=3, mean=1, sd=1, seed=0))
    train = pixels_folder / "train.npz"
    for call in (
        lambda: sample_completions(
            model=model, hidden=tmp_path / "hidden.npz", samples=2, seed=0, out=out
        ),
        lambda: infer_patches(model=model, hidden=holes, out=out),
        lambda: fill_holes(model=model, train=train, hidden=holes, settings=SETTINGS, out=out),
    ):
        with pytest.raises(ValueError, match="--other-data"):
            call()
    assert not list(out.iterdir())


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """A study's results of two models of each task: a is of other data, b of the study's own."""
    folder = tmp_path_factory.mktemp("study")
    write_digits(folder / "idx", TRAINING_IMAGES, TEST_IMAGES, SIDE)
    sets = binarised(folder / "idx")
    (folder / "pixels").mkdir()
    save_sets(folder / "pixels", sets)
    splits = {name: folder / f"pixels/{name}.npz" for name in ("train", "test")}
    test = sets["test"]
    save_hidden_runs(folder / "hidden.npz", test, images=3, seed=0, cut=8, runs=[2])
    save_hidden(
        folder / "1x1.npz", test, draw_patches(test, (1, 1), images=3, mean=1, sd=1, seed=0)
    )
    classifier = folder / "own.keras"
    Classifier("gru", 4, 1, test.identity).save(classifier)

    def at(task: str, variant: str, stage: str) -> Path:
        (place := folder / f"data/{task}/{variant}/seed-1/{stage}").mkdir(parents=True)
        return place

    for variant, cell in (("a", "gru"), ("b", "lstm")):
        other = variant == "a"
        identity = test.identity | ({"source": "elsewhere"} if other else {})
        asked = {"other_data": other}
        model = folder / f"{variant}.keras"
        Predictor(cell, 4, 1, identity).save(model)
        out = at("predict", variant, "score")
        score_predictor(model=model, images=0, out=out, **splits, **asked)
        drawn = at("complete", variant, "samples")
        sample_completions(
            model=model, hidden=folder / "hidden.npz", samples=2, seed=0, out=drawn, **asked
        )
        score_completions(samples=drawn / "samples.npz", out=at("complete", variant, "score"))
        out = at("inpaint", variant, "posterior")
        infer_patches(model=model, hidden=(folder / "1x1.npz",), out=out, **asked)
        filled, holes = at("posterior", variant, "forecasts"), (folder / "1x1.npz",)
        train = splits["train"]
        fill_holes(model=model, train=train, hidden=holes, settings=SETTINGS, out=filled, **asked)
        score_forecasts(
            classifier=classifier,
            hidden=holes,
            forecasts=(filled / "1x1.npz",),
            seconds=filled / "seconds.csv",
            out=at("posterior", variant, "score"),
        )
        model = folder / "classifier.keras"
        Classifier(cell, 4, 1, identity).save(model)
        out = at("classify", variant, "score")
        score_classifier(model=model, images=0, out=out, **splits, **asked)
    return folder / "data"


def tabulated(results: Path, variants: str, out: Path) -> dict[str, pd.DataFrame]:
    """The study's tables of these variants, by name."""
    places = [place for variant in variants for place in results.glob(f"*/{variant}/seed-1/*")]
    files = [path for place in places for path in place.iterdir()]
    kept = ("predictions.npz", "log_likelihoods.npz", "by_image.csv")
    holes = [path for path in files if path.name == "1x1.npz"]
    posteriors, forecasts = (
        [path for path in holes if path.parent.name == stage]
        for stage in ("posterior", "forecasts")
    )
    make_tables(
        scores=tuple(path for path in files if path.name == "scores.csv"),
        by_image=(*posteriors, *(path for path in files if path.name in kept)),
        beside="nothing",
        out=out,
    )
    tabulate_posterior(
        methods=tuple(path for path in files if path.name == "methods.csv"),
        forecasts=tuple(forecasts),
        out=out,
    )
    return {path.name: pd.read_csv(path) for path in out.glob("*.csv")}


def test_every_file_of_a_model_on_other_data_says_so(results):
    names = set()
    for path in sorted(results.glob("*/?/seed-1/*/*")):
        names.add(path.name)
        if path.suffix == ".csv":
            told = pd.read_csv(path).to_dict("records")
        elif path.suffix == ".npz":
            told = [load_arrays(path)[1]]
        else:
            continue
        marks = {each.get("trained_on") for each in told}
        assert marks == {"elsewhere" if path.parents[2].name == "a" else None}, path
    assert names == {
        *("scores.csv", "by_image.csv", "seconds.csv", "methods.csv", "reliability.csv"),
        *("predictions.npz", "log_likelihoods.npz", "samples.npz", "1x1.npz"),
        "optimal_inpaintings_1pixel_patch.npy",
    }


def test_every_table_of_a_study_says_which_of_its_models_are_of_other_data(results, out):
    tables = tabulated(results, "ab", out)
    assert len(tables) == 7
    for name, table in tables.items():
        others = {"model": "trained_on"}
        if name == "comparisons.csv":
            others["other"] = "other_trained_on"
        for model, mark in others.items():
            wanted = table[model].map({"a": "elsewhere", "b": ""})
            assert (table[mark].fillna("") == wanted).all(), name
    # No interval is lost by it.
    numbers = tables["figures.csv"].set_index(["task", "split_or_hidden", "quantity"])
    for key in (("predict", "test", "nats_per_image"), ("inpaint", "1x1", "entropy")):
        assert numbers.loc[[key], ["low", "high"]].notna().all(axis=None)
    known = tables["posterior.csv"].dropna(subset="nats_per_hidden_pixel")
    assert set(known["model"]) == {"a", "b"}
    assert known[["nats_low", "nats_high"]].notna().all(axis=None)


def test_a_study_on_its_own_data_has_no_such_column(results, out):
    tables = tabulated(results, "b", out)
    assert len(tables) == 7
    for name, table in tables.items():
        assert not [column for column in table if "trained_on" in column], name


def test_seeds_of_models_of_different_data_are_no_mean(tmp_path):
    """Two seeds of one variant, of which one was trained elsewhere."""
    paths = []
    for seed, mark in ((1, {}), (2, {"trained_on": "elsewhere"})):
        place = tmp_path / f"data/predict/a/seed-{seed}/score"
        place.mkdir(parents=True)
        line = {"quantity": "nats_per_pixel", "split_or_hidden": "test", "value": seed, "n": 9}
        pd.DataFrame([line | mark]).to_csv(place / "scores.csv", index=False)
        paths.append(place / "scores.csv")
    numbers = figures(paths, {})
    assert numbers["trained_on"].fillna("").tolist() == ["", "elsewhere"]
    table = comparison(numbers, "predict", {})
    assert table["measured"].tolist() == [1, 2]
    assert table["n_seeds"].tolist() == [1, 1]
    assert table["trained_on"].tolist() == ["", "elsewhere"]


def test_nothing_is_published_beside_a_model_of_other_data(tmp_path):
    """The report's gru-128 was trained on the pixels that it was scored on."""
    line = {"quantity": "nats_per_pixel", "split_or_hidden": "test", "value": 0.1, "n": 9}
    for seed, mark in ((1, {}), (2, {"trained_on": "elsewhere"})):
        place = tmp_path / f"data/predict/gru-128/seed-{seed}/score"
        place.mkdir(parents=True)
        pd.DataFrame([line | mark]).to_csv(place / "scores.csv", index=False)
    numbers = figures(sorted(tmp_path.glob("data/*/*/*/score/scores.csv")), {})
    assert numbers["published"].notna().tolist() == [True, False]
    assert numbers["difference"].notna().tolist() == [True, False]


def test_a_classifier_of_other_classes_is_refused(pixel_sets):
    letters = pixel_sets["test"].identity | {"class_names": list("abcdefghij")}
    digits = letters | {"class_names": list("abcdefghiJ")}
    with pytest.raises(ValueError, match=r"other classes than .*: 'j' there is 'J' here; use"):
        same_classes(letters, digits, "the model")
    same_classes(letters, letters, "the model")
    same_classes(letters, pixel_sets["test"].identity, "the model")  # which names none
    same_classes(letters, letters | {"classes": 0, "class_names": []}, "the model")  # no labels


@pytest.mark.parametrize("load", [load_predictor, load_classifier])
def test_a_flag_is_named_only_where_there_is_one(load, elsewhere, pixel_sets, tmp_path):
    kind = {load_predictor: Predictor, load_classifier: Classifier}[load]
    kind("gru", 4, 1, elsewhere).save(tmp_path / "model.keras")
    identity = pixel_sets["test"].identity
    with pytest.raises(ValueError, match=r"differs\. Use pixels of the same data, or train"):
        load(tmp_path / "model.keras", identity)
    with pytest.raises(ValueError, match="--other-data takes them"):
        load(tmp_path / "model.keras", identity, False)


@pytest.mark.parametrize("key", KINSHIP)
def test_only_what_the_images_are_may_differ(key, pixel_sets):
    expected = pixel_sets["test"].identity
    given = expected | {key: {"other": "0"} if key == "sha256" else "another"}
    with pytest.raises(ValueError, match=r"of the same data|made alike"):
        same_pixels(expected, given, "the model")
    if key in MAKING:
        with pytest.raises(ValueError, match="Use pixels made alike, or train on these"):
            same_pixels(expected, given, "the model", other_data=True)
    else:
        same_pixels(expected, given, "the model", other_data=True)
