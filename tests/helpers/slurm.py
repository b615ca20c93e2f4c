"""A real Slurm cluster on this machine, for a test: one node, two fake GPUs, its own munge.

Partitions: cpu and gpu, which profiles/slurm names, and urgent, whose jobs preempt theirs. Needs
root and Debian's packages. While the cluster runs, what its jobs must find lies in /etc/slurm; all
else lies in a folder of the caller's.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEVICES = ["/dev/null", "/dev/zero"]  # the fake GPUs: any device file does
GPUS = len(DEVICES)
PACKAGES = {
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "munged": "munge",
    "sbatch": "slurm-client",
}
CONFIG = Path("/etc/slurm")  # Debian's commands look nowhere else once a job has started
PATIENCE = 300.0  # seconds on a busy machine; a few are needed
SEARCHED = f"{os.environ['PATH']}:/usr/sbin"

SLURM_CONF = """\
ClusterName=scanline
SlurmctldHost={host}(127.0.0.1)
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
# No control groups: a container may have none to give.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerParameters=sched_min_interval=0,bf_interval=5
# Patient, since other tests may keep the machine busy: seconds for messages, for a job's start, and
# from SIGTERM to SIGKILL.
MessageTimeout=60
BatchStartTimeout=300
KillWait=300
# The node may promise more than the machine has.
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=5 RealMemory=64000 Gres=gpu:{gpus} State=UNKNOWN
# An urgent job always finds a core, so it preempts none but those that hold the GPUs.
PartitionName=cpu Nodes=ALL PriorityTier=1 MaxCPUsPerNode=2
PartitionName=gpu Nodes=ALL PriorityTier=1
PartitionName=urgent Nodes=ALL PriorityTier=10 PreemptMode=OFF
"""


def missing() -> str | None:
    """What keeps this machine from running a cluster, in one line; None where nothing does."""
    packages = [
        package for tool, package in PACKAGES.items() if not shutil.which(tool, path=SEARCHED)
    ]
    if packages:
        return f"no Slurm here; install it: apt-get install {' '.join(packages)}"
    if os.geteuid() != 0:
        return "starting slurmd takes root; run this as root"
    if (CONFIG / "slurm.conf").exists():
        return f"{CONFIG}/slurm.conf is there already; this machine belongs to another cluster"
    return None


@contextmanager
def cluster(folder: Path) -> Iterator[None]:
    """The cluster runs inside the with block, its logs and state in ``folder``."""
    if reason := missing():
        raise RuntimeError(reason)
    settings = {"host": socket.gethostname(), "folder": folder, "gpus": GPUS}
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    daemons = []
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # unwinds to the finally
    try:
        (CONFIG / "gres.conf").write_text("".join(f"Name=gpu File={d}\n" for d in DEVICES))
        (CONFIG / "slurm.conf").write_text(SLURM_CONF.format(**settings))
        for words in (
            # --force: its socket may lie in a folder that others can write to.
            ["munged", "--foreground", "--force", f"--key-file={key}"]
            + [f"--{name}-file={folder}/munge.{name}" for name in ("pid", "seed", "log")]
            + [f"--socket={folder}/munge.socket"],
            ["slurmctld", "-D", "-c"],
            ["slurmd", "-D", "-c"],
        ):
            daemons.append(_start(words, folder))
        _wait_until_idle(folder)
        yield
    finally:
        _empty_queue()
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in daemons:
            try:
                daemon.wait(timeout=20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        signal.signal(signal.SIGTERM, before)
        for name in ("slurm.conf", "gres.conf"):
            (CONFIG / name).unlink(missing_ok=True)


def slurm(*command: str) -> str:
    """What a Slurm command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _start(words: list[str], folder: Path) -> subprocess.Popen:
    # A session of its own: an interrupted test stops the cluster itself, in order.
    with open(folder / f"{words[0]}.out", "w") as out:
        return subprocess.Popen(
            [shutil.which(words[0], path=SEARCHED), *words[1:]],
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _empty_queue(seconds: float = PATIENCE) -> None:
    # A daemon that is stopped would leave its jobs running.
    deadline = time.monotonic() + seconds
    subprocess.run(["scancel", "--me"], capture_output=True)
    while time.monotonic() < deadline:
        left = subprocess.run(["squeue", "--noheader"], capture_output=True, text=True)
        if not left.stdout:
            return
        time.sleep(0.5)


def _wait_until_idle(folder: Path, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        command = ["sinfo", "--noheader", "--partition=gpu", "--format=%T"]
        told = subprocess.run(command, capture_output=True, text=True)
        if told.stdout.strip() == "idle":
            return
        time.sleep(0.5)
    logs = "\n".join(path.read_text() for path in sorted(folder.glob("*.out")))
    said = f"{told.stdout}{told.stderr}\n{logs}"
    raise RuntimeError(f"the node is not idle after {seconds:.0f} s: {said}")


if __name__ == "__main__":
    sys.exit(missing())
