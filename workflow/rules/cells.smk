# Section 1.1: what the cells can and cannot do, shown on the real ones.


rule demonstrate_cells:
    output:
        demonstration=f"{RESULTS}/{{data}}/cells/demonstration.csv",
        summary=f"{RESULTS}/{{data}}/cells/cells.csv",
        record=f"{RESULTS}/{{data}}/cells/run.json",
    log:
        f"{RESULTS}/logs/demonstrate_cells/{{data}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.record, parent=True),
        settings=settings("demonstrate_cells"),
        code=code_hash("demonstrate_cells"),
    shell:
        "python src/demonstrate_cells.py --out {params.out:q}"
        " {params.settings} 2>&1 | tee {log:q}"


rule draw_cells:
    input:
        demonstration=rules.demonstrate_cells.output.demonstration,
    output:
        report(
            pictures("cells", [figure_names.CELLS]),
            caption="../report/cells.rst",
            category="Cells",
        ),
        vectors("cells", [figure_names.CELLS]),
        record=f"{RESULTS}/{{data}}/figures/cells/run.json",
    log:
        f"{RESULTS}/logs/draw_cells/{{data}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.record, parent=True),
        code=code_hash("draw_cells"),
    shell:
        "python src/draw_cells.py --demonstration {input.demonstration:q}"
        " --out {params.out:q} 2>&1 | tee {log:q}"
