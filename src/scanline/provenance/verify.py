"""Do the results still match what their records say of outputs, inputs, code and settings?

Every recorded hash is computed again. Only the files count, not their times, so a study copied from
another machine is judged like one made here.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from scanline.files import sha256_of
from scanline.layout import Place
from scanline.provenance.code import SOURCE, code_hash, code_of, file_hash
from scanline.provenance.finished import FOLDER
from scanline.provenance.record import NAME, Record, records_in
from scanline.study import settings as study_settings

# What a study keeps beside its results: no result depends on them, no stage records them.
UNRECORDED = ("logs", "benchmarks", "checkpoints", "mlflow", "tracking", FOLDER)


class Verdict(NamedTuple):
    """What was compared, and one line for each thing that does not match."""

    stages: int
    files: int
    mismatches: list[str]


def verify(
    results: Path, config: Mapping, planned: Mapping[str, Sequence[str]] | None = None
) -> Verdict:
    """Compares the records below ``results`` with files, code, and the settings of ``config``.

    ``planned`` are the files that the study of each data set consists of. Paths of raw data are
    read from the current folder, the project's.
    """
    told: list[str] = []
    records = records_in(results, told)
    damaged = [Path(line.partition(f"/{NAME} ")[0]) for line in told]
    if not records and not told:
        raise ValueError(f"{results} holds no record ({NAME}); run the study first")
    hash_of = cache(sha256_of)
    for folder, record in records.items():
        told += _files(folder, record, hash_of)
        told += _code(folder, record)
        told += _settings(folder, record, results, config)
    recorded = {folder / name for folder, record in records.items() for name in record.outputs}
    told += [
        f"{path}: no stage recorded this file"
        for path in _results_in(results)
        if path not in recorded and not any(folder in path.parents for folder in damaged)
    ]
    told += _missing_stages(results, planned or {}, {*records, *damaged}, recorded)
    return Verdict(len(records), len(recorded), told)


def _missing_stages(
    results: Path,
    planned: Mapping[str, Sequence[str]],
    stages: Collection[Path],
    recorded: Collection[Path],
) -> list[str]:
    """A line for each stage that the study should have, and each file that its stage lacks."""
    paths = [results / name for names in planned.values() for name in names]
    absent = {path.parent for path in paths if path.name == NAME} - set(stages)
    lines = [f"{folder}: missing, no stage has run" for folder in sorted(absent)]
    return lines + [
        f"{path}: missing (its stage is to make it)"
        for path in paths
        if path.name != NAME and path.parent in stages and path not in recorded
        if not path.is_file()
    ]


def _files(folder: Path, record: Record, hash_of) -> list[str]:
    told = []
    for kind, files in (
        ("output", {folder / name: digest for name, digest in record.outputs.items()}),
        ("input", {Path(path): digest for path, digest in record.inputs.items()}),
    ):
        made = f"an {kind} of {folder}"
        for path, digest in files.items():
            if not path.exists():  # an input may be a folder of images
                told.append(f"{path}: missing ({made})")
            elif (found := hash_of(path)) != digest:
                told.append(f"{path}: content {found[:8]}, recorded {digest[:8]} ({made})")
    return told


def _code(folder: Path, record: Record) -> list[str]:
    try:
        now = code_hash(record.script)
    except FileNotFoundError as error:
        return [f"{folder}: made by code that is gone ({error.filename})"]
    if now == record.code_sha256:
        return []
    return [f"{folder}: made by other code of {record.script} ({_changed(record)})"]


def _changed(record: Record) -> str:
    now = {path.relative_to(SOURCE).as_posix(): file_hash(path) for path in code_of(record.script)}
    names = sorted(
        name for name in now.keys() | record.code.keys() if now.get(name) != record.code.get(name)
    )
    return ", ".join(names) or "other files"


def _settings(folder: Path, record: Record, results: Path, config: Mapping) -> list[str]:
    if record.folder != folder.as_posix():
        return [f"{folder}: its record is that of {record.folder}"]
    place = Path(config["results"]) / folder.relative_to(results)
    if missing := _missing(folder, config):
        return [f"{folder}: the config has no {missing} any more"]
    try:
        wanted = study_settings.settings_of(config, record.script, place.as_posix())
    except KeyError as error:
        return [f"{folder}: the config has no {error} any more"]
    # A record names every setting of its script; the config gives some, the rest are defaults.
    told = []
    for name, value in json.loads(json.dumps(wanted)).items():
        recorded = record.settings.get(name, "not recorded")
        if json.loads(json.dumps(recorded)) != value:
            told.append(f"{folder}: made with {name} {recorded}, the config says {value}")
    return told


def _missing(folder: Path, config: Mapping) -> str:
    """What a stage of a variant and seed is of, where the config's study no longer has it."""
    if not (place := Place.find(folder)):
        return ""
    if place.variant not in config.get(place.task, {}).get("variants", [place.variant]):
        return f"{place.task}/{place.variant}"
    return "" if place.seed in config["seeds"] else f"seed-{place.seed}"


def _results_in(results: Path) -> list[Path]:
    """The files of all stages: what lies in the folders of the data sets."""
    data = [each for each in results.iterdir() if each.is_dir() and each.name not in UNRECORDED]
    return sorted(
        path
        for folder in data
        for path in folder.rglob("*")
        if path.is_file() and path.name != NAME and ".partial-" not in path.as_posix()
    )
