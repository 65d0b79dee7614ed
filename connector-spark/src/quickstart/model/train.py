"""Train the quickstart's model from data/flights.parquet and write it as two ONNX files.

Task: given a flight's delay (minutes) and distance (miles), the probability that the next flight
out of the same airport is at least 15 minutes late. Usage: python train.py
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pyarrow.parquet as pq
from numpy.typing import NDArray
from onnx import TensorProto, helper
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score

HERE = Path(__file__).resolve().parent
FLIGHTS = HERE.parent / "data" / "flights.parquet"
COLUMNS_MODEL = HERE / "delay_carryover.onnx"
MATRIX_MODEL = HERE / "delay_carryover_matrix.onnx"

LATE_MINUTES = 15
TEST_FROM = np.datetime64("2001-01-09")
SEED = 20010101
OPSET = helper.make_opsetid("", 17)
ML_OPSET = helper.make_opsetid("ai.onnx.ml", 3)
IR_VERSION = 8
SIZE_LIMIT_BYTES = 200_000


@dataclass(frozen=True)
class Flights:
    """The columns the task needs, in date order."""

    date: NDArray[np.datetime64]
    features: NDArray[np.int64]
    origin: NDArray[np.int64]

    @property
    def delay(self) -> NDArray[np.int64]:
        """Return the delays in minutes; negative is early."""
        return self.features[:, 0]


@dataclass(frozen=True)
class Examples:
    """Rows and labels of one side of the time split."""

    features: NDArray[np.int64]
    late: NDArray[np.bool_]


def read_flights(path: Path) -> Flights:
    """Read the flights; airports become integer codes."""
    table = pq.read_table(path, columns=["date", "delay", "distance", "origin"])
    features = np.column_stack(
        [table["delay"].to_numpy(), table["distance"].to_numpy()]
    )
    origin = table["origin"].combine_chunks().dictionary_encode().indices.to_numpy()
    return Flights(table["date"].to_numpy(), features, origin.astype(np.int64))


def next_departure(flights: Flights) -> NDArray[np.int64]:
    """Return, per flight, the index of the first later flight out of its origin, or -1."""
    found = np.full(len(flights.date), -1, dtype=np.int64)
    for airport in np.unique(flights.origin):
        here = np.flatnonzero(flights.origin == airport)
        dates = flights.date[here]
        # side="right": flights of the same minute are no follow-up of one another.
        after = np.searchsorted(dates, dates, side="right")
        has_next = after < len(here)
        found[here[has_next]] = here[after[has_next]]
    return found


def split_by_time(flights: Flights) -> tuple[Examples, Examples]:
    """Return train and test rows; no train label comes from the test days."""
    follower = next_departure(flights)
    known = follower >= 0
    late = flights.delay[follower] >= LATE_MINUTES
    train = known & (flights.date[follower] < TEST_FROM)
    test = known & (flights.date >= TEST_FROM)
    return (
        Examples(flights.features[train], late[train]),
        Examples(flights.features[test], late[test]),
    )


def fit(train: Examples, columns: int) -> GradientBoostingClassifier:
    """Fit a small boosted ensemble on the first so many feature columns."""
    model = GradientBoostingClassifier(
        n_estimators=60,
        learning_rate=0.15,
        max_depth=3,
        min_samples_leaf=200,
        random_state=SEED,
    )
    return model.fit(train.features[:, :columns], train.late)


def tree_attributes(model: GradientBoostingClassifier) -> dict[str, list]:
    """Return the trees as attributes of a TreeEnsembleRegressor."""
    nodes: dict[str, list] = defaultdict(list)
    leaves: dict[str, list] = defaultdict(list)
    for tree_id, estimator in enumerate(model.estimators_[:, 0]):
        tree = estimator.tree_
        for node in range(tree.node_count):
            leaf = tree.children_left[node] < 0
            nodes["treeids"].append(tree_id)
            nodes["nodeids"].append(node)
            nodes["modes"].append("LEAF" if leaf else "BRANCH_LEQ")
            nodes["featureids"].append(0 if leaf else int(tree.feature[node]))
            nodes["values"].append(0.0 if leaf else float(tree.threshold[node]))
            nodes["truenodeids"].append(0 if leaf else int(tree.children_left[node]))
            nodes["falsenodeids"].append(0 if leaf else int(tree.children_right[node]))
            if leaf:
                leaves["treeids"].append(tree_id)
                leaves["nodeids"].append(node)
                leaves["ids"].append(0)
                leaves["weights"].append(
                    model.learning_rate * float(tree.value[node, 0, 0])
                )
    return {f"nodes_{key}": value for key, value in nodes.items()} | {
        f"target_{key}": value for key, value in leaves.items()
    }


def tree_node(model: GradientBoostingClassifier) -> onnx.NodeProto:
    """Return the ensemble as one node from `features` to `log_odds`."""
    prior = model.init_.class_prior_[1]
    return helper.make_node(
        "TreeEnsembleRegressor",
        ["features"],
        ["log_odds"],
        domain="ai.onnx.ml",
        n_targets=1,
        base_values=[float(np.log(prior / (1 - prior)))],
        **tree_attributes(model),
    )


def save(
    path: Path,
    name: str,
    inputs: list[onnx.ValueInfoProto],
    nodes: list[onnx.NodeProto],
    initializers: list[onnx.TensorProto],
) -> None:
    """Check and write one model whose output is `score`, float32 [rows, 1]."""
    score = helper.make_tensor_value_info("score", TensorProto.FLOAT, ["rows", 1])
    model = helper.make_model(
        helper.make_graph(nodes, name, inputs, [score], initializers),
        opset_imports=[OPSET, ML_OPSET],
        ir_version=IR_VERSION,
        producer_name="train.py",
    )
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
    if path.stat().st_size > SIZE_LIMIT_BYTES:
        raise ValueError(
            f"{path}: {path.stat().st_size} bytes, the limit is {SIZE_LIMIT_BYTES}"
        )


def save_both(model: GradientBoostingClassifier) -> None:
    """Write the model once per input form; the trees are the same node."""
    scoring = [tree_node(model), helper.make_node("Sigmoid", ["log_odds"], ["score"])]
    matrix = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["rows", 2])
    save(MATRIX_MODEL, "delay_carryover_matrix", [matrix], scoring, [])

    columns = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["rows"])
        for name in ("delay", "distance")
    ]
    axis = helper.make_tensor("last_axis", TensorProto.INT64, [1], [1])
    packing = [
        helper.make_node("Cast", ["delay"], ["delay_f"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["distance"], ["distance_f"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["delay_f", "last_axis"], ["delay_1"]),
        helper.make_node("Unsqueeze", ["distance_f", "last_axis"], ["distance_1"]),
        helper.make_node("Concat", ["delay_1", "distance_1"], ["features"], axis=1),
    ]
    save(COLUMNS_MODEL, "delay_carryover", columns, packing + scoring, [axis])


def run(path: Path, feeds: dict[str, NDArray]) -> NDArray[np.float32]:
    """Return the scores of one ONNX Runtime run on one CPU thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (score,) = session.run(["score"], feeds)
    if score.shape != (len(next(iter(feeds.values()))), 1):
        raise ValueError(f"{path}: score has shape {score.shape}")
    return score[:, 0]


def run_columns(features: NDArray[np.int64]) -> NDArray[np.float32]:
    """Score through the model with one input per column."""
    delay, distance = (np.ascontiguousarray(features[:, i]) for i in (0, 1))
    return run(COLUMNS_MODEL, {"delay": delay, "distance": distance})


def run_matrix(features: NDArray[np.int64]) -> NDArray[np.float32]:
    """Score through the model with one packed input."""
    return run(MATRIX_MODEL, {"features": features.astype(np.float32)})


def prove_equal(model: GradientBoostingClassifier, features: NDArray[np.int64]) -> None:
    """Fail unless both files give the same scores, and scikit-learn's to 1e-6."""
    columns, matrix = run_columns(features), run_matrix(features)
    if not np.array_equal(columns, matrix):
        raise ValueError("the two model files score differently")
    expected = model.predict_proba(features)[:, 1]
    largest = float(np.abs(columns - expected).max())
    if largest > 1e-6:
        raise ValueError(f"ONNX Runtime and scikit-learn differ by {largest}")
    batches = [
        run_columns(features[i : i + 4096]) for i in range(0, len(features), 4096)
    ]
    batched = float(np.abs(np.concatenate(batches) - columns).max())
    print(f"both files: equal scores on {len(features)} rows")
    print(f"largest difference to scikit-learn: {largest:.1e}")
    print(f"largest difference of batches of 4096 to one run: {batched:.1e}")


def report(train: Examples, test: Examples, score: NDArray[np.float32]) -> None:
    """Print the held-out metrics beside what a model without features, or without distance, has."""
    by_delay = fit(train, columns=1).predict_proba(test.features[:, :1])[:, 1]
    constant = np.full(len(test.late), train.late.mean())
    top = score >= np.quantile(score, 0.9)
    print(f"rows: train {len(train.late)}, test {len(test.late)} (from {TEST_FROM})")
    print(f"base rate: train {train.late.mean():.4f}, test {test.late.mean():.4f}")
    for name, value in (
        ("constant", constant),
        ("delay alone", by_delay),
        ("model", score),
    ):
        auc, loss = roc_auc_score(test.late, value), log_loss(test.late, value)
        print(f"{name:>12}: AUC {auc:.4f}, log loss {loss:.4f}")
    print(f"late among the top tenth of scores: {test.late[top].mean():.4f}")


def main() -> None:
    """Train, write both files, prove them equal, print the metrics."""
    flights = read_flights(FLIGHTS)
    train, test = split_by_time(flights)
    model = fit(train, columns=2)
    save_both(model)
    prove_equal(model, flights.features)
    report(train, test, run_columns(test.features))
    for path in (COLUMNS_MODEL, MATRIX_MODEL):
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
