# From raw idx files to binarised splits.

IDX_FILES = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
]
DOWNLOADED = ["mnist", "fashion-mnist"]


def idx_files(wildcards):
    """The raw files of a data set: downloaded ones, or those in a folder of the user's own."""
    source = config["datasets"][wildcards.data]["source"]
    folder = f"{config['downloads']}/{source}" if source in DOWNLOADED else source
    return [f"{folder}/{name}" for name in IDX_FILES]


rule fetch:
    output:
        expand(f"{config['downloads']}/{{{{source}}}}/{{file}}", file=IDX_FILES),
    log:
        f"{RESULTS}/logs/fetch/{{source}}.log",
    wildcard_constraints:
        source="|".join(DOWNLOADED),
    conda:
        ENVIRONMENT
    params:
        code=code_hash("fetch"),
    shell:
        "python src/fetch.py --source {wildcards.source}"
        " --out {config[downloads]}/{wildcards.source} 2>&1 | tee {log}"


rule binarise:
    input:
        idx_files,
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
        "python src/binarise.py --train-images {input[0]} --train-labels {input[1]}"
        " --test-images {input[2]} --test-labels {input[3]}"
        " --out $(dirname {output.record}) {params.settings} 2>&1 | tee {log}"
