# Task 2b: completions, sampled pixel by pixel.


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
        settings=settings("hide_pixels"),
        code=code_hash("hide_pixels"),
    shell:
        "python src/hide_pixels.py --test {input.test} --out $(dirname {output.hidden})"
        " {params.settings} 2>&1 | tee {log}"


rule sample_completions:
    input:
        model=rules.train_predictor.output.model,
        hidden=rules.hide_pixels.output.hidden,
    output:
        samples=f"{RESULTS}/{{data}}/complete/{{variant}}/seed-{{seed}}/samples/samples.npz",
        record=f"{RESULTS}/{{data}}/complete/{{variant}}/seed-{{seed}}/samples/run.json",
    log:
        f"{RESULTS}/logs/sample_completions/{{data}}-{{variant}}-{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sample_completions/{{data}}-{{variant}}-{{seed}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        gpu=gpus,
    params:
        settings=settings("sample_completions"),
        code=code_hash("sample_completions"),
    shell:
        "python src/sample_completions.py --model {input.model} --hidden {input.hidden}"
        " --out $(dirname {output.samples}) {params.settings} 2>&1 | tee {log}"


rule score_completions:
    input:
        samples=rules.sample_completions.output.samples,
    output:
        scores=f"{RESULTS}/{{data}}/complete/{{variant}}/seed-{{seed}}/score/scores.csv",
        by_image=f"{RESULTS}/{{data}}/complete/{{variant}}/seed-{{seed}}/score/by_image.csv",
        record=f"{RESULTS}/{{data}}/complete/{{variant}}/seed-{{seed}}/score/run.json",
    log:
        f"{RESULTS}/logs/score_completions/{{data}}-{{variant}}-{{seed}}.log",
    conda:
        ENVIRONMENT
    params:
        code=code_hash("score_completions"),
    shell:
        "python src/score_completions.py --samples {input.samples}"
        " --out $(dirname {output.scores}) 2>&1 | tee {log}"
