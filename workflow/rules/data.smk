# From raw idx files to binarised splits.


rule fetch:
    output:
        expand(
            f"{config['downloads']}/{{{{source}}}}/{{file}}", file=IDX_FILES.values()
        ),
    log:
        f"{RESULTS}/logs/fetch/{{source}}.log",
    wildcard_constraints:
        source="|".join(SOURCES),
    conda:
        ENVIRONMENT
    params:
        folder=f"{config['downloads']}/{{source}}",
        code=code_hash("fetch"),
    shell:
        "python src/fetch.py --source {wildcards.source:q}"
        " --out {params.folder:q} 2>&1 | tee {log:q}"


rule binarise:
    input:
        unpack(idx_files),
    output:
        train=f"{RESULTS}/{{data}}/pixels/train.npz",
        validation=f"{RESULTS}/{{data}}/pixels/validation.npz",
        test=f"{RESULTS}/{{data}}/pixels/test.npz",
        record=f"{RESULTS}/{{data}}/pixels/run.json",
    log:
        f"{RESULTS}/logs/binarise/{{data}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.record, parent=True),
        settings=settings("binarise"),
        code=code_hash("binarise"),
    shell:
        "python src/binarise.py --train-images {input.train_images:q} --train-labels {input.train_labels:q}"
        " --test-images {input.test_images:q} --test-labels {input.test_labels:q}"
        " --out {params.out:q} {params.settings} 2>&1 | tee {log:q}"
