"""What every job of a study inherits: the tracking store, the Python, the number of GPUs."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def tracking_uri(config: Mapping) -> str:
    """The address of the tracking store: absolute, so that every job means the same one."""
    if config["tracking"] == "sqlite":
        return f"sqlite:///{Path(config['results']).resolve() / 'mlflow' / 'mlflow.db'}"
    return str(config["tracking"])


def prepare_environment(config: Mapping) -> None:
    """What every job inherits: the tracking store, and the Python that runs Snakemake.

    So a job's ``python`` is the right one also where its environment was not activated.
    """
    os.environ["SCANLINE_TRACKING"] = tracking_uri(config)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def gpus(config: Mapping) -> int:
    """GPUs that a training asks for: none on a machine of CPUs, which it would serialise."""
    here = config["accelerator"] == "auto" and Path("/dev/nvidia0").exists()
    return 1 if here or config["accelerator"] == "gpu" else 0
