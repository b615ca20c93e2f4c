# Trained models that come with the project, in place of training (train: pretrained).


ruleorder: take_model > train_classifier
ruleorder: take_model > train_predictor


rule take_model:
    input:
        model=f"pretrained/{DATA}/{{model}}/model.keras",
        by_epoch=f"pretrained/{DATA}/{{model}}/curve_by_epoch.csv",
        by_step=f"pretrained/{DATA}/{{model}}/curve_by_step.csv",
        training=f"pretrained/{DATA}/{{model}}/training.json",
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
        code=code_hash("take_model"),
    shell:
        "python src/take_model.py --model {input.model} --curves {input.by_epoch} {input.by_step}"
        " --training {input.training} --pixels {input.pixels}"
        " --out $(dirname {output.model}) 2>&1 | tee {log}"
