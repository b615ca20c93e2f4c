"""A small study's results with their records, from the pixels to the tables of completions."""

from pathlib import Path

import pytest
import yaml
from study_copy import Study, copy_project
from tiny_study import DATA, binarise_digits, train

from hide_pixels import hide_pixels
from make_tables import make_tables
from sample_completions import sample_completions
from scanline.provenance import tracking
from scanline.provenance.stage import run
from scanline.study import settings as study_settings
from scanline.study.config import load_config
from score_completions import score_completions

RESULTS = Path("results")
PLACE = RESULTS / DATA / "complete/gru-4/seed-1"
TRAIN = RESULTS / DATA / "predict/gru-4/seed-1/train"
TRAINING = {"epochs": 3, "batch_size": 16, "warmup_steps": 0}
CONFIG = {
    "results": "results",
    "dataset": DATA,
    "tracking": "none",
    "datasets": {
        DATA: {
            "source": "digits",
            "binarise": "threshold",
            "threshold": 0.1,
            "validation_images": 8,
        }
    },
    "variants": {"gru-4": {"cell": "gru", "units": 4, "layers": 1}},
    "classify": {"variants": ["gru-4"], "exceptions": []},
    "predict": {
        "variants": ["gru-4"],
        "exceptions": [{"variants": ["gru-4"], "training": TRAINING}],
    },
    "complete": {
        "variants": ["gru-4"],
        "images": 5,
        "cut": 6,
        "hidden_runs": [1, 10],
        "samples": 2,
    },
    "inpaint": {"variants": []},
    "posterior": {"variants": []},
}


def study_in(folder: Path) -> Study:
    """A copy of the project in ``folder``, with these results."""
    made = copy_project(folder)
    (made.folder / "smoke.yaml").write_text(yaml.safe_dump(CONFIG))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        patch.setenv(tracking.ADDRESS, "none")
        _run_stages(load_config([made.folder / "config.yaml", made.folder / "smoke.yaml"]))
    return made


def call(made: Study, script: str, *arguments: str) -> tuple[int, list[str], str]:
    """The exit code, the lines and the errors of a script of the workflow."""
    done = made.python(f"workflow/scripts/{script}.py", *arguments)
    return done.returncode, done.stdout.splitlines(), done.stderr


def _run_stages(config: dict) -> None:
    def settings(rule: str) -> dict:
        return study_settings.settings(config, rule, data=DATA, variant="gru-4", seed="1")

    hidden = RESULTS / DATA / "complete/hidden"
    given = settings("hide_pixels")
    binarise_digits(RESULTS, Path("digits"))
    trained = settings("train_predictor")
    train(RESULTS, **{name: value for name, value in trained.items() if name != "seed"})
    run(
        hide_pixels,
        test=RESULTS / DATA / "pixels/test.npz",
        out=hidden,
        **given | {"runs": tuple(given["runs"])},
    )
    run(
        sample_completions,
        model=TRAIN / "model.keras",
        hidden=hidden / "hidden.npz",
        out=PLACE / "samples",
        **settings("sample_completions"),
    )
    run(score_completions, samples=PLACE / "samples/samples.npz", out=PLACE / "score")
    run(
        make_tables,
        scores=(PLACE / "score/scores.csv",),
        out=RESULTS / DATA / "tables",
        **settings("make_tables"),
    )
