# Task 3: the most probable fill of a small patch, exactly.

from scanline.holes.named import inpainted_file

HOLES = config["inpaint"]["holes"]
INPAINTINGS = [  # with the wildcard in place of a variant
    name
    for hole in HOLES
    for name in figure_names.inpainting(hole, "{variant}").values()
]


rule hide_patches:
    input:
        test=rules.binarise.output.test,
    output:
        hidden=expand(
            f"{RESULTS}/{{{{data}}}}/inpaint/hidden/{{file}}",
            file=[f"{hole}.npz" for hole in HOLES]
            + [f"hidden_{hole}.npy" for hole in HOLES],
        ),
        record=f"{RESULTS}/{{data}}/inpaint/hidden/run.json",
    log:
        f"{RESULTS}/logs/hide_patches/{{data}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.record, parent=True),
        settings=settings("hide_patches"),
        code=code_hash("hide_patches"),
    shell:
        "python src/hide_patches.py --test {input.test:q} --out {params.out:q}"
        " {params.settings} 2>&1 | tee {log:q}"


rule infer_patches:
    input:
        model=rules.train_predictor.output.model,
        hidden=expand(f"{RESULTS}/{{{{data}}}}/inpaint/hidden/{{hole}}.npz", hole=HOLES),
    output:
        posterior=expand(
            at("inpaint", "posterior", "{file}"),
            file=[f"{hole}.npz" for hole in HOLES]
            + [inpainted_file(hole) for hole in HOLES],
            allow_missing=True,
        ),
        scores=at("inpaint", "posterior", "scores.csv"),
        record=at("inpaint", "posterior", "run.json"),
    log:
        f"{RESULTS}/logs/infer_patches/{{data}}-{{variant}}-{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/infer_patches/{{data}}-{{variant}}-{{seed}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        gpu=gpus,
    params:
        out=subpath(output.scores, parent=True),
        code=code_hash("infer_patches"),
    shell:
        "python src/infer_patches.py --model {input.model:q} --hidden {input.hidden:q}"
        " --out {params.out:q} 2>&1 | tee {log:q}"


rule draw_inpainting:
    input:
        hidden=expand(f"{RESULTS}/{{{{data}}}}/inpaint/hidden/{{hole}}.npz", hole=HOLES),
        posterior=expand(
            at("inpaint", "posterior", "{hole}.npz"),
            seed=config["seeds"][:1],
            hole=HOLES,
            allow_missing=True,
        ),
    output:
        report(
            pictures("inpainting-{variant}", INPAINTINGS),
            caption="../report/inpainting.rst",
            category="In-painting",
        ),
        vectors("inpainting-{variant}", INPAINTINGS),
        record=f"{RESULTS}/{{data}}/figures/inpainting-{{variant}}/run.json",
    log:
        f"{RESULTS}/logs/draw_inpainting/{{data}}-{{variant}}.log",
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.record, parent=True),
        settings=settings("draw_inpainting"),
        code=code_hash("draw_inpainting"),
    shell:
        "python src/draw_inpainting.py --hidden {input.hidden:q} --posterior {input.posterior:q}"
        " --out {params.out:q} {params.settings} 2>&1 | tee {log:q}"
