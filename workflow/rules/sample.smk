# Whole images, sampled from nothing.

from scanline.study.variants import reading_labels


rule sample_images:
    input:
        model=rules.train_predictor.output.model,
        train=rules.binarise.output.train,
        test=rules.binarise.output.test,
    output:
        images=at("sample", "images", "images.npz"),
        distances=at("sample", "images", "distances.csv"),
        record=at("sample", "images", "run.json"),
    log:
        f"{RESULTS}/logs/sample_images/{{data}}-{{variant}}-{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sample_images/{{data}}-{{variant}}-{{seed}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        gpu=gpus,
    params:
        out=subpath(output.record, parent=True),
        settings=settings("sample_images"),
        code=code_hash("sample_images"),
    shell:
        "python src/sample_images.py --model {input.model:q} --train {input.train:q}"
        " --test {input.test:q} --out {params.out:q} {params.settings} 2>&1 | tee {log:q}"


SAMPLED = [
    figure_names.DISTANCES,
    *map(figure_names.sampled, config["sample"]["variants"]),
    *(
        figure_names.by_class(variant)
        for variant in config["sample"]["variants"]
        if variant in reading_labels(config)
    ),
]


rule draw_images:
    input:
        images=of_first_seed("sample", "images", "images.npz"),
        distances=of_first_seed("sample", "images", "distances.csv"),
    output:
        report(
            pictures("images", SAMPLED),
            caption="../report/images.rst",
            category="Images",
        ),
        vectors("images", SAMPLED),
        record=f"{RESULTS}/{{data}}/figures/images/run.json",
    log:
        f"{RESULTS}/logs/draw_images/{{data}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.record, parent=True),
        code=code_hash("draw_images"),
    shell:
        "python src/draw_images.py --images {input.images:q} --distances {input.distances:q}"
        " --out {params.out:q} 2>&1 | tee {log:q}"
