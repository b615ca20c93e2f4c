# Holes of any form, filled from all that is observed, before and after.


rule hide_holes:
    input:
        test=rules.binarise.output.test,
    output:
        hidden=expand(
            f"{RESULTS}/{{{{data}}}}/posterior/hidden/{{hole}}.npz",
            hole=study.holes(config),
        ),
        record=f"{RESULTS}/{{data}}/posterior/hidden/run.json",
    log:
        f"{RESULTS}/logs/hide_holes/{{data}}.log",
    conda:
        ENVIRONMENT
    params:
        settings=settings("hide_holes"),
        code=code_hash("hide_holes"),
    shell:
        "python src/hide_holes.py --test {input.test} --out $(dirname {output.record})"
        " {params.settings} 2>&1 | tee {log}"
