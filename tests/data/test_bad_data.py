"""Rows of docs/bad-input.md about files of data: idx, gzip, downloads, arrays."""

import gzip
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from refusals import Cases, Study, cut

from scanline.data.idx import write_idx
from scanline.data.pixels import PixelSet, load_pixels, save_pixels
from scanline.data.published import MNIST_FILES as FILES
from scanline.files import load_arrays
from scanline.models.classifier import Classifier

cases = Cases()


@cases.add
def idx_truncated(study):
    cut(study.idx / FILES[0], -1)
    return study.binarise()


@cases.add
def idx_magic_number(study):
    path = study.idx / FILES[1]
    path.write_bytes(b"\0\0\x0a\1" + path.read_bytes()[4:])
    return study.binarise()


@cases.add
def idx_sizes(study):
    path = study.idx / FILES[0]
    content = path.read_bytes()
    path.write_bytes(content[:4] + struct.pack(">I", 39) + content[8:])
    return study.binarise()


@cases.add
def idx_two_sizes(study):
    write_idx(study.idx / FILES[2], np.zeros((24, 5, 4), np.uint8))
    return study.binarise()


@cases.add
def images_of_12_bits(study):
    path = study.idx / FILES[0]
    header = b"\0\0\x0b\3" + path.read_bytes()[4:16]  # two bytes a value
    path.write_bytes(header + np.resize([0, 4095], 40 * 16).astype(">i2").tobytes())
    return study.binarise()


@cases.add
def images_of_two_scales(study):
    write_idx(study.idx / FILES[2], np.ones((24, 4, 4), np.uint8))
    return study.binarise()


@cases.add
def idx_counts(study):
    write_idx(study.idx / FILES[3], np.zeros(23, np.uint8))
    return study.binarise()


@cases.add
def idx_swapped(study):
    images, labels = (study.idx / name for name in FILES[:2])
    contents = images.read_bytes(), labels.read_bytes()
    labels.write_bytes(contents[0])
    images.write_bytes(contents[1])
    return study.binarise()


def as_gz(study: Study, content: bytes) -> list[str]:
    (study.idx / FILES[0]).unlink()
    (study.idx / f"{FILES[0]}.gz").write_bytes(content)
    return study.binarise()


@cases.add
def gzip_cut_short(study):
    return as_gz(study, gzip.compress((study.idx / FILES[0]).read_bytes())[:-9])


@cases.add
def html_as_gz(study):
    return as_gz(study, b"<!DOCTYPE html><html><p>Please sign in</html>")


@cases.add
def fetch_other_content(study):
    return study.fetch("mnist")


def train_at_another_threshold(study: Study) -> None:
    path = study.pixels / "train.npz"
    train = load_pixels(path)
    save_pixels(path, PixelSet(train.pixels, train.labels, train.description | {"threshold": 0.5}))


@cases.add
def predictor_splits_differ(study):
    study.save_model()
    train_at_another_threshold(study)
    return study.score()


@cases.add
def classifier_splits_differ(study):
    study.save_model(Classifier)
    train_at_another_threshold(study)
    return study.score("classifier")


class Hostile:
    """Unpickling it would write a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@cases.add
def hostile_npz(study):
    path = study.pixels / "test.npz"
    arrays, description = load_arrays(path, "labels")
    trap = np.array([Hostile(study.mark)], object)
    told = np.array(json.dumps(description))
    np.savez(path, pixels=trap, description=told, **arrays, allow_pickle=True)
    return study.hide(cut=9, runs=1)


@pytest.mark.parametrize("name", sorted(cases))
def test_refused(name, study, capfd):
    cases.check(name, study, capfd)


def test_the_hostile_npz_is_one(study):
    cases["hostile-npz"](study)
    with open(study.pixels / "test.npz", "rb") as opened, np.load(opened, allow_pickle=True) as npz:
        npz["pixels"][0].close()
    assert study.mark.exists()
