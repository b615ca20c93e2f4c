# Section 1.1: what the cells can and cannot do, shown on the real ones.


rule demonstrate_cells:
    output:
        demonstration=f"{RESULTS}/{{data}}/cells/demonstration.csv",
        record=f"{RESULTS}/{{data}}/cells/run.json",
    params:
        code=code_hash("demonstrate_cells"),
    log:
        f"{RESULTS}/logs/demonstrate_cells/{{data}}.log",
    conda:
        ENVIRONMENT
    shell:
        "python src/demonstrate_cells.py --out $(dirname {output.record}) 2>&1 | tee {log}"
