"""The table of filled holes: means over seeds, and intervals against the normal one."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from posterior_tables import NUMBERS, methods_table

from scanline.evaluation.posterior import SAMPLED, by_model
from scanline.inference.forecast import Forecast, save_forecasts

IMAGES = 2000
NATS = ["nats_per_image", "nats_low", "nats_high"]


def stage(folder: Path, name: str, model: str, seed: int) -> Path:
    found = folder / f"mnist/posterior/{model}/seed-{seed}/{name}"
    found.mkdir(parents=True, exist_ok=True)
    return found


def scored(folder: Path, model: str, seed: int, **mark: str) -> Path:
    path = stage(folder, "score", model, seed) / "methods.csv"
    methods_table(seed).assign(**mark).to_csv(path, index=False)
    return path


def forecast(
    folder: Path, model: str, seed: int, nats: dict[str, np.ndarray], hole: str = "4x4", **mark: str
) -> Path:
    """{hole}.npz with such nats of the truth [N], by method."""
    path = stage(folder, "forecasts", model, seed) / f"{hole}.npz"
    nothing = np.zeros((IMAGES, 16), np.uint8)
    forecasts = {
        method: Forecast(nothing, nothing.astype(float), nothing[:, None][:, :0], -values)
        for method, values in nats.items()
    }
    save_forecasts(path, mark, forecasts)
    return path


def is_of(line, nats: np.ndarray) -> bool:
    """Whether a line has these nats' mean and normal interval."""
    error = nats.std(ddof=1) / math.sqrt(len(nats))
    # A quantile at 0.025 of 2,000 means has a standard error of about 0.06 of theirs.
    return line[NATS].tolist() == [
        pytest.approx(nats.mean(), rel=1e-12),
        pytest.approx(nats.mean() - 1.96 * error, abs=0.25 * error),
        pytest.approx(nats.mean() + 1.96 * error, abs=0.25 * error),
    ]


def line_of(table, model: str, hole: str, method: str):
    (line,) = [
        line
        for _, line in table.iterrows()
        if (line["model"], line["hole"], line["method"]) == (model, hole, method)
    ]
    return line


def test_seeds_are_one_line_their_mean(tmp_path):
    paths = [scored(tmp_path, *each) for each in (("gru-9", 1), ("gru-8", 1), ("gru-8", 2))]
    table = by_model(paths, [], [])
    assert list(table) == [
        "model",
        "hole",
        "method",
        "n_images",
        *NUMBERS,
        *NATS,
        "n_seeds",
        *SAMPLED,
    ]
    first, second = methods_table(1), methods_table(2)
    assert table["model"].tolist() == ["gru-9"] * len(first) + ["gru-8"] * len(first)
    for name in NUMBERS:
        both = (first[name] + second[name]) / 2
        found = table[table["model"] == "gru-8"][name].to_numpy()
        np.testing.assert_allclose(found, both, rtol=1e-12)
    assert table.groupby("model")["n_seeds"].unique().map(list).to_dict() == {
        "gru-9": [1],
        "gru-8": [2],
    }


def test_each_line_has_the_interval_of_its_own_nats(tmp_path):
    generator = np.random.default_rng(1)
    nats = {
        (model, hole, method): generator.normal(mean, 3, IMAGES)
        for model in ("gru-8", "gru-9")
        for hole in ("4x4", "8x8")
        for method, mean in (("prefix", 30 + len(model + hole)), ("smc", 20))
    }
    files = [
        forecast(
            tmp_path, model, 1, {way: nats[model, hole, way] for way in ("prefix", "smc")}, hole
        )
        for model in ("gru-8", "gru-9")
        for hole in ("4x4", "8x8")
    ]
    table = by_model([scored(tmp_path, model, 1) for model in ("gru-8", "gru-9")], files, [])
    for name, values in nats.items():
        assert is_of(line_of(table, *name), values), name
    assert table[NATS].notna().all(axis=1).sum() == len(nats)


def test_seeds_have_the_interval_of_their_mean_by_image(tmp_path):
    generator = np.random.default_rng(2)
    # What one seed finds hard the other finds easy, so that their mean is far surer than either.
    hard, both = generator.normal(0, 9, IMAGES), generator.normal(40, 1, IMAGES)
    files = [
        forecast(tmp_path, "gru-8", seed, {"smc": both + sign * hard})
        for seed, sign in ((1, 1), (2, -1))
    ]
    table = by_model([scored(tmp_path, "gru-8", seed) for seed in (1, 2)], files, [])
    assert is_of(line_of(table, "gru-8", "4x4", "smc"), both)


def test_without_a_likelihood_there_is_no_number(tmp_path):
    nats = {"gibbs": np.full(IMAGES, np.nan), "smc": np.full(IMAGES, 7.5)}
    table = by_model([scored(tmp_path, "gru-8", 1)], [forecast(tmp_path, "gru-8", 1, nats)], [])
    assert line_of(table, "gru-8", "4x4", "gibbs")[NATS].isna().all()
    assert line_of(table, "gru-8", "4x4", "truth")[NATS].isna().all()
    assert line_of(table, "gru-8", "4x4", "smc")[NATS].tolist() == [7.5, 7.5, 7.5]


def test_a_model_on_other_data_has_its_own_interval(tmp_path):
    generator = np.random.default_rng(3)
    nats, other = generator.normal(30, 2, IMAGES), generator.normal(50, 2, IMAGES)
    mark = {"trained_on": "elsewhere"}
    paths = [scored(tmp_path / "own", "gru-8", 1), scored(tmp_path / "other", "gru-8", 1, **mark)]
    files = [
        forecast(tmp_path / "own", "gru-8", 1, {"smc": nats}),
        forecast(tmp_path / "other", "gru-8", 1, {"smc": other}, **mark),
    ]
    table = by_model(paths, files, [])
    is_other = table["trained_on"].notna()
    assert is_of(line_of(table[~is_other], "gru-8", "4x4", "smc"), nats)
    assert is_of(line_of(table[is_other], "gru-8", "4x4", "smc"), other)


def test_how_well_holes_are_sampled_is_told_of_as_many_particles_as_fill_them(tmp_path):
    """The calibration measured other numbers of particles, too, and holes that are exact."""
    for seed, factor in ((1, 1.0), (2, 3.0)):
        folder = stage(tmp_path, "calibration", "gru-8", seed)
        bounds = pd.DataFrame(
            [("8x8", "ink", 64, 0.5), ("8x8", "log_likelihood", 64, 0.5), ("4x4", "ink", 64, 0.25)],
            columns=["hole", "statistic", "particles", "bound_gap"],
        )
        errors = pd.DataFrame(
            [
                ("8x8", 16, "pooled", 9, 9),
                ("8x8", 64, "pooled", 0.1, 30),
                ("2x2", 64, "exact", 0, 4),
            ],
            columns=["hole", "particles", "reference", "log_observed_sd", "effective_sample_size"],
        )
        bounds["bound_gap"] *= factor
        errors["log_observed_sd"] *= factor
        bounds.to_csv(folder / "calibration.csv", index=False)
        errors.to_csv(folder / "errors.csv", index=False)
    scores = [scored(tmp_path, "gru-8", seed) for seed in (1, 2)]
    folders = [stage(tmp_path, "calibration", "gru-8", seed) for seed in (1, 2)]
    table = by_model(scores, [], [folder / "calibration.csv" for folder in folders])
    found = line_of(table, "gru-8", "8x8", "smc")[list(SAMPLED)]
    assert found.tolist() == pytest.approx([30, 0.2, 1.0])
    (gap,) = line_of(table, "gru-8", "4x4", "smc")[list(SAMPLED)].dropna()
    assert gap == pytest.approx(0.5)
    others = table[~((table["method"] == "smc") & table["hole"].isin(["4x4", "8x8"]))]
    assert others[list(SAMPLED)].isna().all(axis=None)
