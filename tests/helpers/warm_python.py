"""Python commands that need not wait for imports: each is forked from one process that has them.

TensorFlow and Snakemake take seconds to import, and a small study starts both many times. Nothing
of this project is imported before a fork, since the tests change copies of it. ``warm_client.py``
is the command ``python`` that asks for a fork.
"""

import array
import atexit
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

LIBRARIES = (
    *("keras", "tensorflow", "h5py", "pandas", "matplotlib.pyplot", "mlflow", "jinja2", "tyro"),
    *("snakemake.cli", "jsonschema", "packaging", "PIL.Image", "requests", "smart_open", "tqdm"),
    # What they import themselves, but later: to read a command line, to write a .png or a .pdf.
    *("typeguard", "docstring_parser", "matplotlib.backends.backend_pdf", "fontTools.subset"),
    *("fontTools.varLib", "filelock", "platformdirs"),
)


@cache
def folder() -> str:
    """Where the command ``python`` is a warm one, as long as this process lives."""
    place = tempfile.mkdtemp(prefix="warm-")
    client = Path(place, "python")
    text = Path(__file__).with_name("warm_client.py").read_text()
    client.write_text(f"#!{sys.executable} -SE\n{text}")
    client.chmod(0o755)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(f"{place}/socket")
    listening.listen(64)
    alive, alive_here = os.pipe()  # which the system closes here, however this process ends
    with listening:
        process = subprocess.Popen(
            [sys.executable, __file__, place, str(listening.fileno()), str(alive)],
            env=os.environ | {"PYTHONPATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(listening.fileno(), alive),
            start_new_session=True,
        )
    os.close(alive)

    @atexit.register
    def end() -> None:
        os.close(alive_here)
        process.wait()
        shutil.rmtree(place)

    return place


def python() -> str:
    """The path of that command."""
    return f"{folder()}/python"


def serve(listening: socket.socket, alive: int) -> dict:
    """Waits for requests; returns, in a process of its own for each, what it is to run."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    while True:
        ready, _, _ = select.select([listening, alive], [], [])
        if alive in ready:
            os._exit(0)
        connection, _ = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            request = received(connection)
            process = os.fork()
            if process == 0:
                connection.close()
                return request
            os._exit(supervise(process, connection))
        connection.close()


def received(connection: socket.socket) -> dict:
    """A request, whose standard streams are this process's from now on."""
    line, files, _, _ = socket.recv_fds(connection, 1 << 16, 3)
    while not line.endswith(b"\n"):
        line += connection.recv(1 << 16)
    for stream, file in enumerate(files):
        os.dup2(file, stream)
        os.close(file)
    return json.loads(line)


def supervise(process: int, connection: socket.socket) -> int:
    """Tells the client how ``process`` ended; ends it where the client has gone."""
    ended = os.pidfd_open(process)
    ready, _, _ = select.select([ended, connection], [], [])
    if ended not in ready:
        os.kill(process, signal.SIGTERM)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    connection.sendall(array.array("i", [status]).tobytes())
    return 0


def run(folder: str, environment: dict[str, str], words: list[str]) -> None:
    """Does as ``python *words`` does."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in environment
    sys.path[:1] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    if words[0] == "-m":
        sys.path.insert(0, folder)
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, str(Path(words[0]).parent))
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    for name in LIBRARIES:
        importlib.import_module(name)
    sys.modules["snakemake.cli"].get_argument_parser()  # which imports the plugins
    gc.freeze()
    place, listening, alive = sys.argv[1:]
    sys.executable = f"{place}/python"  # so that what the commands start is warm, too
    run(**serve(socket.socket(fileno=int(listening)), int(alive)))
