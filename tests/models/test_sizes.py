"""Bounds of a stranger's .keras file: as large as allowed passes, one more does not."""

import io
import json
import zipfile
from pathlib import Path

import h5py
import pytest

from scanline.models import sizes
from scanline.models.sizes import LARGEST, check_size


def write(path: Path, config: dict, numbers: int = 1) -> Path:
    """A .keras file of this config, with so many float32 weights, none of which takes room."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.create_dataset("vars/0", (numbers,), "f4", chunks=(1,))
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", json.dumps({"config": config}))
        file.writestr("model.weights.h5", content.getvalue())
    return path


def test_of_all_parts(tmp_path, monkeypatch):
    path = write(tmp_path / "model.keras", {})
    with zipfile.ZipFile(path) as file:
        size = sum(info.file_size for info in file.infolist())
    monkeypatch.setattr(sizes, "LARGEST", size)
    check_size(path)
    monkeypatch.setattr(sizes, "LARGEST", size - 1)
    with pytest.raises(ValueError, match=f"it unpacks to {size:,} bytes; allowed: {size - 1:,}"):
        check_size(path)


def test_of_what_is_described(tmp_path):
    """Four gates of 4,096 units by 4,096 float32 are as large as allowed."""
    assert LARGEST == 4 * 4096 * 4096 * 4
    check_size(write(tmp_path / "one.keras", {"units": 4096}))
    check_size(write(tmp_path / "also.keras", {"units": 2048, "layers": 4}))
    with pytest.raises(ValueError, match=f"its description needs {5 * LARGEST // 4:,} bytes"):
        check_size(write(tmp_path / "five.keras", {"units": 2048, "layers": 5}))


def test_of_all_weights(tmp_path):
    check_size(write(tmp_path / "as-allowed.keras", {}, LARGEST // 4))
    with pytest.raises(ValueError, match=f"its weights are {LARGEST + 4:,} bytes"):
        check_size(write(tmp_path / "larger.keras", {}, LARGEST // 4 + 1))


MOST = {
    **dict.fromkeys(("units", "predictor_units", "meeting_units", "readout_units"), 4096),
    **dict.fromkeys(("rows", "columns", "row_units"), 1024),
    **dict.fromkeys(("layers", "radius", "features"), 64),
}


def test_every_number_has_a_bound():
    assert sizes.NUMBERS.keys() == MOST.keys()


@pytest.mark.parametrize("name", MOST)
def test_of_each_number(tmp_path, name):
    inner = {"nested": [{name: MOST[name]}]}
    check_size(write(tmp_path / "as-allowed.keras", inner))
    check_size(write(tmp_path / "zero.keras", {"nested": [{name: 0}]}))
    for value in (MOST[name] + 1, -1):
        with pytest.raises(ValueError, match=f"{name} is {value:,}; allowed: 0 to "):
            check_size(write(tmp_path / "other.keras", {"nested": [{name: value}]}))
