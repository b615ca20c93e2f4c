# From raw files to binarised splits.

# One rule fetches all sources whose files are named so, a second the config's own other one.
LIKE_MNIST = [name for name in SOURCES if set(SOURCES[name].sha256) == set(MNIST_FILES)]


rule fetch:
    output:
        expand(f"{config['downloads']}/{{{{source}}}}/{{file}}", file=MNIST_FILES),
    log:
        f"{RESULTS}/logs/fetch/{{source}}.log",
    wildcard_constraints:
        source="|".join(LIKE_MNIST),
    conda:
        ENVIRONMENT
    params:
        source="{source}",
        folder=f"{config['downloads']}/{{source}}",
        code=code_hash("fetch"),
    shell:
        "python src/fetch.py --source {params.source:q}"
        " --out {params.folder:q} 2>&1 | tee {log:q}"


SOURCE = config["datasets"][DATA]["source"]
if SOURCE in SOURCES.keys() - set(LIKE_MNIST):

    use rule fetch as fetch_others with:
        output:
            fetched_files(SOURCE),
        log:
            f"{RESULTS}/logs/fetch/{SOURCE}.log",
        params:
            source=SOURCE,
            folder=f"{config['downloads']}/{SOURCE}",
            code=code_hash("fetch"),


rule binarise:
    input:
        files=raw_files,
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
        folders=content_of_folders,
        code=code_hash("binarise"),
    shell:
        "python src/binarise.py --files {input.files:q} --out {params.out:q}"
        " {params.settings} 2>&1 | tee {log:q}"
