# What the whole study consists of, and the note of its config that lies with the results.

# The rules of the study, by the task whose variants they are for.
MADE_BY = {
    "": [
        rules.binarise,
        rules.demonstrate_cells,
        rules.draw_cells,
        rules.draw_curves,
        rules.make_tables,
        rules.write_report,
    ],
    "classify": [rules.train_classifier, rules.score_classifier],
    "predict": [rules.train_predictor, rules.score_predictor],  # or mix_predictors
    "look_ahead": [rules.train_look_ahead, rules.score_look_ahead],
    "complete": [
        rules.hide_pixels,
        rules.sample_completions,
        rules.score_completions,
        rules.draw_completions,
    ],
    "sample": [rules.sample_images, rules.draw_images],
    "inpaint": [rules.hide_patches, rules.infer_patches, rules.draw_inpainting],
    "posterior": [
        rules.hide_holes,
        rules.fill_holes,
        rules.score_forecasts,
        rules.tabulate_posterior,
        rules.draw_posterior,
        rules.calibrate_posterior,
        rules.draw_calibration,
    ],
}

# Every file of the study of the config's data set.
STUDY_FILES = sorted(
    {
        path
        for task, made_by in MADE_BY.items()
        for rule in made_by
        for pattern in (of_task(task, *rule.output) if task else rule.output)
        for path in expand(
            str(pattern),
            data=DATA,
            variant=variants_of(task, Path(pattern).parent.name) if task else [""],
            seed=config["seeds"],
        )
    }
)


rule keep_config:
    output:
        expand(f"{RESULTS}/{{file}}", file=[study_kept.CONFIG, study_kept.PLAN]),
    log:
        f"{RESULTS}/logs/keep_config.log",
    params:
        config=study_kept.shown(config),
    run:
        study_kept.keep(config, STUDY_FILES)
