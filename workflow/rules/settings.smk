# What the rules share: where things lie, and the params that name all that a result depends on.

RESULTS = config["results"]
DATA = config["dataset"]
STUDY = f"{RESULTS}/{DATA}"
ENVIRONMENT = "../envs/scanline.yaml"


def settings(rule):
    """The settings of a rule's script as one string of sorted flags.

    A string with names in it notices two swapped values, which a list of values would not.
    """
    return lambda wildcards: study.flags(study.settings(config, rule, **wildcards))


def expand_trained(pattern, task):
    """``pattern`` for every variant of a task and every seed."""
    return expand(
        pattern,
        variant=config[task]["variants"],
        seed=config["seeds"],
        allow_missing=True,
    )


def trained(task):
    return expand_trained(
        f"{STUDY}/{task}/{{variant}}/seed-{{seed}}/train/model.keras", task
    )


def gpus(wildcards):
    """How many GPUs a training asks for: none on a machine of CPUs, so that it is not serialised."""
    has_one = config["accelerator"] == "gpu" or (
        config["accelerator"] == "auto" and Path("/dev/nvidia0").exists()
    )
    return 1 if has_one else 0
