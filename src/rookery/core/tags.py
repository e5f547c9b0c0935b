"""The tags by which runs and versions are found again; plain words are the contract's."""

FAMILY = "family"
TASK = "rookery.task"
KIND = "rookery.kind"  # sweep, ablation, candidate, comparison, report
CHAMPION = "rookery.champion"  # the versions of a comparison, or the run of one that is none yet
CHALLENGER = "rookery.challenger"
PASSED = "rookery.passed"  # what the gate said of it
VERDICT = "rookery.verdict"
UNSEEN = "rookery.unseen"  # how it is known that neither was trained on its rows
BEST = "rookery.best_run"  # of a sweep
OWNER = "rookery.owner"  # the process that a run belongs to
LAST_BATCH = "rookery.last_batch"  # the newest batch whose rows were learned from
DIGEST = "rookery.digest"  # of the clean rows
SNAPSHOT = "rookery.snapshot"  # where these rows are kept
ERROR = "rookery.error"
SKIPPED = "rookery.skipped"  # why a candidate was not fitted
ROWS = "rookery.rows"  # that a candidate was fitted on
SAMPLED = "rookery.sampled"  # whether these are fewer than there are
CONVERTED_FROM = "rookery.converted_from"
PARENT = "mlflow.parentRunId"
COMMIT = "mlflow.source.git.commit"
DIRTY = "rookery.commit.dirty"  # whether files differed from it
