"""A stand-in for kubectl on one machine: a Job is a process tree that sees no other processes.

So a Job's first process is the first of a container: signals reach it alone, and when it ends, all
others do. Jobs lie in $KUBECTL_JOBS, a folder each.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

JOBS = Path(os.environ.get("KUBECTL_JOBS", "jobs"))
ALONE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


def create() -> None:
    """Starts the Job on standard input; prints its name."""
    job = json.load(sys.stdin)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    folder = JOBS / f"{job['metadata']['generateName']}{secrets.token_hex(3)}"
    folder.mkdir(parents=True)
    (folder / "job.json").write_text(json.dumps(job))
    if os.fork() == 0:
        os.setsid()
        log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT)
        for stream in (1, 2):
            os.dup2(log, stream)
        process = subprocess.Popen([*ALONE, *container["command"]], cwd=container["workingDir"])
        (folder / "pid").write_text(str(process.pid))
        code = process.wait()
        (folder / "condition").write_text("Failed" if code else "Complete")
        os._exit(0)
    print(f"job.batch/{folder.name}")


def get(job: str) -> None:
    """Prints what the status script asks for: nothing of a Job that is gone."""
    folder = JOBS / job.removeprefix("job.batch/")
    if folder.exists() and not (folder / "deleted").exists():
        condition = folder / "condition"
        print("Job", condition.read_text() if condition.exists() else "")


def delete(*jobs: str) -> None:
    """SIGTERM to the first process of each; the Job is gone."""
    for job in jobs:
        folder = JOBS / job.removeprefix("job.batch/")
        pid = (folder / "pid").read_text()
        first = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for process in first:
            os.kill(int(process), signal.SIGTERM)
        (folder / "deleted").touch()


if __name__ == "__main__":
    action, *words = sys.argv[1:]
    {"create": create, "get": get, "delete": delete}[action](
        *(word for word in words if not word.startswith("--"))
    )
