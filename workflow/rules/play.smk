# A page to play with, of any trained next-pixel model; made where it is asked for.


rule write_play:
    input:
        model=rules.train_predictor.output.model,
        classifier=rules.score_forecasts.input.classifier,
    output:
        page=at("predict", "play", "index.html"),
        record=at("predict", "play", "run.json"),
    log:
        f"{RESULTS}/logs/write_play/{{data}}-{{variant}}-{{seed}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.page, parent=True),
        classifier=optional_flag("classifier"),
        code=code_hash("write_play"),
    shell:
        "python src/write_play.py --model {input.model:q} {params.classifier} --out {params.out:q}"
        " 2>&1 | tee {log:q}"
