# Trained models that come with the project, in place of training (train: pretrained).


from scanline.files import sha256_of


ruleorder: take_model > train_classifier
ruleorder: take_model > train_predictor
ruleorder: take_model > train_look_ahead


KEPT_MODELS = PROJECT / "pretrained"
KEPT = ("model.keras", "curve_by_epoch.csv", "curve_by_step.csv", "training.json")


def kept(wildcards):
    """What the kept files hold. A checkout writes them anew, so that their times tell nothing."""
    folder = study_config.PRETRAINED / DATA / wildcards.model
    return {name: sha256_of(folder / name) for name in sorted(KEPT)}


rule take_model:
    input:
        model=ancient(f"{KEPT_MODELS}/{DATA}/{{model}}/model.keras"),
        by_epoch=ancient(f"{KEPT_MODELS}/{DATA}/{{model}}/curve_by_epoch.csv"),
        by_step=ancient(f"{KEPT_MODELS}/{DATA}/{{model}}/curve_by_step.csv"),
        training=ancient(f"{KEPT_MODELS}/{DATA}/{{model}}/training.json"),
        pixels=f"{STUDY}/pixels/train.npz",
    output:
        model=f"{STUDY}/{{model}}/train/model.keras",
        by_epoch=f"{STUDY}/{{model}}/train/curve_by_epoch.csv",
        by_step=f"{STUDY}/{{model}}/train/curve_by_step.csv",
        record=f"{STUDY}/{{model}}/train/run.json",
    log:
        f"{RESULTS}/logs/take_model/{DATA}/{{model}}.log",
    wildcard_constraints:
        model="|".join(PRETRAINED),
    conda:
        ENVIRONMENT
    params:
        out=subpath(output.model, parent=True),
        kept=kept,
        code=code_hash("take_model"),
    shell:
        "python src/take_model.py --model {input.model:q} --curves {input.by_epoch:q} {input.by_step:q}"
        " --training {input.training:q} --pixels {input.pixels:q}"
        " --out {params.out:q} 2>&1 | tee {log:q}"
