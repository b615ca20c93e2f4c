"""The mutants of a module, one by one, for a module written here."""

import pytest
import yaml
from faults import mutants_of
from mutants import EQUIVALENT, PACKAGE, ROOT, judges_of


@pytest.mark.parametrize(
    ("statement", "mutants"),
    [
        ("a < b", ["a <= b"]),
        ("a is not b", ["a is b"]),
        ("a < b < c", []),
        ("a - b // c", ["(a + b // c)", "a - (b * c)"]),
        ("a and b or c", ["((a and b) and c)", "(a or b) or c"]),
        ("'word' + a + f'{b - c}'", ["'word' + a - f'{b - c}'"]),
        ("not a", ["(a)"]),
        ("x = 1, 0.5, True, 'word'", ["2, 0.5, True", "1, 1.5, True", "1, 0.5, False"]),
        ("x: int = a[1:, :b]", ["a[2:, :b]", "a[(1) + 1:, :b]", "a[1:-1, :b]", "a[1:, 1:b]"]),
        ("def f():\n    return a if b else None", ["return (None)", "return a if (not b) else"]),
        ("f(a, b, c=d)", ["(f(a, b))", "(f(a, c=d))"]),
        ("assert a < b", []),
        ("raise ValueError(f(a, b))", []),
        ("print(a, b, c=d)", []),
        ("zip(strict=True)", []),
    ],
)
def test_every_fault_of_a_statement(tmp_path, statement, mutants):
    (tmp_path / "module.py").write_text(f'"""A module: 1 < 2 ✓."""\n\n{statement}\n')
    found = mutants_of(tmp_path, "module.py")
    for wanted in mutants:
        assert any(wanted in mutant.text for mutant in found), wanted
    assert bool(found) is bool(mutants)
    assert len({mutant.name for mutant in found}) == len(found)
    for mutant in found:
        compile(mutant.text, "module.py", "exec")
        assert mutant.text.startswith('"""A module: 1 < 2 ✓."""')


def test_the_mutants_that_compute_the_same_are_mutants():
    for module, reasons in (yaml.safe_load(EQUIVALENT.read_text()) or {}).items():
        names = {mutant.name for mutant in mutants_of(PACKAGE, module)}
        assert reasons.keys() <= names, module


def test_a_module_is_judged_by_its_own_tests_first_and_by_those_that_use_it():
    found = [str(path.relative_to(ROOT)) for path in judges_of("inference/exact.py")]
    assert found[0] == "tests/inference/test_exact.py"
    assert "tests/evaluation/test_inpainting.py" in found
    assert judges_of("inference/particle_steps.py") == judges_of("inference/smc.py")[:1]
