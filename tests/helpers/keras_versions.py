"""Other versions of Keras, each in a folder below build/, beside the environment's TensorFlow."""

import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from filelock import FileLock

BUILD = Path(__file__).parents[2] / "build"
VERSIONS = (
    "3.8.0",
    "3.11.3",
    version("keras"),
)  # the oldest that exports load in, one between, ours


def installed(wanted: str) -> Path:
    """The folder of that version, installed when it is first asked for."""
    folder = BUILD / f"keras-{wanted}"
    BUILD.mkdir(exist_ok=True)
    with FileLock(BUILD / "keras.lock"):
        if not (folder / "keras").is_dir():
            part = folder.with_name(
                f"{folder.name}.part"
            )  # so that a broken installation is not taken for one
            for old in (folder, part):
                shutil.rmtree(old, ignore_errors=True)
            uv = Path(sys.executable).with_name("uv")
            if not uv.exists():
                pytest.skip("uv, which make env installs, is not there")
            words = ["pip", "install", "--quiet", "--no-deps", "--target", str(part)]
            subprocess.run([uv, *words, f"keras=={wanted}"], check=True)
            part.rename(folder)
    return folder
