"""A script run as a command: settings and inputs recorded, one line on failure, outputs whole."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from scanline.provenance.code import SOURCE
from scanline.provenance.stage import main, run

NAMES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")


def copy_text(
    *, source: Path, more: tuple[Path, ...] = (), times: int = 1, log_epoch=None, out: Path
) -> dict:
    """Writes a text several times over."""
    if times < 0:
        (out / "copy.txt").write_text("half")
        raise ValueError(f"times is {times}; allowed: 0 and above")
    texts = [path.read_text() for path in (source, *more)]
    (out / "copy.txt").write_text("".join(texts) * times)
    return {"texts": len(texts)}


@dataclass(frozen=True)
class Layout:
    """How words are set.

    Attributes:
        sizes: of the words, in points
        columns: side by side
    """

    sizes: tuple[int, ...]
    columns: int = 1


def set_words(*, layout: Layout, seed: int, out: Path) -> None:
    """Writes its settings.

    Args:
        layout: how the words are set
        seed: of their order
        out: folder
    """
    (out / "words.txt").write_text(f"{layout} {seed}")


@pytest.fixture(autouse=True)
def stage(monkeypatch):
    """Names the functions above after a real script, for the code hash; shows the GPU again."""
    for function in (copy_text, set_words):
        monkeypatch.setattr(function, "__name__", "hide_pixels")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("SCANLINE_TRACKING", "none")


@pytest.fixture
def text(tmp_path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("ab")
    return path


def test_run_writes_outputs_and_their_record(text, tmp_path):
    out = tmp_path / "out"
    run(copy_text, source=text, more=(text,), times=2, out=out)
    assert (out / "copy.txt").read_text() == "abababab"
    record = json.loads((out / "run.json").read_text())
    assert record["script"] == "hide_pixels"
    assert record["folder"] == out.as_posix()
    assert record["settings"] == {"times": 2}
    assert list(record["inputs"]) == [text.as_posix()]
    assert list(record["outputs"]) == ["copy.txt"]
    assert record["computed"] == {"texts": 2}


def test_a_missing_input_is_named_before_anything_runs(text, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none.txt does not exist"):
        run(copy_text, source=text, more=(tmp_path / "none.txt",), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_failure_is_one_line_and_leaves_the_results_before_it(text, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["--source", str(text), "--out", str(out), "--times"]
    main(copy_text, arguments=[*arguments, "1"])
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    capsys.readouterr()
    with pytest.raises(SystemExit) as exit_:
        main(copy_text, arguments=[*arguments, "-1"])
    assert exit_.value.code == 1
    assert capsys.readouterr().err == "hide_pixels: times is -1; allowed: 0 and above\n"
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_what_a_killed_run_left_is_removed(text, tmp_path):
    out = tmp_path / "out"
    (out / ".partial-killed").mkdir(parents=True)
    (out / ".partial-killed/copy.txt").write_text("half")
    run(copy_text, source=text, out=out)
    assert sorted(path.name for path in out.iterdir()) == ["copy.txt", "run.json"]


def test_tracking_is_no_argument_of_the_command(text, tmp_path, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(copy_text, arguments=["--source", str(text), "--out", "x", "--log-epoch", "1"])
    assert exit_.value.code == 2
    assert "--log-epoch" in capsys.readouterr().err


@pytest.mark.parametrize("gpu", [True, False])
def test_only_who_asks_sees_a_gpu(text, tmp_path, gpu):
    main(copy_text, gpu=gpu, arguments=["--source", str(text), "--out", str(tmp_path / "out")])
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ("" if gpu else "-1")


def test_the_fields_of_a_dataclass_are_flags_and_settings(tmp_path, capsys):
    out = tmp_path / "out"
    main(set_words, arguments=["--sizes", "8", "12", "--seed", "3", "--out", str(out)])
    assert (out / "words.txt").read_text() == f"{Layout((8, 12))} 3"
    record = json.loads((out / "run.json").read_text())
    assert record["settings"] == {"sizes": [8, 12], "columns": 1, "seed": 3}
    with pytest.raises(SystemExit):
        main(set_words, arguments=["--seed", "3", "--out", str(out)])
    assert "--sizes" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(set_words, arguments=["--help"])
    assert "of the words, in points" in capsys.readouterr().out


def call(script: str, *arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(SOURCE / f"{script}.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_a_real_script_from_the_command_line(idx_folder, tmp_path):
    files = [idx_folder / f"{name}-ubyte" for name in NAMES]
    pairs = ["--files", *files]
    rest = ("--data", "tiny", "--source", "generated", "--validation-images", "8")
    rest += ("--method", "threshold", "--threshold", "0.1", "--out")
    done = call("binarise", *pairs, *rest, tmp_path / "pixels")
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "pixels/run.json").read_text())
    assert sorted(record["outputs"]) == ["test.npz", "train.npz", "validation.npz"]

    files[0].write_bytes(files[0].read_bytes()[:-1])
    done = call("binarise", *pairs, *rest, tmp_path / "other")
    assert done.returncode == 1
    assert done.stderr.startswith(f"binarise: {files[0]} is not a sound idx file: ")
    assert done.stderr.count("\n") == 1
    assert list((tmp_path / "other").iterdir()) == []


def test_help_is_the_docstring():
    done = call("hide_pixels", "--help")
    assert done.returncode == 0
    assert "Flat index" in done.stdout
    assert "--runs" in done.stdout


def test_a_stage_that_loads_a_model_records_what_ran_it(text, tmp_path, pixels_folder, monkeypatch):
    from scanline.data.pixels import load_pixels
    from scanline.models import native
    from scanline.models.predictor import Predictor, load_predictor
    from scanline.models.saving import save_model

    identity = load_pixels(pixels_folder / "test.npz").identity
    model = tmp_path / "model.keras"
    save_model(Predictor("gru", 4, 1, identity), model)

    def hide_pixels(*, model: Path, out: Path) -> None:
        load_predictor(model, identity)

    before = run(hide_pixels, model=model, out=tmp_path / "out")
    assert before.computed["precision"] == "float32"
    monkeypatch.setattr(native, "_library", lambda: (None, "no C++ compiler found"))
    after = run(hide_pixels, model=model, out=tmp_path / "out")
    assert after.computed["recurrent_layers"] == "Keras"
    assert after.computed["core_missing"] == "no C++ compiler found"
    assert after.key == before.key
    load_predictor(model, identity)  # of no stage
    light = run(copy_text, source=text, times=1, out=tmp_path / "text")
    assert light.computed == {"texts": 1}
