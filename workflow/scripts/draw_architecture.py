"""Draws the wings of the package and their imports as docs/architecture.svg (needs Graphviz).

The floors are those of the import contract in pyproject.toml, the rest is read from the code.
An arrow is left out where a longer way tells the same.
"""

import shutil
import subprocess
import sys
import textwrap
import tomllib
from itertools import pairwise, permutations
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "scanline"
PICTURE = ROOT / "docs" / "architecture.svg"
WATCHING = "provenance"  # on no floor
WIDTH = 32  # letters of a line in a box


def floors() -> list[list[str]]:
    """The wings by floor, the highest first; modules at the package's root are wings here too."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(c["layers"] for c in contracts["contracts"] if c["type"] == "layers")
    return [[wing.strip() for wing in layer.split("|")] for layer in layers]


def boxes(graph: grimp.ImportGraph) -> dict[str, list[str]]:
    """What stands in each wing's box, line by line: its name, then its modules."""
    wings = [*(wing for floor in floors() for wing in floor), WATCHING]
    modules = {
        wing: sorted(name.rpartition(".")[2] for name in graph.find_children(f"{PACKAGE}.{wing}"))
        for wing in wings
    }
    return {wing: [wing, *textwrap.wrap(", ".join(modules[wing]), WIDTH)] for wing in wings}


def arrows(graph: grimp.ImportGraph) -> list[tuple[str, str]]:
    """Which wing imports which, without those that it also reaches through another."""
    wings = list(boxes(graph))
    imports = {
        (importer, imported)
        for importer, imported in permutations(wings, 2)
        if graph.direct_import_exists(
            importer=f"{PACKAGE}.{importer}", imported=f"{PACKAGE}.{imported}", as_packages=True
        )
    }
    reached = {wing: {to for start, to in imports if start == wing} for wing in wings}
    for _ in wings:
        reached = {w: to.union(*(reached[wing] for wing in to)) for w, to in reached.items()}
    return sorted(
        (wing, to)
        for wing, to in imports
        if not any(start == wing and to in reached[between] for start, between in imports)
    )


def drawing(graph: grimp.ImportGraph) -> str:
    """The picture in Graphviz's language."""
    lines = [
        "digraph architecture {",
        'node [shape=box, style="rounded,filled", fillcolor=white, fontname=sans, fontsize=11];',
        "edge [color=grey40]; nodesep=0.3; ranksep=0.4;",
    ]
    for wing, (name, *modules) in boxes(graph).items():
        small = "".join(f'<br/><font point-size="9">{line}</font>' for line in modules)
        style = ', style="rounded,dashed"' if wing == WATCHING else ""
        lines.append(f"{wing} [label=<<b>{name}</b>{small}>{style}];")
    lines += [f"{{rank=same; {'; '.join(floor)}}}" for floor in floors()]
    for upper, lower in pairwise(floors()):  # keeps the floors in order where no arrow does
        lines.append(f"{upper[0]} -> {lower[0]} [style=invis];")
    for wing, to in arrows(graph):
        style = " [style=dashed]" if WATCHING in (wing, to) else ""
        lines.append(f"{wing} -> {to}{style};")
    return "\n".join([*lines, "}"])


def main() -> None:
    """Exits 1 with one line where Graphviz is missing."""
    if not shutil.which("dot"):
        sys.exit("draw_architecture: dot is not on the PATH; install Graphviz (Debian: graphviz)")
    source = drawing(grimp.build_graph(PACKAGE, cache_dir=None))
    subprocess.run(["dot", "-Tsvg", "-o", str(PICTURE)], input=source, text=True, check=True)
    print(PICTURE.relative_to(ROOT))


if __name__ == "__main__":
    main()
