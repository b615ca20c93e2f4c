# What the rules share: where things lie, and the params that name all that a result depends on.

from scanline.figures import names as figure_names

RESULTS = config["results"]
DATA = config["dataset"]
STUDY = f"{RESULTS}/{DATA}"
ENVIRONMENT = "../envs/scanline.yaml"

# A job that is stopped (Ctrl-C, or Slurm's SIGTERM to all its processes) ends in order: the script
# leaves its checkpoint, while the shell waits and tee still takes down the last words.
shell.prefix(
    "set -euo pipefail; trap : INT TERM;"
    " tee() {{ trap '' INT TERM; command tee \"$@\"; }}; "
)


def settings(rule):
    """The settings of a rule's script as one string of sorted flags.

    A string with names in it notices two swapped values, which a list of values would not.
    """
    return lambda wildcards: study_settings.flags(
        study_settings.settings(config, rule, **wildcards)
    )


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


IDX_FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}
DOWNLOADED = ["mnist", "fashion-mnist"]


def idx_files(wildcards):
    """The raw files of a data set: downloaded ones, or those in a folder of the user's own."""
    source = config["datasets"][wildcards.data]["source"]
    folder = f"{config['downloads']}/{source}" if source in DOWNLOADED else source
    return {name: f"{folder}/{file}" for name, file in IDX_FILES.items()}


def selection_pixels(task):
    """The test images where a checkpoint is chosen on batches of them, as in the report; else none."""

    def paths(wildcards):
        training = study_settings.settings(
            config, study_config.TRAINED[task], **wildcards
        )
        if training["selection"] == "test_batches":
            return f"{RESULTS}/{wildcards.data}/pixels/test.npz"
        return []

    return paths


def selection_flag(wildcards, input):
    return f"--test {input.test}" if input.test else ""


def gpus(wildcards):
    return study_environment.gpus(config)


def of_each(task, stage, file):
    """A file of one stage, for every variant of a task and every seed."""
    return expand_trained(
        f"{RESULTS}/{{data}}/{task}/{{variant}}/seed-{{seed}}/{stage}/{file}", task
    )


def of_first_seed(task, stage, file):
    """A file of one stage for every variant of a task, of the first seed."""
    return expand(
        f"{RESULTS}/{{data}}/{task}/{{variant}}/seed-{{seed}}/{stage}/{file}",
        variant=config[task]["variants"],
        seed=config["seeds"][:1],
        allow_missing=True,
    )


def of_task(task, *paths):
    """The paths, or none where no variant does the task."""
    return paths if config[task]["variants"] else ()


def pictures(folder, names):
    """The .png files of a folder of figures."""
    return [f"{RESULTS}/{{data}}/figures/{folder}/{name}.png" for name in names]


def vectors(folder, names):
    """The same figures as .pdf files."""
    return [f"{RESULTS}/{{data}}/figures/{folder}/{name}.pdf" for name in names]
