"""Publishing a finished study: what it puts into the repository, and what it leaves there."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from posterior_tables import methods_table, posterior_table
from study_copy import ROOT, Study, copy_core
from tiny_study import DATA, EPOCHS, binarise_digits, train, train_folder

from make_tables import make_tables
from mix_predictors import mix_predictors
from scanline.figures import names as figure_names
from scanline.files import sha256_of
from scanline.layout import Place
from scanline.provenance.record import Record
from scanline.provenance.stage import run
from scanline.report.publishing import (
    COLUMNS,
    NAMED_BY,
    Mixed,
    Trained,
    best_epoch,
    card,
    merged,
    merged_holes,
    published_numbers,
)
from score_predictor import score_predictor
from take_model import take_model

NAME = "predict/gru-4/seed-1"
IMAGES = 32  # of the training split


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A repository without results, and a finished study of one model in results/."""
    folder = tmp_path_factory.mktemp("publishing")
    for part in ("src", "workflow"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "docs/results").mkdir(parents=True)
    shutil.copy2(ROOT / "docs/results/targets.csv", folder / "docs/results")
    marks = [f"<!-- {name} -->\nstale\n<!-- end -->\n" for name in ("targets", "literature")]
    (folder / "docs/results.md").write_text("\n".join(marks))
    results = folder / "results"
    binarise_digits(results, folder / "digits")
    train(results, train_images=0, selection="validation")
    finish(results)
    (folder / "Snakefile").touch()  # whose folder has its own core
    copy_core(folder)
    return folder


def finish(results: Path, images: int = 0, pretrained: tuple[str, ...] = ()) -> None:
    """Scores the model and makes the tables."""
    folder, pixels = results / DATA / NAME, results / DATA / "pixels"
    run(
        score_predictor,
        model=folder / "train/model.keras",
        train=pixels / "train.npz",
        test=pixels / "test.npz",
        images=images,
        out=folder / "score",
    )
    run(
        make_tables,
        scores=(folder / "score/scores.csv",),
        by_image=(folder / "score/log_likelihoods.npz",),
        beside="nothing",
        pretrained=pretrained,
        out=results / DATA / "tables",
    )


@pytest.fixture
def copied(project, tmp_path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(project, tmp_path / "project"))


def publish(project: Path) -> subprocess.CompletedProcess:
    """Runs the command in a project."""
    return Study(project).python("workflow/scripts/publish_results.py", "--results", "results")


def published(project: Path) -> pd.DataFrame:
    return pd.read_csv(project / "docs/results/figures.csv", dtype={"split_or_hidden": str})


def colours_in(path: Path) -> int:
    with Image.open(path) as picture:
        return len(picture.convert("RGB").getcolors())


def test_a_study_s_model_card_and_numbers_are_published(copied):
    done = publish(copied)
    assert done.returncode == 0, done.stderr
    folder = copied / "pretrained" / DATA / NAME
    training = Record.load(folder / "training.json")
    assert training.outputs["model.keras"] == sha256_of(folder / "model.keras")
    numbers = published(copied)
    scores = pd.read_csv(copied / "results" / DATA / NAME / "score/scores.csv")
    assert numbers["value"].tolist() == scores["value"].tolist()
    assert set(numbers["data"]) == {DATA}
    assert set(numbers["n_images_presented"]) == {IMAGES * EPOCHS}
    assert set(numbers["cpu_hours"]) == {round(training.computed["cpu_seconds"] / 3600, 3)}
    # GRU: three gates of 4 x (1 input + 4 units + 1 bias); then 4 weights and a bias to one logit.
    assert set(numbers["n_parameters"]) == {3 * 4 * (1 + 4 + 1) + 5}
    card = (folder / "README.md").read_text()
    test = numbers[numbers["split_or_hidden"] == "test"].set_index("quantity")
    stated = re.findall(r"^\| (\w+) +\| test +\| ([0-9.]+) +\| (.*) \|$", card, re.MULTILINE)
    assert {quantity: float(value) for quantity, value, _ in stated} == {
        quantity: round(value, 5) for quantity, value in test["value"].items()
    }
    low, high = test.loc["nats_per_image", ["low", "high"]]
    assert re.search(rf"\| {low:.5f} to {high:.5f} +\|$", card, re.MULTILINE)
    for said in (DATA, "ink is 1", f"{EPOCHS} epochs", f"{IMAGES * EPOCHS} images", "Limits"):
        assert said in card
    assert colours_in(folder / "samples.png") == 3  # paper, ink, gaps
    assert "![Images that the model drew](samples.png)" in card
    page = (copied / "docs/results.md").read_text()
    assert "stale" not in page
    assert re.search(r"^\| gru-128 +\|", page, re.MULTILINE)


def test_all_cards_are_written_anew_and_pictures_only_of_new_weights(copied):
    assert publish(copied).returncode == 0
    folder = copied / "pretrained" / DATA / NAME
    other = Path(shutil.copytree(folder, folder.with_name("seed-2")))
    table = copied / "docs/results/figures.csv"
    lines = pd.read_csv(table, dtype={"split_or_hidden": str})
    pd.concat([lines, lines.assign(seed=2)]).to_csv(table, index=False)
    for each in (folder, other):
        (each / "README.md").write_text("stale")
        (each / "samples.png").write_bytes(b"kept")
    assert publish(copied).returncode == 0
    for seed, each in ((1, folder), (2, other)):
        assert (each / "README.md").read_text().startswith(f"# predict, gru-4, seed-{seed}\n")
        assert (each / "samples.png").read_bytes() == b"kept"
    (other / "samples.png").unlink()
    assert publish(copied).returncode == 0
    assert colours_in(other / "samples.png") == 3
    assert (folder / "samples.png").read_bytes() == b"kept"


def test_a_mixture_s_numbers_are_published_with_what_its_members_cost(copied):
    results = copied / "results"
    train(
        results, "gru-4-up", train_images=0, selection="validation", orientation="rows-bottom-left"
    )
    places = [results / DATA / f"predict/{name}/seed-1" for name in ("gru-4", "gru-4-up", "mix")]
    splits = {name: results / DATA / f"pixels/{name}.npz" for name in ("train", "test")}
    model = places[1] / "train/model.keras"
    run(score_predictor, model=model, **splits, images=0, out=places[1] / "score")
    found = tuple(place / "score/log_likelihoods.npz" for place in places)
    run(mix_predictors, likelihoods=found[:2], out=places[2] / "score")
    scores = tuple(place / "score/scores.csv" for place in places)
    run(make_tables, scores=scores, by_image=found, beside="nothing", out=results / DATA / "tables")
    done = publish(copied)
    assert done.returncode == 0, done.stderr
    by = published(copied).set_index(["model", "split_or_hidden", "quantity"])
    nats = pd.read_csv(scores[2]).set_index(["split_or_hidden", "quantity"])["value"]
    assert by.loc["mix"]["value"].to_dict() == nats.to_dict()
    assert by.loc["mix", "test", "nats_per_image"]["low"] < nats["test", "nats_per_image"]
    for name in ("n_images_presented", "n_parameters", "cpu_hours"):
        each = [by.loc[place.parent.name][name].iloc[0] for place in places]
        assert each[2] == pytest.approx(each[0] + each[1])
    kept = {path.parents[1].name for path in (copied / "pretrained").rglob("model.keras")}
    assert kept == {"gru-4", "gru-4-up"}
    card = (copied / "pretrained" / DATA / "predict/gru-4-up/seed-1/README.md").read_text()
    assert "orientation rows-bottom-left" in card


def test_of_several_seeds_all_numbers_are_published_and_the_weights_of_one(copied):
    assert publish(copied).returncode == 0
    one = copied / "results" / DATA / NAME
    shutil.copytree(one, one.with_name("seed-2"))
    path = copied / "results" / DATA / "tables/figures.csv"
    lines = pd.read_csv(path, dtype={"split_or_hidden": str})
    other = lines.assign(seed=2, **{name: lines[name] + 1 for name in ("measured", "low", "high")})
    pd.concat([lines, other]).to_csv(path, index=False)
    assert publish(copied).returncode == 0
    assert [folder.name for folder in (copied / "pretrained" / DATA / NAME).parent.iterdir()] == [
        "seed-1"
    ]
    numbers = published(copied)
    by_seed = [numbers.loc[numbers["seed"] == seed, "value"] for seed in (1, 2)]
    assert (by_seed[0].to_numpy() + 1).tolist() == by_seed[1].tolist()


def test_a_model_without_published_numbers_is_named(copied):
    folder = copied / "pretrained" / DATA / NAME
    (folder.with_name("seed-2")).mkdir(parents=True)
    (folder.with_name("seed-2") / "model.keras").touch()
    done = publish(copied)
    assert done.returncode == 1
    assert re.search(r"seed-2 has no published numbers; publish the study that", done.stderr)


def test_new_weights_put_out_the_look_ahead_of_older_ones(copied):
    beside = copied / "pretrained" / DATA / NAME.replace("predict", "look_ahead")
    beside.mkdir(parents=True)
    (beside / "model.keras").touch()
    assert publish(copied).returncode == 0
    assert not beside.exists()
    beside.mkdir()
    (beside / "model.keras").touch()
    done = publish(copied)  # the weights are not new any more
    assert "look_ahead/gru-4/seed-1 has no published numbers" in done.stderr
    assert beside.exists()


def test_publishing_twice_changes_nothing(copied):
    publish(copied)
    before = {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}
    assert publish(copied).returncode == 0
    changed = [path for path, content in before.items() if path.read_bytes() != content]
    assert [path for path in changed if path.suffix not in (".pyc", ".so")] == []


def test_a_taken_model_keeps_how_many_images_it_was_shown(copied):
    publish(copied)
    before = published(copied)
    shipped = copied / "pretrained" / DATA / NAME
    curves = tuple(shipped / f"curve_by_{what}.csv" for what in ("epoch", "step"))
    run(
        take_model,
        model=shipped / "model.keras",
        curves=curves,
        training=shipped / "training.json",
        pixels=copied / "results" / DATA / "pixels/train.npz",
        out=train_folder(copied / "results"),
    )
    finish(copied / "results", pretrained=(NAME,))
    done = publish(copied)
    assert done.returncode == 0, done.stderr
    pd.testing.assert_frame_equal(published(copied), before)
    assert f"{IMAGES * EPOCHS} images presented" in (shipped / "README.md").read_text()


def test_a_study_of_a_part_of_the_images_is_not_published(copied):
    finish(copied / "results", images=16)
    done = publish(copied)
    assert done.returncode == 1
    assert re.search(
        r"publish_results: .*score used 16 images of a split; publish whole", done.stderr
    )
    assert not (copied / "docs/results/figures.csv").exists()


# --- Merging, by hand.


def model(anew: bool, epochs: int = 2, train_images: int = 0) -> Trained:
    settings = {"epochs": epochs, "train_images": train_images}
    record = Record("id", "train_predictor", "folder", settings, "", {}, {}, seconds=5400.0)
    return Trained(record, anew, n_images=100, n_parameters=7)


def numbers(data: str, *lines: tuple) -> pd.DataFrame:
    """Lines of task, model, quantity, where, seed, value."""
    names = ["task", "model", "quantity", "split_or_hidden", "seed", "value"]
    table = pd.DataFrame(lines, columns=names).assign(data=data)
    return table.reindex(columns=COLUMNS)


def test_a_study_s_holes_are_published_with_their_picture(copied):
    data = copied / "results" / DATA
    (data / "posterior/table").mkdir(parents=True)
    (data / "figures/posterior").mkdir(parents=True)
    methods_table().assign(model="gru-4").to_csv(
        data / "posterior/table/posterior.csv", index=False
    )
    name = figure_names.posterior("gru-4")["examples"]
    (data / f"figures/posterior/{name}.png").write_bytes(b"picture")
    done = publish(copied)
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(copied / "docs/results/posterior.csv")
    pd.testing.assert_frame_equal(found, methods_table().assign(model="gru-4", data=DATA))
    assert (copied / "docs/results/holes.png").read_bytes() == b"picture"


def test_holes_of_other_data_and_models_stay():
    def lines(model: str, seed: int) -> pd.DataFrame:
        return methods_table(seed).assign(model=model)

    before = pd.concat([lines("a", 1).assign(data="x"), lines("b", 2).assign(data="x"),
                        lines("a", 3).assign(data="y")])  # fmt: skip
    after = merged_holes(before, lines("a", 4), "x")
    for data, model, seed in (("x", "a", 4), ("x", "b", 2), ("y", "a", 3)):
        found = after[(after["data"] == data) & (after["model"] == model)]
        assert found["brier"].dropna().tolist() == methods_table(seed)["brier"].dropna().tolist()


def test_holes_that_were_published_without_intervals_stay_beside_those_with():
    before = methods_table(1).assign(model="a", data="x")
    after = merged_holes(before, posterior_table(2, "b"), "x")
    old, new = (after[after["model"] == model] for model in "ab")
    pd.testing.assert_frame_equal(old[list(before)], before)
    nats = ["nats_per_image", "nats_low", "nats_high"]
    assert old[nats].isna().all(axis=None)
    pd.testing.assert_frame_equal(new[nats], posterior_table(2)[nats])


def test_models_on_other_data_are_not_published():
    line = numbers("a", ("predict", "gru-32", "nats", "test", 1, 1.0))
    with pytest.raises(ValueError, match=r"models of other data \(elsewhere\); leave them out"):
        published_numbers(line.assign(trained_on="elsewhere"), {})


def test_numbers_of_other_data_seeds_and_models_stay():
    before = pd.concat(
        [
            numbers("b", ("predict", "gru-32", "nats", "test", 1, 1.0)),
            numbers("a", ("predict", "gru-32", "nats", "test", 2, 2.0)),
            numbers("a", ("predict", "gru-32", "nats", "test", 1, 3.0)),
            numbers("a", ("predict", "gru-64", "nats", "test", 1, 4.0)),
        ]
    )
    new = numbers("a", ("predict", "gru-32", "nats", "test", 1, 5.0))
    after = merged(before, new, {"predict/gru-32/seed-1": model(anew=True)})
    found = after[["data", "model", "seed", "value"]].to_numpy().tolist()
    assert found == [
        ["a", "gru-32", 1, 5.0],
        ["a", "gru-32", 2, 2.0],
        ["a", "gru-64", 1, 4.0],
        ["b", "gru-32", 1, 1.0],
    ]
    assert not after.duplicated(NAMED_BY).any()


@pytest.mark.parametrize(("anew", "kept"), [(True, False), (False, True)])
def test_a_new_training_takes_all_older_numbers_of_its_model_away(anew, kept):
    """Completions of the old weights are not the new model's; of the same weights they stay."""
    before = numbers(
        "a",
        ("complete", "gru-32", "samples", "10", 1, 1.0),
        ("classify", "gru-32", "accuracy", "test", 1, 0.9),
    )
    new = numbers("a", ("predict", "gru-32", "nats", "test", 1, 5.0))
    after = merged(before, new, {"predict/gru-32/seed-1": model(anew)})
    tasks = ["classify", "predict", "complete"] if kept else ["classify", "predict"]
    assert after["task"].tolist() == tasks


@pytest.mark.parametrize("anew", [(True, False), (False, False)])
def test_new_weights_of_a_member_take_a_mixture_s_older_numbers_away(anew):
    before = numbers("a", ("predict", "mix", "bits", "test", 1, 1.0))
    new = numbers("a", ("predict", "mix", "nats", "test", 1, 5.0))
    mixture = Mixed([model(each) for each in anew])
    after = merged(before, new, {"predict/mix/seed-1": mixture})
    assert after["quantity"].tolist() == (["nats"] if any(anew) else ["bits", "nats"])


@pytest.mark.parametrize(
    ("pixels", "told"),
    [
        ({"binarise": "threshold", "threshold": 0.1}, "threshold 0.1, ink is 1"),
        ({"binarise": "none", "order": "permuted"}, "grey, ink is 1, order permuted"),
    ],
)
def test_a_card_says_how_pixels_were_made_and_are_read(pixels, told):
    settings = {"epochs": 3, "train_images": 0, "cell": "gru", "selection": "validation"}
    environment = {"cores": 2, "machine": "m", "revision": "r", "tensorflow": "2"}
    training = Record(
        "id", "train_classifier", "folder", settings, "", {}, {}, environment=environment
    )
    size = {"rows": 4, "columns": 5, "polarity": "ink is 1"}
    curve = pd.DataFrame(
        [(1, "validation", "nats", 0.5), (1, "validation", "accuracy", 0.9)],
        columns=["epoch", "split", "quantity", "value"],
    )
    scores = numbers("mine", ("classify", "gru-4", "nats", "test", 1, 0.5))
    counted = scores.assign(n_images_presented=300, n_parameters=7)
    text = card(Place("mine", "classify", "gru-4", 1), training, size | pixels, curve, counted)
    assert f"| data | mine; {told}; training split of 100 images |" in text
    assert f"only for images made like these (4 x 5 pixels, made alike:\n{told})" in text


def test_images_presented_are_epochs_times_images():
    assert model(anew=True, epochs=3).presented == 300
    assert model(anew=True, epochs=3, train_images=40).presented == 120


def test_completions_count_their_predictor_s_presentations():
    figures = numbers("a", ("complete", "gru-32", "samples", "10", 1, 1.0))
    figures = figures.rename(columns={"value": "measured"})
    found = published_numbers(figures, {"predict/gru-32/seed-1": model(anew=True, epochs=5)})
    counted = ["value", "n_images_presented", "n_parameters", "cpu_hours"]
    assert found[counted].to_numpy().tolist() == [[1.0, 500, 7, 1.5]]


@pytest.mark.parametrize(
    ("script", "wanted"), [("train_classifier", (2, 0.4, 0.9)), ("train_predictor", (3, 0.3, 0.8))]
)
def test_the_best_epoch_is_that_of_the_task_s_own_rule(script, wanted):
    """Classifiers are chosen by accuracy and then by nats, next-pixel models by nats."""
    quantity = {"train_classifier": "nats", "train_predictor": "nats_per_pixel"}[script]
    values = {1: (0.5, 0.9), 2: (0.4, 0.9), 3: (0.3, 0.8)}
    lines = [("train", 4, 0.1, 0.99), *(("validation", epoch, *v) for epoch, v in values.items())]
    curve = pd.DataFrame(
        [
            (epoch, split, name, value)
            for split, epoch, nats, accuracy in lines
            for name, value in ((quantity, nats), ("accuracy", accuracy))
        ],
        columns=["epoch", "split", "quantity", "value"],
    )
    epoch, score = best_epoch(curve, script)
    assert (epoch, *score) == wanted
    with pytest.raises(ValueError, match="no held-out values"):
        best_epoch(curve[curve["split"] == "train"], script)


def test_committed_numbers_are_named_once():
    committed = pd.read_csv(ROOT / "docs/results/figures.csv", dtype={"split_or_hidden": str})
    assert not committed.duplicated(NAMED_BY).any()
    assert np.isfinite(committed["value"]).all()
    assert committed["n_images_presented"].gt(0).all()
