"""Submits a job's script to Kubernetes by job.yaml, and prints the Job's name."""

import json
import subprocess
import sys
from pathlib import Path

import tyro
import yaml

TEMPLATE = Path(__file__).with_name("job.yaml")


def job_of(
    script: str, *, rule: str, cores: int, gpus: int, mem_mb: int, minutes: int
) -> dict[str, object]:
    """The Job that runs ``script``; of ``gpus`` above 0 it holds so many."""
    job = yaml.safe_load(TEMPLATE.read_text())
    job["metadata"]["generateName"] = f"scanline-{rule.replace('_', '-')}-"
    job["spec"]["activeDeadlineSeconds"] = 60 * minutes
    (container,) = job["spec"]["template"]["spec"]["containers"]
    container["command"].append(script)
    # GPUs must stand under limits; a pod that takes more memory than its limit is killed.
    limits = {"memory": f"{mem_mb}M"} | ({"nvidia.com/gpu": str(gpus)} if gpus else {})
    container["resources"] = {"requests": {"cpu": str(cores)}, "limits": limits}
    return job


def main(job_script: str, *, rule: str, cores: int, gpus: int, mem_mb: int, minutes: int) -> None:
    """Exits 1 with kubectl's own words where it refuses.

    Args:
        job_script: what the Job runs
        rule: whose job it is
        cores: that it asks for
        gpus: that it holds
        mem_mb: megabytes of memory, beyond which it is killed
        minutes: after which it is stopped
    """
    job = job_of(job_script, rule=rule, cores=cores, gpus=gpus, mem_mb=mem_mb, minutes=minutes)
    command = ["kubectl", "create", "--filename=-", "--output=name"]
    sys.exit(subprocess.run(command, input=json.dumps(job), text=True).returncode)


if __name__ == "__main__":
    tyro.cli(main, prog="submit.py", description=__doc__)
