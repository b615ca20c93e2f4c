"""What every job of a study inherits: the tracking store, the Python, the number of GPUs."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

ADDRESS = "SCANLINE_TRACKING"  # the variable that names the tracking store
HIDDEN = "***"
USER_INFO = re.compile(
    r"(?<=://)[^/\s'\"][^\s'\"]*@"
)  # user:password@, whatever characters are in it
SECRET = re.compile(r"([?&][^=&\s]*(?:password|token|secret|key)[^=&\s]*=)[^&\s]+", re.IGNORECASE)


def tracking_uri(config: Mapping) -> str:
    """The address of the tracking store: absolute, so that every job means the same one."""
    if config["tracking"] == "sqlite":
        return f"sqlite:///{Path(config['results']).resolve() / 'mlflow' / 'mlflow.db'}"
    return str(config["tracking"])


def masked(text: object, address: str | None = None) -> str:
    """A text as it may be printed: no address in it shows who logs in, or a password or token.

    The password of ``address`` is hidden wherever it stands.
    """
    shown = SECRET.sub(rf"\1{HIDDEN}", USER_INFO.sub(f"{HIDDEN}@", str(text)))
    found = USER_INFO.search(address or "")
    password = found[0][:-1].partition(":")[2] if found else ""
    for secret in (password, unquote(password)):
        if len(secret) > 2:  # a letter or two would hide half the text
            shown = shown.replace(secret, HIDDEN)
    return shown


def prepare_environment(config: Mapping) -> None:
    """What every job inherits: the tracking store, and the Python that runs Snakemake.

    So a job's ``python`` is the right one also where its environment was not activated. A config
    that was kept without its password tracks where the user says, or nowhere.
    """
    store = tracking_uri(config)
    if HIDDEN not in store:
        os.environ[ADDRESS] = store
    else:
        os.environ.setdefault(ADDRESS, "none")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def gpus(config: Mapping) -> int:
    """GPUs that a training asks for: none on a machine of CPUs, which it would serialise."""
    here = config["accelerator"] == "auto" and Path("/dev/nvidia0").exists()
    return 1 if here or config["accelerator"] == "gpu" else 0
