"""The mutants of a module: every small fault that can be planted in an expression of its.

Compared and computed the other way, a constant and one more, a condition turned round, a result or
an argument left out, a slice moved by one. Texts and bars for people, types, decorators and what
only guards (assert, strict=True) stay as they are.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SWAPPED: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.And: ast.Or,
    ast.Or: ast.And,
}  # fmt: skip
WORDS = (ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom, ast.Assert)
UNCOMPUTED = ("annotation", "returns", "decorator_list", "bases")


class Mutant(NamedTuple):
    """A module with one fault."""

    module: str  # inference/smc.py
    name: str  # function and change, whatever the line's number
    text: str  # the whole module


def mutants_of(folder: Path, module: str) -> list[Mutant]:
    """All mutants of a module in the package's ``folder``."""
    source = (folder / module).read_bytes()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found: dict[str, Mutant] = {}
    for function, node in _computed(ast.parse(source)):
        for place, new in _changes(node):
            start = starts[place.lineno - 1] + place.col_offset
            end = starts[place.end_lineno - 1] + place.end_col_offset
            bare = isinstance(place, ast.Slice | ast.Constant)
            text = source[:start] + (new if bare else f"({new})").encode() + source[end:]
            old_line, new_line = (
                each[starts[place.lineno - 1] :].decode().partition("\n")[0].strip()[:100]
                for each in (source, text)
            )
            name, again = f"{function or 'module'}: {old_line} => {new_line}", 2
            while name in found:
                name, again = f"{name.removesuffix(f' #{again - 1}')} #{again}", again + 1
            found[name] = Mutant(module, name, text.decode())
    return list(found.values())


def _computed(node: ast.AST, function: str = "") -> Iterator[tuple[str, ast.AST]]:
    """All nodes that are computed, each with its function's name."""
    if isinstance(node, WORDS) or (isinstance(node, ast.keyword) and node.arg == "strict"):
        return
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "tqdm":  # a bar on a terminal
        return
    yield function, node
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        function = f"{function}.{node.name}".lstrip(".")
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and field not in UNCOMPUTED:
                yield from _computed(child, function)


def _changes(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """What can be put in the place of which expression: ``node``, or what belongs to it alone."""

    def with_others(**fields) -> str:
        given = {name: getattr(node, name) for name in node._fields}
        return ast.unparse(type(node)(**(given | fields)))

    match node:
        case ast.Compare(ops=[operator]):
            yield node, with_others(ops=[SWAPPED[type(operator)]()])
        case ast.BinOp(left=ast.JoinedStr() | ast.Constant(value=str())):
            pass  # words
        case ast.BinOp(op=operator) | ast.BoolOp(op=operator) if type(operator) in SWAPPED:
            yield node, with_others(op=SWAPPED[type(operator)]())
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node, ast.unparse(node.operand)
        case ast.Constant(value=bool(value)):
            yield node, repr(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield node, repr(value + 1)
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            if not isinstance(test, ast.Compare | ast.UnaryOp):
                yield test, f"not {ast.unparse(test)}"
        case ast.Return(value=value) if value and ast.unparse(value) != "None":
            yield value, "None"
        case ast.Call() if ast.unparse(node.func) != "print":
            for n, keyword in enumerate(node.keywords):
                if keyword.arg != "strict":
                    yield node, with_others(keywords=node.keywords[:n] + node.keywords[n + 1 :])
            if len(node.args) > 1:
                yield node, with_others(args=node.args[:-1])
        case ast.Slice(lower=lower, upper=upper, step=step):
            first, last = ("" if each is None else ast.unparse(each) for each in (lower, upper))
            rest = f":{ast.unparse(step)}" if step else ""
            yield node, f"{f'({first}) + 1' if first else '1'}:{last}{rest}"
            yield node, f"{first}:{f'({last}) - 1' if last else '-1'}{rest}"
