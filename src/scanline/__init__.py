"""Recurrent models that read and write an image one pixel at a time, in raster order.

``scanline.models()`` is a table of the trained models that come with the project, and
``scanline.load(name)`` loads one. Both import what they need when they are used.
"""

import os
import sys
from types import ModuleType

# TensorFlow and Keras read these when they are first imported, which only this module surely comes
# before. Snakemake gives each job its number of threads in OMP_NUM_THREADS, where TensorFlow does
# not look. It is set anew, because a job inherits what Snakemake's own process has set.
if os.environ.setdefault("KERAS_BACKEND", "tensorflow") != "tensorflow":
    raise ImportError(
        f"KERAS_BACKEND is {os.environ['KERAS_BACKEND']}; the models need tensorflow: unset it"
    )
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "OMP_NUM_THREADS" in os.environ:
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["OMP_NUM_THREADS"]
    os.environ["TF_NUM_INTEROP_THREADS"] = "1"

__all__ = ["load", "models"]


class _Models(ModuleType):
    """The wing ``scanline.models``, which can also be called."""

    def __call__(self):
        """See ``scanline.catalogue.models``."""
        from scanline.catalogue import models

        return models()


class _Package(ModuleType):
    """This package: when its wing ``models`` is imported, the wing becomes one to call."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "models" and isinstance(value, ModuleType):
            value.__class__ = _Models
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> object:
    if name == "load":
        from scanline.library import load

        return load
    if name == "models":
        from importlib import import_module

        return import_module("scanline.models")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
