# What the rules share: where things lie, and the params that name all that a result depends on.

import shlex
from functools import cache

from scanline.data.formats import found_in
from scanline.data.published import MNIST_FILES, SOURCES
from scanline.figures import names as figure_names
from scanline.files import sha256_of
from scanline.layout import Place
from scanline.models.cells import CELLS
from scanline.training.kinds import KINDS

RESULTS = config["results"]
DATA = config["dataset"]
STUDY = f"{RESULTS}/{DATA}"
MIXTURES = study_variants.mixtures(config)
ENVIRONMENT = "../envs/scanline.yaml"
hash_of = cache(sha256_of)

# A job that is stopped (Ctrl-C, or Slurm's SIGTERM to all its processes) ends in order: the script
# leaves its checkpoint, while the shell waits and tee still takes down the last words.
shell.prefix(
    # Scripts are the project's, wherever the working directory is. A stage is not computed twice.
    "python() {{ case $1 in src/*)"
    f' set -- workflow/scripts/run_stage.py {shlex.quote(RESULTS)} {shlex.quote(str(PROJECT))}/"$@";;'
    f' esac; command python {shlex.quote(str(PROJECT))}/"$@"; }}}}; '
    "set -euo pipefail; trap : INT TERM;"
    # SCANLINE_QUIET, which make sets, leaves a job's words to its log.
    " tee() {{ trap '' INT TERM;"
    ' if [ ${{SCANLINE_QUIET-}} ]; then cat >"$1"; else command tee "$1"; fi; }}; '
)


def settings(rule):
    """The settings of a rule's script as one string of sorted flags.

    A string with names in it notices two swapped values, which a list of values would not.
    """
    return lambda wildcards: study_settings.flags(
        study_settings.settings(config, rule, **wildcards)
    )


def at(task, stage, file):
    """The pattern of a file of one stage, by data set, variant and seed."""
    return f"{RESULTS}/{Place('{data}', task, '{variant}', '{seed}')}/{stage}/{file}"


def variants_of(task, stage):
    """The variants of a task that have such a stage: a mixture is scored, and not trained."""
    untrained = MIXTURES if stage == "train" else ()
    return [name for name in config[task]["variants"] if name not in untrained]


def of_each(task, stage, file, seeds=config["seeds"]):
    """A file of one stage, for every variant of a task and every seed."""
    return expand(
        at(task, stage, file),
        variant=variants_of(task, stage),
        seed=seeds,
        allow_missing=True,
    )


def of_first_seed(task, stage, file):
    """The same, of the first seed only."""
    return of_each(task, stage, file, config["seeds"][:1])


def trained(task):
    return expand(of_each(task, "train", "model.keras"), data=DATA)


def raw_files(wildcards):
    """The files of a data set: those that are fetched, or those at a path of the user's own."""
    source = config["datasets"][wildcards.data]["source"]
    if source in SOURCES:
        return fetched_files(source)
    # A folder's time is when its first level changed; content_of_folders tells more.
    return [
        ancient(str(path)) if path.is_dir() else str(path)
        for path in found_in(source).files
    ]


def content_of_folders(wildcards):
    """The hashes of a data set's folders of images, of which Snakemake compares no content."""
    return [hash_of(Path(path)) for path in raw_files(wildcards) if Path(path).is_dir()]


def fetched_files(source):
    return [f"{config['downloads']}/{source}/{file}" for file in SOURCES[source].sha256]


def selection_pixels(task):
    """The test images where a checkpoint is chosen on batches of them, as in the report; else none."""

    def paths(wildcards):
        training = study_settings.settings(config, KINDS[task].script, **wildcards)
        if training["selection"] == "test_batches":
            return f"{RESULTS}/{wildcards.data}/pixels/test.npz"
        return []

    return paths


def look_ahead(wildcards):
    """The look-ahead of a variant, where it has one."""
    if wildcards.variant in config["look_ahead"]["variants"]:
        return at("look_ahead", "train", "model.keras").format(**wildcards)
    return []


def optional_flag(name):
    """The flag of an input of that name, where there is such a file."""

    def flag(wildcards, input):
        path = str(input[name]) if input[name] else ""
        return f"--{name.replace('_', '-')} {shlex.quote(path)}" if path else ""

    return flag


def gpus(wildcards):
    return study_environment.gpus(config)


def of_task(task, *paths):
    """The paths, or none where no variant does the task."""
    return paths if config[task]["variants"] else ()


def pictures(folder, names):
    """The .png files of a folder of figures."""
    return [f"{RESULTS}/{{data}}/figures/{folder}/{name}.png" for name in names]


def vectors(folder, names):
    """The same figures as .pdf files."""
    return [f"{RESULTS}/{{data}}/figures/{folder}/{name}.pdf" for name in names]
