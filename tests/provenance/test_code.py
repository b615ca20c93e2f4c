"""What counts as a script's code: all that it executes, nothing else."""

import pytest

from scanline.provenance import code

SCRIPT = '''"""Doc."""
from scanline.provenance.stage import main
from scanline.training.model import fit


def train():
    """Doc."""
    fit()  # a comment
'''
MODEL = """from scanline.models import core
from scanline.training import progress

fit = core.run
"""
CORE = """import scanline.models.native

run = scanline.models.native.run
"""


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A source tree: train.py -> model -> core; native -> kernel/; other and watchers unused."""
    files = {
        "train.py": SCRIPT,
        "scanline/provenance/stage.py": "from scanline.data import other\n",
        "scanline/training/model.py": MODEL,
        "scanline/models/core.py": CORE,
        "scanline/models/native.py": "def run():\n    return 1\n",
        "scanline/training/progress.py": "",
        "scanline/data/other.py": "",
        "scanline/kernel/core.cpp": "int x;  // a comment\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(code, "SOURCE", tmp_path)
    forget()
    yield tmp_path
    forget()


def forget():
    """The caches hold for one process, in which no source file changes; here they do."""
    for cached in (code.file_hash, code._read):
        cached.cache_clear()


def hash_after(path, text):
    path.write_text(text)
    forget()
    return code.code_hash("train")


def test_code_is_the_script_and_what_it_imports(source):
    names = [path.relative_to(source).as_posix() for path in code.code_of("train")]
    assert names == [
        "scanline/kernel/core.cpp",
        "scanline/models/core.py",
        "scanline/models/native.py",
        "scanline/training/model.py",
        "train.py",
    ]


def test_a_name_in_a_registry_s_string_is_an_import(source):
    hashed = hash_after(source / "train.py", SCRIPT + 'KIND = "scanline.data.other:thing"\n')
    assert hash_after(source / "scanline/data/other.py", "thing = 1\n") != hashed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"""Doc."""', '"""Another."""'),
        ('"""Doc."""', '"""Over\ntwo lines: äöü."""'),
        ("# a comment", "# äöü, longer than before"),
        ("  # a comment", ""),
        ("\n\n\n", "\n\n\n\n"),
        ("    fit()", "    fit(\n    )"),
    ],
)
def test_comments_docstrings_and_layout_do_not_count(source, before, after):
    hashed = code.code_hash("train")
    assert hash_after(source / "train.py", SCRIPT.replace(before, after)) == hashed


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("train.py", SCRIPT.replace("fit()", "fit(2)")),
        ("train.py", SCRIPT + "\nX = '# not a comment'\n"),
        ("scanline/models/core.py", "import scanline.models.native\n\nrun = 2\n"),
        ("scanline/kernel/core.cpp", "int y;\n"),
    ],
)
def test_what_is_executed_counts(source, name, text):
    hashed = code.code_hash("train")
    assert hash_after(source / name, text) != hashed


def test_every_file_that_is_no_python_counts_for_some_module():
    read = [code.SOURCE / path for path in code.READ_BY.values()]
    files = {path for path in code.SOURCE.rglob("*") if path.is_file()}
    others = {f for f in files if f.suffix != ".py" and "__pycache__" not in f.parts}
    assert {path for path in others if not any(path.is_relative_to(each) for each in read)} == set()
    assert all((code.SOURCE / name).is_file() for name in code.READ_BY)


def test_a_hash_sign_in_a_string_is_code(source):
    first = hash_after(source / "train.py", SCRIPT + "\nX = '# one'\n")
    assert hash_after(source / "train.py", SCRIPT + "\nX = '# two'\n") != first


def test_indentation_counts(source):
    first = hash_after(source / "train.py", "if a:\n    b()\nc()\n")
    assert hash_after(source / "train.py", "if a:\n    b()\n    c()\n") != first


@pytest.mark.parametrize("name", ["scanline/training/progress.py", "scanline/data/other.py"])
def test_watchers_and_strangers_do_not_count(source, name):
    hashed = code.code_hash("train")
    assert hash_after(source / name, "x = 1\n") == hashed


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("def f():\n    'ä'; x = 1\n", "def f():\n    'ä'; x = 2\n"),
        ("x = '''a\n\nb'''\n", "x = '''a\nb'''\n"),
        ("x = '''a  \nb'''\n", "x = '''a\nb'''\n"),
    ],
)
def test_strings_over_lines_and_code_after_a_docstring_count(source, one, two):
    first = hash_after(source / "train.py", one)
    assert hash_after(source / "train.py", two) != first
