"""The whole study: from raw idx files to the report. See README.md; `snakemake -n` shows the plan."""

import os
import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.io import IOFile
from snakemake.logging import logger
from snakemake.settings.types import DeploymentMethod
from snakemake.utils import min_version

min_version("9.20")
sys.path.insert(0, str(Path(workflow.basedir) / "src"))

from scanline.evaluation import words
from scanline.inference import methods
from scanline.models import cells
from scanline.provenance.code import code_hash
from scanline.provenance.finished import Finished
from scanline.study import config as study_config
from scanline.study import environment as study_environment
from scanline.study import fit as study_fit
from scanline.study import kept as study_kept
from scanline.study import settings as study_settings
from scanline.study import variants as study_variants
from scanline.training import kinds

if DeploymentMethod.APPTAINER in workflow.deployment_settings.deployment_method:
    raise WorkflowError(
        "the rules name no container, so --sdm apptainer would run them outside of one; start "
        "Snakemake in an image of workflow/envs/Containerfile, or with --sdm conda"
    )

# The project, seen from the working directory, which --directory may have set.
PROJECT = Path(os.path.relpath(workflow.basedir))
CONFIG = next(
    path for path in (Path("config.yaml"), PROJECT / "config.yaml") if path.exists()
)


try:
    for file in (CONFIG, *workflow.overwrite_configfiles):
        study_config.refuse_duplicate_keys(Path(file))
except ValueError as error:
    raise WorkflowError(str(error)) from None


configfile: str(CONFIG)


overlays = [  # a kept config names the variants of config.yaml, too
    Path(file)
    for file in workflow.overwrite_configfiles
    if Path(file).name != study_kept.CONFIG
]
try:
    study_config.validate(config)
    # As the config names them, whatever the images are then not for.
    without_task = study_config.in_no_task(config, overlays)
    shape = study_fit.shape_of_images(config)
    left_out = study_fit.left_out(config, shape)
    config.update(study_fit.fitted(config, shape))
    for word in sys.argv[1:]:
        study_config.refuse_unknown(config, word)
    cells.check()
    kinds.check(config)
    methods.check(study_settings.settings(config, "fill_holes"))
    words.check([method.name for method in methods.METHODS])
except ValueError as error:
    raise WorkflowError(str(error)) from None

if workflow.is_main_process:
    for key, why in left_out.items():
        logger.warning(f"{key} is left out: {why}")
    for variant in without_task:
        logger.warning(
            f"variants.{variant} is in no task, so the study does not train it; name it in "
            f"classify.variants or predict.variants"
        )

study_environment.prepare_environment(config)


wildcard_constraints:
    data="|".join(map(re.escape, config["datasets"])),
    variant="|".join(map(re.escape, config["variants"])),
    seed="[0-9]+",


include: "workflow/rules/settings.smk"
include: "workflow/rules/data.smk"


for task in kinds.KINDS:

    include: f"workflow/rules/{task}.smk"


PRETRAINED = study_settings.pretrained(config, DATA)
if PRETRAINED:

    include: "workflow/rules/pretrained.smk"


include: "workflow/rules/complete.smk"
include: "workflow/rules/sample.smk"
include: "workflow/rules/inpaint.smk"
include: "workflow/rules/posterior.smk"
include: "workflow/rules/play.smk"
include: "workflow/rules/cells.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/study.smk"
include: "workflow/rules/tracking.smk"


localrules:  # on a cluster, those that run on the login node: compute nodes often lack the network
    all,
    fetch,
    keep_config,
    open_tracking,
    trainings,


# A store that does not take all says so, and fails no study.
onsuccess:
    shell("python workflow/scripts/track_results.py --results {RESULTS:q} || true")
    shell("python workflow/scripts/clear_checkpoints.py --results {RESULTS:q}")


onerror:
    shell("python workflow/scripts/track_results.py --results {RESULTS:q} || true")
    put_back = Finished(Path(RESULTS)).put_back_missing(
        Path(path).relative_to(RESULTS) for path in STUDY_FILES
    )
    for path in put_back:
        workflow.persistence.cleanup_metadata(
            IOFile(path)
        )  # of the job that failed
    if put_back:
        logger.info(
            f"{len(put_back)} files of stages that did not end are put back"
        )


onstart:
    study_kept.keep(config, STUDY_FILES)


rule all:
    default_target: True
    input:
        # Named one by one, so that whatever was deleted is made again.
        STUDY_FILES,
        rules.keep_config.output,


rule trainings:
    input:
        [trained(task) for task in kinds.KINDS],
