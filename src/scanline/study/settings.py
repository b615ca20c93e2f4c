"""The study that a config describes: is it valid, and which settings does each stage get?

A stage's settings are the flags of its script. The rules pass them on, and ``make verify`` compares
them with those that the records name.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import PurePosixPath
from pkgutil import resolve_name

from scanline.data.binarise import PixelSettings
from scanline.data.order import order_of
from scanline.holes.named import hidden_sets
from scanline.layout import Place
from scanline.study.config import PRETRAINED, REPORTED_PIXELS
from scanline.study.variants import mixtures, reading_labels, turned
from scanline.training.kinds import KINDS


def settings(config: Mapping, rule: str, **wildcards: str) -> dict:
    """The settings of a rule's script for the given wildcards (data, variant, seed)."""
    for task, kind in KINDS.items():
        if rule == kind.script:
            return _training(config, task, wildcards["variant"], int(wildcards["seed"]))
        if rule == kind.scorer:
            return {"images": config["score"]["images"]}
    complete, inpaint, posterior = config["complete"], config["inpaint"], config["posterior"]
    match rule:
        case "binarise":
            name = wildcards["data"]
            data = config["datasets"][name]
            return {
                "data": name,
                "method": data["binarise"],
                **{
                    each.name: data[each.name]
                    for each in fields(PixelSettings)
                    if each.name in data
                },
            }
        case "hide_pixels":
            return {
                "images": complete["images"],
                "seed": complete["images_seed"],
                "cut": complete["cut"],
                "runs": sorted(complete["hidden_runs"]),
            }
        case "sample_completions":
            return {"samples": complete["samples"], "seed": complete["sampling_seed"]}
        case "sample_images":
            return {"images": config["sample"]["images"], "seed": config["sample"]["seed"]}
        case "hide_patches":
            return {
                "holes": inpaint["holes"],
                "images": inpaint["images"],
                "mean": inpaint["corner_mean"],
                "sd": inpaint["corner_sd"],
                "seed": inpaint["patches_seed"],
            }
        case "hide_holes":
            wanted = holes(config)
            return {
                "holes": wanted,
                "images": [posterior["holes"][hole] for hole in wanted],
                "cut": complete["cut"],
                "seed": posterior["seed"],
            }
        case "fill_holes":
            parts = ("variants", "classifier", "holes", "calibration")
            return {name: value for name, value in posterior.items() if name not in parts}
        case "calibrate_posterior":
            calibration = posterior["calibration"]
            same = ("simulated", "draws", "bins", "images", "particles", "runs", "holes")
            return {
                **{name: calibration[name] for name in same},
                "draw_particles": posterior["particles"],
                "cut": complete["cut"],
                "seed": posterior["seed"],
            }
        case "make_tables":
            data = config["datasets"][wildcards["data"]]
            pixels = data["source"], data["binarise"], data.get("threshold"), order_of(data)
            return {
                "beside": "report" if pixels == REPORTED_PIXELS else "nothing",
                "pretrained": pretrained(config, wildcards["data"]),
            }
        case "draw_curves":
            # Variants of later kinds come last, so that the others keep their colours.
            later = reading_labels(config) | turned(config).keys()
            trained = config["variants"].keys() - mixtures(config).keys()
            palette = sorted(trained, key=lambda name: (name in later, name))
            return {
                "palette": palette,
                "cells": [config["variants"][variant]["cell"] for variant in palette],
            }
        case "demonstrate_cells":
            return dict(config["cells"])
        case "draw_inpainting" | "draw_calibration":
            return {"model": wildcards["variant"]}
        case _:
            return {}


def _training(config: Mapping, task: str, variant: str, seed: int) -> dict:
    """Architecture and recipe of a variant: what the task's models share, but for exceptions."""
    training = dict(config[task]["training"])
    for exception in config[task]["exceptions"]:
        if variant in exception["variants"]:
            training |= exception["training"]
    architecture = resolve_name(KINDS[task].architecture)
    named = {field.name for field in fields(architecture)}
    made_of = architecture(**{k: v for k, v in config["variants"][variant].items() if k in named})
    return {**asdict(made_of), **training, "seed": seed}


def pretrained(config: Mapping, data: str) -> list[str]:
    """The trained models that are taken, not trained: {task}/{variant}/seed-{seed}, sorted."""
    if config["train"] == "here":
        return []
    wanted = (
        Place(data, task, variant, seed).model
        for task in KINDS
        for variant in config[task]["variants"]
        for seed in config["seeds"]
    )
    return sorted(name for name in wanted if (PRETRAINED / data / name / "model.keras").is_file())


def holes(config: Mapping) -> list[str]:
    """The holes that images are to be completed in, those of fewest pixels first.

    The order of the config's keys says nothing: it depends on how files are laid over each other.
    """
    cut, data = config["complete"]["cut"], config["datasets"][config["dataset"]]

    def size(hole: str) -> tuple[int, str]:
        hidden = hidden_sets(hole, data["rows"], data["columns"], images=1, cut=cut, seed=0)
        return hidden.shape[1], hole

    return sorted((hole for hole, n in config["posterior"]["holes"].items() if n), key=size)


def flags(settings: Mapping) -> str:
    """Settings as command-line flags, sorted by name: one string names every value."""
    words: list[str] = []
    for name, value in sorted(settings.items()):
        if isinstance(value, bool):
            words.append(f"--{'' if value else 'no-'}{name.replace('_', '-')}")
            continue
        values = value if isinstance(value, list | tuple) else [value]
        if values:
            words += [f"--{name.replace('_', '-')}", *(str(v) for v in values)]
    return shlex.join(words)


def settings_of(config: Mapping, script: str, folder: str) -> dict:
    """The settings that the config gives for the stage whose results lie in ``folder``."""
    parts = PurePosixPath(folder).relative_to(config["results"]).parts
    wildcards = {"data": parts[0]}
    if place := Place.find(folder):
        wildcards |= {"variant": place.variant, "seed": str(place.seed)}
    elif found := re.fullmatch("(inpainting|calibration)-(.+)", parts[-1]):
        wildcards["variant"] = found[2]
    return settings(config, script, **wildcards)
