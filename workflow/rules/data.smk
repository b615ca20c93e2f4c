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
        "python src/fetch.py --source {wildcards.source}"
        " --out {params.folder} 2>&1 | tee {log}"


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
        settings=settings("binarise"),
        code=code_hash("binarise"),
    shell:
        "python src/binarise.py --train-images {input.train_images} --train-labels {input.train_labels}"
        " --test-images {input.test_images} --test-labels {input.test_labels}"
        " --out $(dirname {output.record}) {params.settings} 2>&1 | tee {log}"
