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
        code=code_hash("demonstrate_cells"),
    shell:
        "python src/demonstrate_cells.py --out $(dirname {output.record}) 2>&1 | tee {log}"
