"""How commands learn from a results folder which study it is and where its runs are tracked."""

import os
import re
from pathlib import Path

import pytest

from scanline.study.environment import ADDRESS, prepare_environment
from scanline.study.kept import keep, name_of, tracked_at

SERVER = "http://me:S3cret@example.org/mlflow"


@pytest.fixture
def results(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(ADDRESS, "none")  # so that it is restored
    monkeypatch.delenv(ADDRESS)
    monkeypatch.setenv("PATH", os.environ["PATH"])
    return tmp_path / "my results"


def kept(results: Path, tracking: str, dataset: str = "digits") -> dict:
    config = {"results": str(results), "dataset": dataset, "tracking": tracking}
    results.mkdir(exist_ok=True)
    keep(config, [str(results / dataset / "pixels/run.json")])
    return config


def test_a_study_is_named_by_its_folder_and_its_data_sets(results):
    assert name_of(results) == str(results)
    kept(results, "none", "mnist")
    kept(results, "none", "digits")
    assert name_of(results) == f"{results} (digits, mnist)"


def test_a_store_inside_the_results_is_found_where_they_lie_now(results, tmp_path):
    kept(results, "sqlite")
    moved = results.rename(tmp_path / "moved")
    assert tracked_at(moved) == f"sqlite:///{moved}/mlflow/mlflow.db"


def test_the_environment_s_store_comes_before_the_config_s(results, monkeypatch):
    kept(results, "sqlite")
    monkeypatch.setenv(ADDRESS, SERVER)
    assert tracked_at(results) == SERVER


@pytest.mark.parametrize(
    ("store", "told"),
    [
        ("none", "has tracking: none; set it in the config"),
        (SERVER, f"http://***@example.org/mlflow needs what no file keeps: set {ADDRESS} to"),
    ],
)
def test_a_store_that_the_kept_config_does_not_tell_is_asked_for(results, store, told):
    kept(results, store)
    with pytest.raises(ValueError, match=re.escape(told)):
        tracked_at(results)


@pytest.mark.parametrize("given", [None, SERVER])
def test_a_run_with_a_kept_config_never_tries_a_hidden_password(results, monkeypatch, given):
    config = kept(results, SERVER) | {"tracking": "http://***@example.org/mlflow"}
    if given:
        monkeypatch.setenv(ADDRESS, given)
    prepare_environment(config)
    assert os.environ[ADDRESS] == (given or "none")
