# Task 2b: completions, sampled pixel by pixel.

COMPLETIONS = figure_names.completions(
    config["complete"]["hidden_runs"], config["complete"]["variants"]
)


rule hide_pixels:
    input:
        test=rules.binarise.output.test,
    output:
        hidden=f"{RESULTS}/{{data}}/complete/hidden/hidden.npz",
        record=f"{RESULTS}/{{data}}/complete/hidden/run.json",
    log:
        f"{RESULTS}/logs/hide_pixels/{{data}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.hidden, parent=True),
        settings=settings("hide_pixels"),
        code=code_hash("hide_pixels"),
    shell:
        "python src/hide_pixels.py --test {input.test:q} --out {params.out:q}"
        " {params.settings} 2>&1 | tee {log:q}"


rule sample_completions:
    input:
        model=rules.train_predictor.output.model,
        hidden=rules.hide_pixels.output.hidden,
    output:
        samples=at("complete", "samples", "samples.npz"),
        record=at("complete", "samples", "run.json"),
    log:
        f"{RESULTS}/logs/sample_completions/{{data}}-{{variant}}-{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sample_completions/{{data}}-{{variant}}-{{seed}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        gpu=gpus,
    params:
        out=subpath(output.samples, parent=True),
        settings=settings("sample_completions"),
        code=code_hash("sample_completions"),
    shell:
        "python src/sample_completions.py --model {input.model:q} --hidden {input.hidden:q}"
        " --out {params.out:q} {params.settings} 2>&1 | tee {log:q}"


rule score_completions:
    input:
        samples=rules.sample_completions.output.samples,
    output:
        scores=at("complete", "score", "scores.csv"),
        by_image=at("complete", "score", "by_image.csv"),
        record=at("complete", "score", "run.json"),
    log:
        f"{RESULTS}/logs/score_completions/{{data}}-{{variant}}-{{seed}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.scores, parent=True),
        code=code_hash("score_completions"),
    shell:
        "python src/score_completions.py --samples {input.samples:q}"
        " --out {params.out:q} 2>&1 | tee {log:q}"


rule draw_completions:
    input:
        hidden=rules.hide_pixels.output.hidden,
        samples=of_each("complete", "samples", "samples.npz"),
        by_image=of_each("complete", "score", "by_image.csv"),
    output:
        report(
            pictures("completions", COMPLETIONS),
            caption="../report/completions.rst",
            category="Completions",
        ),
        vectors("completions", COMPLETIONS),
        digits=f"{RESULTS}/{{data}}/figures/completions/digits.csv",
        record=f"{RESULTS}/{{data}}/figures/completions/run.json",
    log:
        f"{RESULTS}/logs/draw_completions/{{data}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.record, parent=True),
        code=code_hash("draw_completions"),
    shell:
        "python src/draw_completions.py --hidden {input.hidden:q} --samples {input.samples:q}"
        " --by-image {input.by_image:q} --out {params.out:q} 2>&1 | tee {log:q}"
