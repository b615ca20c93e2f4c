"""Which source files a script's results depend on, and one hash that names them.

A script depends on itself and on every module of the package that it imports, directly or through
another. Comments, docstrings, layout do not count: editing them changes no result. Nor do the
modules in WATCHERS, which follow a run and cannot change what it computes.
"""

import ast
import hashlib
import re
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
WATCHERS = ("provenance/", "training/progress.py")  # below the package
# What modules read or compile besides Python, beside their own place: a file or a folder of files.
READ_BY = {
    "scanline/models/native.py": "scanline/kernel",
    "scanline/evaluation/tables.py": "scanline/evaluation/published.csv",
    "scanline/evaluation/literature.py": "scanline/evaluation/literature.csv",
    "scanline/report/page.py": "scanline/report/page.html.j2",
    "scanline/report/playing.py": "scanline/report/play",
}


NAMED = re.compile(r"^(scanline(?:\.\w+)+):\w+$")  # an object in a string, as registries have it


def code_of(script: str) -> list[Path]:
    """The files that results of src/``script``.py depend on, sorted."""
    found: set[Path] = set()
    waiting = [SOURCE / f"{script}.py"]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        if path.suffix == ".py":
            waiting += _imported(path)
            if read_by := READ_BY.get(path.relative_to(SOURCE).as_posix()):
                read = SOURCE / read_by
                waiting += [p for p in read.iterdir() if p.is_file()] if read.is_dir() else [read]
    return sorted(found)


def code_hash(script: str) -> str:
    """SHA-256 over ``code_of(script)``: the files' names and what of them is executed."""
    digest = hashlib.sha256()
    for path in code_of(script):
        digest.update(f"{path.relative_to(SOURCE)}\n{file_hash(path)}\n".encode())
    return digest.hexdigest()


@cache
def file_hash(path: Path) -> str:
    """SHA-256 of what a source file executes; for other files than Python's, of all of it."""
    text = _read(path)[1] if path.suffix == ".py" else path.read_text()
    return hashlib.sha256(text.encode()).hexdigest()


def _imported(path: Path) -> list[Path]:
    """The modules of the package that a source file imports, whatever the form of the import."""
    modules = {name.partition(".")[2] for name in _read(path)[0] if name.startswith("scanline.")}
    files = {f"{module.replace('.', '/')}.py" for module in modules}
    kept = (SOURCE / "scanline" / file for file in files if not file.startswith(WATCHERS))
    return [file for file in kept if file.is_file()]


@cache
def _read(path: Path) -> tuple[set[str], str]:
    """The names that a source file imports; its text without comments, docstrings and layout.

    Read together, since every start of Snakemake and of a stage waits for it.
    """
    names: set[str] = set()
    tree = ast.parse(path.read_text(), path)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names |= set(NAMED.findall(node.value))
        elif (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
            and isinstance(node.body[0].value, ast.Constant)
            and isinstance(node.body[0].value.value, str)
        ):
            node.body[:1] = [] if len(node.body) > 1 else [ast.Pass()]
    return names, ast.unparse(tree)
