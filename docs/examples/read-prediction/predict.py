"""Which artifacts will be read next week? Learns from an export of the event log, and says how well it knows.

    python predict.py events.parquet

Everything is computed from requests before a moment (the cutoff), and judged by those of the week after it. The model learns
at earlier cutoffs than it is judged at, so it never sees the week that it is asked about.
"""

import sys

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score, roc_auc_score

DAY = pd.Timedelta(days=1)
WEEK = pd.Timedelta(days=7)
WRITES = ("PutObject", "CopyObject", "CompleteMultipartUpload")
COLUMNS = ["time", "tenant_id", "operation", "container", "artifact_key", "status", "bytes_in", "bytes_out"]
ARTIFACT = ["tenant_id", "container", "artifact_key"]
# Weeks before the one that is judged, at whose beginnings the model learns.
TRAINING_WEEKS = 3


def load(path: str) -> pd.DataFrame:
    events = pd.read_parquet(path, columns=COLUMNS)
    events = events[(events.status < 300) & events.artifact_key.notna() & events.tenant_id.notna()]
    events["artifact"] = events.groupby(ARTIFACT, sort=False).ngroup()
    return events.sort_values("time")


def features(events: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    """A row for each artifact that was seen before the cutoff. Times are in days."""
    past = events[events.time < cutoff]
    reads = past[past.operation == "GetObject"].copy()
    reads["gap"] = reads.groupby("artifact").time.diff() / DAY
    by_artifact = past.groupby("artifact")
    table = pd.DataFrame({"seen_for": (cutoff - by_artifact.time.min()) / DAY})
    read = reads.groupby("artifact")
    table["recency"] = (cutoff - read.time.max()) / DAY
    table["reads"] = read.size()
    for days in (1, 3, 7, 14, 28):
        table[f"reads_{days}d"] = reads[reads.time >= cutoff - days * DAY].groupby("artifact").size()
    table["days_read"] = reads.groupby("artifact").time.agg(lambda times: times.dt.floor("D").nunique())
    table["mean_gap"] = read.gap.mean()
    table["gap_deviation"] = read.gap.std()
    # Reads of one day count once here: the rhythm of days, not of clicks.
    distant = reads[reads.gap > 0.75].groupby("artifact").gap
    table["mean_distant_gap"] = distant.mean()
    table["distant_gap_deviation"] = distant.std()
    # Near one: it is due.
    table["due"] = table.recency / table.mean_distant_gap
    table["night_share"] = (reads.time.dt.hour < 5).groupby(reads.artifact).mean()
    for operation, name in (("HeadObject", "heads"), ("DeleteObject", "deletes")):
        table[name] = past[past.operation == operation].groupby("artifact").size()
    writes = past[past.operation.isin(WRITES)]
    table["age"] = (cutoff - writes.groupby("artifact").time.max()) / DAY
    table["bytes"] = by_artifact[["bytes_in", "bytes_out"]].max().max(axis=1)
    counts = [name for name in table if name.startswith("reads") or name in ("days_read", "heads", "deletes")]
    table[counts] = table[counts].fillna(0)
    return table


def is_read(events: pd.DataFrame, artifacts: pd.Index, cutoff: pd.Timestamp) -> np.ndarray:
    week = events[(events.time >= cutoff) & (events.time < cutoff + WEEK) & (events.operation == "GetObject")]
    return artifacts.isin(week.artifact.unique())


def score(name: str, truth: np.ndarray, guess: np.ndarray) -> None:
    print(f"{name:<44} {average_precision_score(truth, guess):>17.3f} {roc_auc_score(truth, guess):>8.3f}")


def main(path: str) -> None:
    events = load(path)
    end = events.time.max().ceil("D")
    test_cutoff = end - WEEK
    cutoffs = [test_cutoff - week * WEEK for week in range(TRAINING_WEEKS, 0, -1)]
    training = [features(events, cutoff) for cutoff in cutoffs]
    known = np.concatenate([is_read(events, table.index, cutoff) for table, cutoff in zip(training, cutoffs)])
    model = HistGradientBoostingClassifier(max_iter=200, learning_rate=0.05, max_leaf_nodes=15, random_state=0)
    model.fit(pd.concat(training), known)

    table = features(events, test_cutoff)
    truth = is_read(events, table.index, test_cutoff)
    print(f"{len(events)} events, {events.artifact.nunique()} artifacts, {events.time.min()} to {end}")
    print(f"week from {test_cutoff:%Y-%m-%d}: {truth.sum()} of {len(truth)} artifacts were read ({truth.mean():.3f})\n")
    print(f"{'':<44} {'average precision':>17} {'ROC AUC':>8}")
    score("share that was read (no knowledge)", truth, np.zeros(len(truth)))
    score("recency of the last read", truth, -table.recency.fillna(1e6).to_numpy())
    score("recency of the last read or write", truth, -table[["recency", "age"]].min(axis=1).fillna(1e6).to_numpy())
    score("reads of the last 28 days", truth, table.reads_28d.to_numpy())
    score("model", truth, model.predict_proba(table)[:, 1])


if __name__ == "__main__":
    main(sys.argv[1])
