# Task 1: classifiers that read an image pixel by pixel.


rule train_classifier:
    input:
        train=rules.binarise.output.train,
        validation=rules.binarise.output.validation,
        test=selection_pixels("classify"),
        tracking=ancient(f"{RESULTS}/tracking/open.json"),
    output:
        model=at("classify", "train", "model.keras"),
        by_epoch=at("classify", "train", "curve_by_epoch.csv"),
        by_step=at("classify", "train", "curve_by_step.csv"),
        record=at("classify", "train", "run.json"),
    log:
        f"{RESULTS}/logs/train_classifier/{{data}}-{{variant}}-{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train_classifier/{{data}}-{{variant}}-{{seed}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=gpus,
    params:
        out=subpath(output.model, parent=True),
        test=optional_flag("test"),
        checkpoints=f"{RESULTS}/checkpoints",
        settings=settings("train_classifier"),
        code=code_hash("train_classifier"),
    shell:
        "python src/train_classifier.py --train {input.train:q} --validation {input.validation:q}"
        " {params.test} --checkpoints {params.checkpoints:q} --out {params.out:q}"
        " {params.settings} 2>&1 | tee {log:q}"


rule score_classifier:
    input:
        model=rules.train_classifier.output.model,
        train=rules.binarise.output.train,
        test=rules.binarise.output.test,
    output:
        scores=at("classify", "score", "scores.csv"),
        predictions=at("classify", "score", "predictions.npz"),
        record=at("classify", "score", "run.json"),
    log:
        f"{RESULTS}/logs/score_classifier/{{data}}-{{variant}}-{{seed}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.scores, parent=True),
        settings=settings("score_classifier"),
        code=code_hash("score_classifier"),
    shell:
        "python src/score_classifier.py --model {input.model:q} --train {input.train:q}"
        " --test {input.test:q} --out {params.out:q}"
        " {params.settings} 2>&1 | tee {log:q}"
