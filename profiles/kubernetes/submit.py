"""Submits a job's script to Kubernetes by job.yaml, and prints the Job's name."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

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


def main() -> None:
    """Exits 1 with kubectl's own words where it refuses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rule", required=True)
    for name in ("cores", "gpus", "mem-mb", "minutes"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--job-script", required=True)
    given = vars(parser.parse_args())
    job = job_of(given.pop("job_script"), **given)
    command = ["kubectl", "create", "--filename=-", "--output=name"]
    sys.exit(subprocess.run(command, input=json.dumps(job), text=True).returncode)


if __name__ == "__main__":
    main()
