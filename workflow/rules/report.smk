# Tables, figures, and the report.

from scanline.files import sha256_of

# Published numbers and holes, where there are. A checkout writes the files anew: their content counts.
PUBLISHED, PUBLISHED_HOLES = (
    [str(path)] if path.is_file() else []
    for name in ("figures", "posterior")
    for path in [PROJECT / f"docs/results/{name}.csv"]
)
PLAY = PROJECT / "docs/play/index.html"
TABLES = {
    task: f"{RESULTS}/{{data}}/tables/table-{number}-{task}.csv"
    for task, number in [
        ("classify", "2.3"),
        ("predict", "3.3"),
        ("complete", "3.4.1"),
        ("inpaint", "4.1"),
    ]
    if config[task]["variants"]
}
CURVES = [
    name
    for task in KINDS
    for cell in CELLS
    if any(
        config["variants"][variant]["cell"] == cell
        for variant in variants_of(task, "train")
    )
    for name in figure_names.curves(task, cell).values()
]
RECORDS = [  # of the stages that the report tells of
    rules.binarise.output.record,
    *of_task("complete", rules.hide_pixels.output.record),
    *of_task("inpaint", rules.hide_patches.output.record),
    *of_task("posterior", rules.hide_holes.output.record),
    rules.demonstrate_cells.output.record,
    *of_each("classify", "train", "run.json"),
    *of_each("classify", "score", "run.json"),
    *of_each("predict", "train", "run.json"),
    *of_each("predict", "score", "run.json"),
    *of_each("look_ahead", "train", "run.json"),
    *of_each("look_ahead", "score", "run.json"),
    *of_each("complete", "samples", "run.json"),
    *of_each("complete", "score", "run.json"),
    *of_each("sample", "images", "run.json"),
    *of_each("inpaint", "posterior", "run.json"),
    *of_each("posterior", "forecasts", "run.json"),
    *of_each("posterior", "score", "run.json"),
    *of_each("posterior", "calibration", "run.json"),
]


rule make_tables:
    input:
        scores=[
            *of_each("classify", "score", "scores.csv"),
            *of_each("predict", "score", "scores.csv"),
            *of_each("look_ahead", "score", "scores.csv"),
            *of_each("complete", "score", "scores.csv"),
            *of_each("inpaint", "posterior", "scores.csv"),
        ],
        by_image=[
            *of_each("classify", "score", "predictions.npz"),
            *of_each("predict", "score", "log_likelihoods.npz"),
            *of_each("complete", "score", "by_image.csv"),
            *[
                path
                for hole in HOLES
                for path in of_each("inpaint", "posterior", f"{hole}.npz")
            ],
        ],
    output:
        figures=f"{RESULTS}/{{data}}/tables/figures.csv",
        comparisons=report(
            f"{RESULTS}/{{data}}/tables/comparisons.csv",
            caption="../report/comparisons.rst",
            category="Tables",
        ),
        tables=report(
            list(TABLES.values()),
            caption="../report/tables.rst",
            category="Tables",
        ),
        record=f"{RESULTS}/{{data}}/tables/run.json",
    log:
        f"{RESULTS}/logs/make_tables/{{data}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.figures, parent=True),
        settings=settings("make_tables"),
        code=code_hash("make_tables"),
    shell:
        "python src/make_tables.py --scores {input.scores:q} --by-image {input.by_image:q}"
        " --out {params.out:q}"
        " {params.settings} 2>&1 | tee {log:q}"


rule draw_curves:
    input:
        of_each("classify", "train", "curve_by_epoch.csv"),
        of_each("predict", "train", "curve_by_epoch.csv"),
        of_each("look_ahead", "train", "curve_by_epoch.csv"),
    output:
        report(
            pictures("curves", CURVES),
            caption="../report/curves.rst",
            category="Learning curves",
        ),
        vectors("curves", CURVES),
        record=f"{RESULTS}/{{data}}/figures/curves/run.json",
    log:
        f"{RESULTS}/logs/draw_curves/{{data}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.record, parent=True),
        settings=settings("draw_curves"),
        code=code_hash("draw_curves"),
    shell:
        "python src/draw_curves.py --curves {input:q} --out {params.out:q}"
        " {params.settings} 2>&1 | tee {log:q}"


rule write_report:
    input:
        tables=rules.make_tables.output.tables,
        comparisons=rules.make_tables.output.comparisons,
        cells=rules.demonstrate_cells.output.summary,
        posterior=of_task("posterior", rules.tabulate_posterior.output.table),
        figures=[
            *pictures("cells", [figure_names.CELLS]),
            *pictures("curves", CURVES),
            *of_task("complete", *pictures("completions", COMPLETIONS)),
            *of_task("sample", *pictures("images", SAMPLED)),
            *[
                path.replace("{variant}", variant)
                for variant in config["inpaint"]["variants"]
                for path in pictures("inpainting-{variant}", INPAINTINGS)
            ],
            *of_task("posterior", *pictures("posterior", POSTERIOR_FIGURES)),
            *[
                path.replace("{variant}", variant)
                for variant in config["posterior"]["variants"]
                for path in pictures("calibration-{variant}", CALIBRATION_FIGURES)
            ],
        ],
        records=RECORDS,
        published=ancient(PUBLISHED),
        published_holes=ancient(of_task("posterior", *PUBLISHED_HOLES)),
    output:
        report=f"{RESULTS}/{{data}}/report/report.html",
        record=f"{RESULTS}/{{data}}/report/run.json",
    log:
        f"{RESULTS}/logs/write_report/{{data}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.report, parent=True),
        optional=lambda wildcards, input: " ".join(
            f"--{name.replace('_', '-')} {shlex.quote(str(input[name]))}"
            for name in ("published", "posterior", "published_holes")
            if input[name]
        ),
        play=lambda wildcards, output: (
            f"--play {shlex.quote(os.path.relpath(PLAY, Path(output.report).parent))}"
            if PLAY.is_file()
            else ""
        ),
        published_content=[
            sha256_of(Path(path)) for path in PUBLISHED + PUBLISHED_HOLES
        ],
        code=code_hash("write_report"),
    shell:
        "python src/write_report.py --tables {input.tables:q}"
        " --comparisons {input.comparisons:q} --cells {input.cells:q}"
        " --figures {input.figures:q} --records {input.records:q} {params.optional}"
        " {params.play} --out {params.out:q} 2>&1 | tee {log:q}"
