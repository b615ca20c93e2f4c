# The tracking store observes: it is opened once, and filled from the files; no result depends on it.


rule open_tracking:
    output:
        f"{RESULTS}/tracking/open.json",
    log:
        f"{RESULTS}/logs/open_tracking.log",
    conda:
        ENVIRONMENT
    params:
        results=subpath(output[0], ancestor=2),
    shell:
        "python workflow/scripts/open_tracking.py --results {params.results:q} 2>&1 | tee {log:q}"
