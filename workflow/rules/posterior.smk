# Holes of any form, filled from all that is observed, before and after.

POSTERIOR_FIGURES = [
    figure_names.POSTERIOR,
    *[
        name
        for variant in config["posterior"]["variants"]
        for name in figure_names.posterior(variant).values()
    ],
]
CALIBRATION_FIGURES = list(figure_names.calibration("{variant}").values())


rule hide_holes:
    input:
        test=rules.binarise.output.test,
    output:
        hidden=expand(
            f"{RESULTS}/{{{{data}}}}/posterior/hidden/{{hole}}.npz",
            hole=study_settings.holes(config),
        ),
        record=f"{RESULTS}/{{data}}/posterior/hidden/run.json",
    log:
        f"{RESULTS}/logs/hide_holes/{{data}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.record, parent=True),
        settings=settings("hide_holes"),
        code=code_hash("hide_holes"),
    shell:
        "python src/hide_holes.py --test {input.test:q} --out {params.out:q}"
        " {params.settings} 2>&1 | tee {log:q}"


rule fill_holes:
    input:
        model=rules.train_predictor.output.model,
        look_ahead=look_ahead,
        train=rules.binarise.output.train,
        hidden=rules.hide_holes.output.hidden,
    output:
        forecasts=expand(
            at("posterior", "forecasts", "{hole}.npz"),
            hole=study_settings.holes(config),
            allow_missing=True,
        ),
        seconds=at("posterior", "forecasts", "seconds.csv"),
        record=at("posterior", "forecasts", "run.json"),
    log:
        f"{RESULTS}/logs/fill_holes/{{data}}-{{variant}}-{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/fill_holes/{{data}}-{{variant}}-{{seed}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        gpu=gpus,
    params:
        out=subpath(output.record, parent=True),
        look_ahead=optional_flag("look_ahead"),
        settings=settings("fill_holes"),
        code=code_hash("fill_holes"),
    shell:
        "python src/fill_holes.py --model {input.model:q} {params.look_ahead} --train {input.train:q}"
        " --hidden {input.hidden:q} --out {params.out:q} {params.settings} 2>&1 | tee {log:q}"


rule score_forecasts:
    input:
        classifier=expand(
            rules.train_classifier.output.model,
            variant=[name for name in [config["posterior"]["classifier"]] if name],
            allow_missing=True,
        ),
        hidden=rules.hide_holes.output.hidden,
        forecasts=rules.fill_holes.output.forecasts,
        seconds=rules.fill_holes.output.seconds,
    output:
        methods=at("posterior", "score", "methods.csv"),
        reliability=at("posterior", "score", "reliability.csv"),
        record=at("posterior", "score", "run.json"),
    log:
        f"{RESULTS}/logs/score_forecasts/{{data}}-{{variant}}-{{seed}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.record, parent=True),
        classifier=optional_flag("classifier"),
        code=code_hash("score_forecasts"),
    shell:
        "python src/score_forecasts.py {params.classifier} --hidden {input.hidden:q}"
        " --forecasts {input.forecasts:q} --seconds {input.seconds:q} --out {params.out:q}"
        " 2>&1 | tee {log:q}"


rule tabulate_posterior:
    input:
        methods=of_each("posterior", "score", "methods.csv"),
        forecasts=[
            path
            for hole in study_settings.holes(config)
            for path in of_each("posterior", "forecasts", f"{hole}.npz")
        ],
        calibrations=of_each("posterior", "calibration", "calibration.csv"),
        errors=of_each("posterior", "calibration", "errors.csv"),
    output:
        table=report(
            f"{RESULTS}/{{data}}/posterior/table/posterior.csv",
            caption="../report/posterior_table.rst",
            category="Tables",
        ),
        record=f"{RESULTS}/{{data}}/posterior/table/run.json",
    log:
        f"{RESULTS}/logs/tabulate_posterior/{{data}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.table, parent=True),
        code=code_hash("tabulate_posterior"),
    shell:
        "python src/tabulate_posterior.py --methods {input.methods:q} --forecasts {input.forecasts:q}"
        " --calibrations {input.calibrations:q} --out {params.out:q} 2>&1 | tee {log:q}"


rule draw_posterior:
    input:
        table=rules.tabulate_posterior.output.table,
        hidden=rules.hide_holes.output.hidden,
        reliability=of_first_seed("posterior", "score", "reliability.csv"),
        forecasts=[
            path
            for hole in study_settings.holes(config)
            for path in of_first_seed("posterior", "forecasts", f"{hole}.npz")
        ],
    output:
        report(
            pictures("posterior", POSTERIOR_FIGURES),
            caption="../report/posterior.rst",
            category="Holes",
        ),
        vectors("posterior", POSTERIOR_FIGURES),
        record=f"{RESULTS}/{{data}}/figures/posterior/run.json",
    log:
        f"{RESULTS}/logs/draw_posterior/{{data}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.record, parent=True),
        code=code_hash("draw_posterior"),
    shell:
        "python src/draw_posterior.py --table {input.table:q} --hidden {input.hidden:q}"
        " --reliability {input.reliability:q} --forecasts {input.forecasts:q}"
        " --out {params.out:q} 2>&1 | tee {log:q}"


rule calibrate_posterior:
    input:
        model=rules.train_predictor.output.model,
        look_ahead=look_ahead,
        test=rules.binarise.output.test,
    output:
        ranks=at("posterior", "calibration", "ranks.csv"),
        uniform=at("posterior", "calibration", "calibration.csv"),
        errors=at("posterior", "calibration", "errors.csv"),
        sizes=at("posterior", "calibration", "effective_sample_size.csv"),
        record=at("posterior", "calibration", "run.json"),
    log:
        f"{RESULTS}/logs/calibrate_posterior/{{data}}-{{variant}}-{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/calibrate_posterior/{{data}}-{{variant}}-{{seed}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        gpu=gpus,
    params:
        out=subpath(output.record, parent=True),
        look_ahead=optional_flag("look_ahead"),
        settings=settings("calibrate_posterior"),
        code=code_hash("calibrate_posterior"),
    shell:
        "python src/calibrate_posterior.py --model {input.model:q} {params.look_ahead}"
        " --test {input.test:q} --out {params.out:q} {params.settings} 2>&1 | tee {log:q}"


rule draw_calibration:
    input:
        **{
            name: at("posterior", "calibration", file).replace(
                "{seed}", str(config["seeds"][0])
            )
            for name, file in [
                ("ranks", "ranks.csv"),
                ("errors", "errors.csv"),
                ("sizes", "effective_sample_size.csv"),
            ]
        },
    output:
        report(
            pictures("calibration-{variant}", CALIBRATION_FIGURES),
            caption="../report/calibration.rst",
            category="Holes",
        ),
        vectors("calibration-{variant}", CALIBRATION_FIGURES),
        record=f"{RESULTS}/{{data}}/figures/calibration-{{variant}}/run.json",
    log:
        f"{RESULTS}/logs/draw_calibration/{{data}}-{{variant}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.record, parent=True),
        settings=settings("draw_calibration"),
        code=code_hash("draw_calibration"),
    shell:
        "python src/draw_calibration.py --ranks {input.ranks:q} --errors {input.errors:q} --sizes {input.sizes:q}"
        " --out {params.out:q} {params.settings} 2>&1 | tee {log:q}"
