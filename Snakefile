"""The whole study: from raw idx files to the report. See README.md; `snakemake -n` shows the plan."""

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.20")
sys.path.insert(0, str(Path(workflow.basedir) / "src"))

from scanline.evaluation import words
from scanline.inference import methods
from scanline.models import cells
from scanline.provenance.code import code_hash
from scanline.study import config as study_config
from scanline.study import environment as study_environment
from scanline.study import settings as study_settings
from scanline.training import kinds


configfile: "config.yaml"


try:
    for file in ("config.yaml", *workflow.overwrite_configfiles):
        study_config.refuse_duplicate_keys(Path(file))
    study_config.validate(config)
    cells.check()
    kinds.check(config)
    methods.check(study_settings.settings(config, "fill_holes"))
    words.check([method.name for method in methods.METHODS])
except ValueError as error:
    raise WorkflowError(str(error)) from None

study_environment.prepare_environment(config)


wildcard_constraints:
    data="[^/]+",
    variant="[^/]+",
    seed="[0-9]+",


include: "workflow/rules/settings.smk"
include: "workflow/rules/data.smk"


for task in kinds.KINDS:

    include: f"workflow/rules/{task}.smk"


PRETRAINED = study_settings.pretrained(config, DATA)
if PRETRAINED:

    include: "workflow/rules/pretrained.smk"


include: "workflow/rules/complete.smk"
include: "workflow/rules/inpaint.smk"
include: "workflow/rules/posterior.smk"
include: "workflow/rules/cells.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/tracking.smk"


localrules:  # on a cluster, those that run on the login node: compute nodes often lack the network
    all,
    fetch,
    open_tracking,
    trainings,


onsuccess:
    shell("python workflow/scripts/track_results.py --results {RESULTS}")
    shell("python workflow/scripts/clear_checkpoints.py --results {RESULTS}")


onerror:
    shell("python workflow/scripts/track_results.py --results {RESULTS}")


rule all:
    default_target: True
    input:
        f"{STUDY}/report/report.html",
        # Named one by one, so that a stage that was deleted is made again.
        expand(RECORDS, data=DATA),


rule trainings:
    input:
        [trained(task) for task in kinds.KINDS],
