"""What a results folder keeps of its study: the merged, validated config, and what belongs to it.

The Snakefile writes both when jobs begin to run, so that whoever looks at results later need not
know which files and flags the study was started with.
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from scanline.files import write_whole
from scanline.study.environment import ADDRESS, HIDDEN, masked, tracking_uri

CONFIG = "config.json"
PLAN = "plan.json"


def keep(config: Mapping, outputs: Iterable[str]) -> None:
    """Writes the config, without passwords, and the files that its data set's study consists of.

    Those of other data sets in the same folder of results stay in the plan.
    """
    results = Path(config["results"])
    _write(results / CONFIG, shown(config))
    within = sorted({PurePosixPath(path).relative_to(results).as_posix() for path in outputs})
    _write(results / PLAN, planned(results) | {config["dataset"]: within})


def shown(config: Mapping) -> dict:
    """A config as it may be read by anybody."""
    return dict(config) | {"tracking": masked(config["tracking"])}


def kept_config(results: Path) -> dict:
    """The config of the study whose results these are; ValueError where it is not there."""
    return _read(results / CONFIG)


def planned(results: Path) -> dict[str, list[str]]:
    """The files of each data set's study, relative to ``results``; {} where none is noted."""
    return _read(results / PLAN) if (results / PLAN).exists() else {}


def name_of(results: Path) -> str:
    """A study as messages name it: the folder of its results, and its data sets."""
    sets = ", ".join(sorted(planned(results)))
    return f"{results} ({sets})" if sets else str(results)


def tracked_at(results: Path) -> str:
    """The address of a study's tracking store: SCANLINE_TRACKING, or what the kept config names.

    ValueError where it names none, or one whose password no file keeps.
    """
    if ADDRESS in os.environ:
        return os.environ[ADDRESS]
    address = tracking_uri(kept_config(results) | {"results": str(results)})
    if address == "none":
        raise ValueError(f"the study of {results} has tracking: none; set it in the config")
    if HIDDEN in address:
        raise ValueError(
            f"the store {address} needs what no file keeps: set {ADDRESS} to its address"
        )
    return address


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise ValueError(
            f"{path} is missing, in which a study keeps its config; run the study, or name its "
            f"folder of results (RESULTS=…)"
        ) from error
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}); run the study again to mend it") from error


def _write(path: Path, content: Mapping) -> None:
    text = (json.dumps(content, indent=2) + "\n").encode()
    if not path.exists() or path.read_bytes() != text:
        write_whole(path, text)
