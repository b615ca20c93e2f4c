# Companions of next-pixel models that also see what is observed after a hidden pixel.


rule train_look_ahead:
    input:
        model=rules.train_predictor.output.model,
        train=rules.binarise.output.train,
        validation=rules.binarise.output.validation,
        test=selection_pixels("look_ahead"),
        tracking=ancient(f"{RESULTS}/tracking/open.json"),
    output:
        model=at("look_ahead", "train", "model.keras"),
        by_epoch=at("look_ahead", "train", "curve_by_epoch.csv"),
        by_step=at("look_ahead", "train", "curve_by_step.csv"),
        record=at("look_ahead", "train", "run.json"),
    log:
        f"{RESULTS}/logs/train_look_ahead/{{data}}-{{variant}}-{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train_look_ahead/{{data}}-{{variant}}-{{seed}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=gpus,
    params:
        out=subpath(output.model, parent=True),
        test=optional_flag("test"),
        checkpoints=f"{RESULTS}/checkpoints",
        settings=settings("train_look_ahead"),
        code=code_hash("train_look_ahead"),
    shell:
        "python src/train_look_ahead.py --model {input.model:q} --train {input.train:q}"
        " --validation {input.validation:q} {params.test} --checkpoints {params.checkpoints:q}"
        " --out {params.out:q} {params.settings} 2>&1 | tee {log:q}"


rule score_look_ahead:
    input:
        model=rules.train_predictor.output.model,
        look_ahead=rules.train_look_ahead.output.model,
        train=rules.binarise.output.train,
        test=rules.binarise.output.test,
    output:
        scores=at("look_ahead", "score", "scores.csv"),
        record=at("look_ahead", "score", "run.json"),
    log:
        f"{RESULTS}/logs/score_look_ahead/{{data}}-{{variant}}-{{seed}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.scores, parent=True),
        settings=settings("score_look_ahead"),
        code=code_hash("score_look_ahead"),
    shell:
        "python src/score_look_ahead.py --model {input.model:q} --look-ahead {input.look_ahead:q}"
        " --train {input.train:q} --test {input.test:q} --out {params.out:q}"
        " {params.settings} 2>&1 | tee {log:q}"
