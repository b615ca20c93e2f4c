"""Runs a script's function as a command: parses arguments, keeps outputs whole, records the run.

A script's function takes keyword arguments only. Those of type Path are files or folders that it
reads; ``out`` is an empty folder that it fills; ``checkpoints`` is where it may leave and find work
in progress; all others are settings, which the record names. A parameter may be a dataclass: each
of its fields is a flag and a setting of its own. The docstrings are the help text.
"""

import dataclasses
import inspect
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path

import tyro

from scanline.files import whole_folder
from scanline.layout import Place, results_of
from scanline.provenance import tracking
from scanline.provenance.record import Record

PLACES = ("out", "checkpoints")


def main(
    function: Callable[..., dict | None], gpu: bool = False, arguments: list[str] | None = None
) -> None:
    """Runs ``function`` on the command line's arguments; exits 1 with one line where it fails.

    A function that does not ask for the ``gpu`` cannot see one. If it has a parameter
    ``log_epoch``, it is given the tracking store's.
    """
    if not gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    given = tyro.cli(
        _arguments_of(function),
        prog=f"{function.__name__}.py",
        description=inspect.getdoc(function),
        args=arguments,
        config=(tyro.conf.OmitArgPrefixes,),  # a dataclass's fields are flags like all others
    )
    try:
        run(function, **given)
    except (ValueError, OSError, ArithmeticError) as error:
        # A full disk names no file: the error comes from writing, not from opening.
        unnamed = isinstance(error, OSError) and error.errno is not None and not error.filename
        where = f"writing {given['out']}: " if unnamed else ""
        print(f"{function.__name__}: {where}{error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print(f"{function.__name__}: interrupted; nothing was written", file=sys.stderr)
        sys.exit(130)


def run(function: Callable[..., dict | None], *, out: Path, **given) -> Record:
    """Calls ``function`` with an empty folder that replaces ``out``'s files when it succeeds."""
    inputs = {name: _paths(value) for name, value in given.items() if name not in PLACES}
    inputs = {name: paths for name, paths in inputs.items() if paths}
    for path in (path for paths in inputs.values() for path in paths):
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist")
    record = Record.begin(function.__name__, out, _settings(given), inputs)
    # Work in progress belongs to one stage and to all that it depends on: after a change of code,
    # settings or inputs it is not gone on with. A stage that ends removes all that it left.
    progress = given.get("checkpoints", out) / _name_of(out)
    if "checkpoints" in given:
        given["checkpoints"] = progress / record.key
    followed = "log_epoch" in inspect.signature(function).parameters
    # The results are in place before the tracking store hears the last of them.
    with tracking.live(record) if followed else nullcontext() as log_epoch:
        if followed:
            given["log_epoch"] = log_epoch
        with whole_folder(out) as partial:
            _noted()  # of no stage
            told = function(out=partial, **given) or {}
            record.computed = _noted() | told
            record.end(partial)
    if "checkpoints" in given:
        shutil.rmtree(progress, ignore_errors=True)
    return record


def _noted() -> dict:
    """What ran the models that were loaded. A stage that loads none has no TensorFlow to ask."""
    accelerator = sys.modules.get("scanline.models.accelerator")
    return accelerator.take_noted() if accelerator else {}


def _name_of(out: Path) -> str:
    """A stage's name in one word, wherever the folder of results lies."""
    if Place.find(out):
        out = out.relative_to(results_of(out))
    return out.as_posix().replace("/", "_")


def _arguments_of(function: Callable) -> Callable[..., dict]:
    """A function with the command-line parameters of ``function`` that returns them as a dict."""
    signature = inspect.signature(function)
    kept = [p for p in signature.parameters.values() if p.name != "log_epoch"]

    def arguments(**given):
        return given

    arguments.__signature__ = signature.replace(parameters=kept, return_annotation=dict)  # type: ignore[attr-defined]
    arguments.__annotations__ = {p.name: p.annotation for p in kept}
    arguments.__doc__ = function.__doc__
    return arguments


def _settings(given: Mapping) -> dict:
    """The settings among the arguments, a dataclass's fields among them."""
    settings: dict = {}
    for name, value in given.items():
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            settings |= {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        elif name not in PLACES and not _paths(value):
            settings[name] = value
    return settings


def _paths(value) -> list[Path]:
    if isinstance(value, Path):
        return [value]
    if isinstance(value, list | tuple):
        return [path for item in value for path in _paths(item)]
    return []
