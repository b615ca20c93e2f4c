"""Each rule and the script of its name agree: on the GPU, and on who decides a setting."""

import importlib
import inspect
import re
from dataclasses import fields, is_dataclass

import pytest
from study_copy import ROOT

from scanline.study import settings as study_settings
from scanline.study.config import load_config

NONE = inspect.Parameter.empty
WILDCARDS = {"data": "mnist-threshold-0.1", "variant": "gru-32", "seed": "1"}


def rules() -> dict[str, str]:
    """The text of each rule that runs a script of src."""
    text = "\n".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    found = dict(re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", text, re.M | re.S))
    return {name: text for name, text in found.items() if f"python src/{name}.py" in text}


def test_the_rules_are_found():
    assert len(rules()) > 20


@pytest.mark.parametrize("name", sorted(rules()))
def test_a_rule_reserves_a_gpu_where_its_script_sees_one(name):
    reserves = re.search(r"\bgpu=", rules()[name]) is not None
    sees = re.search(r"^    main\(.*\bgpu=True", (ROOT / f"src/{name}.py").read_text(), re.M)
    assert reserves == (sees is not None)


def test_each_split_reaches_the_script_that_asks_for_it():
    """By name from binarise's outputs to the rules' inputs, and on to the scripts' flags."""
    text = "\n".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    splits = re.findall(r"^ +(\w+)=.*\bpixels/(\w+)\.npz", text, re.M)
    assert {("train", "train"), ("validation", "validation"), ("test", "test")} <= set(splits)
    taken = re.findall(r"^ +(\w+)=rules\.binarise\.output\.(\w+),", text, re.M)
    assert len(taken) > 8
    flags = re.findall(r"--([a-z-]+) \{input\.(\w+):q\}", text)
    assert {"train", "validation", "test"} <= {flag for flag, _ in flags}
    assert [pair for pair in taken if pair[0] != pair[1]] == []
    assert [(f, name) for f, name in flags if f.replace("-", "_") != name and f != "curves"] == []


def settings_of(script: str) -> dict[str, object]:
    """A script's settings with their defaults, or ``NONE``.

    The fields of a dataclass have none of the script's: the config shares their defaults.
    """
    function = getattr(importlib.import_module(script), script)
    found: dict[str, object] = {}
    for name, parameter in inspect.signature(function, eval_str=True).parameters.items():
        if is_dataclass(parameter.annotation):
            found |= {field.name: NONE for field in fields(parameter.annotation)}
        else:
            found[name] = parameter.default
    return found


@pytest.mark.parametrize("name", sorted(rules()))
def test_what_the_config_decides_has_no_default_in_the_script(name):
    config = load_config([ROOT / "config.yaml"])
    defaults = settings_of(name)
    for setting in study_settings.settings(config, name, **WILDCARDS):
        # None: needed by one way of binarising alone, and asked for there. (): a list that the
        # config leaves empty is no flag.
        assert defaults[setting] in (NONE, None, ()), setting
