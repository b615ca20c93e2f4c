# Task 2a: models of the next pixel.


rule train_predictor:
    input:
        train=rules.binarise.output.train,
        validation=rules.binarise.output.validation,
        test=selection_pixels("predict"),
        tracking=ancient(f"{RESULTS}/tracking/open.json"),
    output:
        model=at("predict", "train", "model.keras"),
        by_epoch=at("predict", "train", "curve_by_epoch.csv"),
        by_step=at("predict", "train", "curve_by_step.csv"),
        record=at("predict", "train", "run.json"),
    log:
        f"{RESULTS}/logs/train_predictor/{{data}}-{{variant}}-{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train_predictor/{{data}}-{{variant}}-{{seed}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=gpus,
    params:
        out=subpath(output.model, parent=True),
        test=optional_flag("test"),
        checkpoints=f"{RESULTS}/checkpoints",
        settings=settings("train_predictor"),
        code=code_hash("train_predictor"),
    shell:
        "python src/train_predictor.py --train {input.train:q} --validation {input.validation:q}"
        " {params.test} --checkpoints {params.checkpoints:q} --out {params.out:q}"
        " {params.settings} 2>&1 | tee {log:q}"


rule score_predictor:
    input:
        model=rules.train_predictor.output.model,
        train=rules.binarise.output.train,
        test=rules.binarise.output.test,
    output:
        scores=at("predict", "score", "scores.csv"),
        likelihoods=at("predict", "score", "log_likelihoods.npz"),
        record=at("predict", "score", "run.json"),
    log:
        f"{RESULTS}/logs/score_predictor/{{data}}-{{variant}}-{{seed}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.scores, parent=True),
        settings=settings("score_predictor"),
        code=code_hash("score_predictor"),
    shell:
        "python src/score_predictor.py --model {input.model:q} --train {input.train:q}"
        " --test {input.test:q} --out {params.out:q}"
        " {params.settings} 2>&1 | tee {log:q}"


ruleorder: mix_predictors > score_predictor


rule mix_predictors:
    input:
        likelihoods=lambda wildcards: [
            at("predict", "score", "log_likelihoods.npz").format(
                **{**wildcards, "variant": member}
            )
            for member in MIXTURES[wildcards.variant]
        ],
    output:
        scores=at("predict", "score", "scores.csv"),
        likelihoods=at("predict", "score", "log_likelihoods.npz"),
        record=at("predict", "score", "run.json"),
    log:
        f"{RESULTS}/logs/mix_predictors/{{data}}-{{variant}}-{{seed}}.log",
    wildcard_constraints:
        variant="|".join(map(re.escape, MIXTURES)) or "(?!)",  # which matches nothing
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.scores, parent=True),
        code=code_hash("mix_predictors"),
    shell:
        "python src/mix_predictors.py --likelihoods {input.likelihoods:q} --out {params.out:q}"
        " 2>&1 | tee {log:q}"
