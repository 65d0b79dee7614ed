"""Write the small ONNX models of the engine tests beside this script.

Usage: python make_models.py && python check_models.py
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

HERE = Path(__file__).resolve().parent
OPSETS = {"": 17, "ai.onnx.ml": 3}
IR_VERSION = 8
SIZE_LIMIT_BYTES = 20_000

ELEMENT_TYPES = {
    "float": TensorProto.FLOAT,
    "double": TensorProto.DOUBLE,
    "int8": TensorProto.INT8,
    "int16": TensorProto.INT16,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8,
    "uint16": TensorProto.UINT16,
    "uint32": TensorProto.UINT32,
    "uint64": TensorProto.UINT64,
    "bool": TensorProto.BOOL,
    "float16": TensorProto.FLOAT16,
    "bfloat16": TensorProto.BFLOAT16,
    "string": TensorProto.STRING,
}

node = helper.make_node


def value(name: str, element: int, *dims: int | str) -> ValueInfoProto:
    """Return the declaration of a tensor."""
    return helper.make_tensor_value_info(name, element, dims)


def constant(name: str, array: np.ndarray) -> TensorProto:
    """Return a named weight."""
    return numpy_helper.from_array(array, name)


def model(
    name: str,
    inputs: list[ValueInfoProto],
    outputs: list[ValueInfoProto],
    nodes: list[NodeProto],
    weights: Sequence[TensorProto] = (),
) -> onnx.ModelProto:
    """Return a checked model of the opsets above."""
    built = helper.make_model(
        helper.make_graph(nodes, name, inputs, outputs, list(weights)),
        opset_imports=[helper.make_opsetid(d, v) for d, v in OPSETS.items()],
        ir_version=IR_VERSION,
        producer_name="make_models.py",
    )
    onnx.checker.check_model(built, full_check=True)
    return built


def add() -> onnx.ModelProto:
    """Map two float columns to their sum."""
    return model(
        "add",
        [value("a", TensorProto.FLOAT, "rows"), value("b", TensorProto.FLOAT, "rows")],
        [value("sum", TensorProto.FLOAT, "rows")],
        [node("Add", ["a", "b"], ["sum"])],
    )


def two_outputs() -> onnx.ModelProto:
    """Map a float and an int64 column to two columns of other types."""
    return model(
        "two_outputs",
        [value("a", TensorProto.FLOAT, "rows"), value("b", TensorProto.INT64, "rows")],
        [
            value("sum", TensorProto.DOUBLE, "rows"),
            value("larger", TensorProto.BOOL, "rows"),
        ],
        [
            node("Cast", ["a"], ["a_d"], to=TensorProto.DOUBLE),
            node("Cast", ["b"], ["b_d"], to=TensorProto.DOUBLE),
            node("Add", ["a_d", "b_d"], ["sum"]),
            node("Greater", ["a_d", "b_d"], ["larger"]),
        ],
    )


def identity(name: str, element: int) -> onnx.ModelProto:
    """Give one column of one element type back unchanged."""
    return model(
        name,
        [value("x", element, "rows")],
        [value("y", element, "rows")],
        [node("Identity", ["x"], ["y"])],
    )


def identity_matrix() -> onnx.ModelProto:
    """Give rows of two integers back unchanged."""
    return model(
        "identity_matrix",
        [value("x", TensorProto.INT32, "rows", 2)],
        [value("y", TensorProto.INT32, "rows", 2)],
        [node("Identity", ["x"], ["y"])],
    )


def matrix(name: str, weights: np.ndarray) -> onnx.ModelProto:
    """Multiply a packed matrix by fixed weights."""
    return model(
        name,
        [value("x", TensorProto.FLOAT, "rows", weights.shape[0])],
        [value("y", TensorProto.FLOAT, "rows", weights.shape[1])],
        [node("MatMul", ["x", "w"], ["y"])],
        [constant("w", weights)],
    )


def dynamic_trailing() -> onnx.ModelProto:
    """Give one-hot rows, as wide as the largest value plus one."""
    return model(
        "dynamic_trailing",
        [value("x", TensorProto.INT64, "rows")],
        [value("y", TensorProto.FLOAT, "rows", "width")],
        [
            node("ReduceMax", ["x"], ["largest"], axes=[0], keepdims=1),
            node("Add", ["largest", "one"], ["depth"]),
            node("OneHot", ["x", "depth", "off_on"], ["y"]),
        ],
        [
            constant("one", np.array([1], np.int64)),
            constant("off_on", np.array([0, 1], np.float32)),
        ],
    )


def rank3() -> onnx.ModelProto:
    """Sum each of the two rows of each row's 2 x 2 matrix."""
    return model(
        "rank3",
        [value("x", TensorProto.FLOAT, "rows", 2, 2)],
        [value("y", TensorProto.FLOAT, "rows", 2)],
        [node("ReduceSum", ["x", "axis"], ["y"], keepdims=0)],
        [constant("axis", np.array([2], np.int64))],
    )


def fixed_batch() -> onnx.ModelProto:
    """Negate a matrix of exactly four rows."""
    return model(
        "fixed_batch",
        [value("x", TensorProto.FLOAT, 4, 2)],
        [value("y", TensorProto.FLOAT, 4, 2)],
        [node("Neg", ["x"], ["y"])],
    )


def changes_row_count() -> onnx.ModelProto:
    """Give the distinct values, so fewer rows than came in."""
    return model(
        "changes_row_count",
        [value("x", TensorProto.FLOAT, "rows")],
        [value("y", TensorProto.FLOAT, "kept")],
        [node("Unique", ["x"], ["y"])],
    )


def scalar_output() -> onnx.ModelProto:
    """Give one rank-0 sum for the whole batch."""
    return model(
        "scalar_output",
        [value("x", TensorProto.FLOAT, "rows")],
        [value("y", TensorProto.FLOAT)],
        [node("ReduceSum", ["x"], ["y"], keepdims=0)],
    )


def string_labels() -> onnx.ModelProto:
    """Map the codes 0, 1, 2 to strings, any other to 'unknown'."""
    return model(
        "string_labels",
        [value("code", TensorProto.INT64, "rows")],
        [value("label", TensorProto.STRING, "rows")],
        [
            node(
                "LabelEncoder",
                ["code"],
                ["label"],
                domain="ai.onnx.ml",
                keys_int64s=[0, 1, 2],
                values_strings=["early", "on time", "späť"],
                default_string="unknown",
            )
        ],
    )


def slow() -> onnx.ModelProto:
    """Loop max(iterations) times, adding 1 to every row, from 0."""
    body = helper.make_graph(
        [
            node("Add", ["count_in", "one_b"], ["count_out"]),
            node("Identity", ["go_in"], ["go_out"]),
        ],
        "body",
        [
            value("i", TensorProto.INT64),
            value("go_in", TensorProto.BOOL),
            value("count_in", TensorProto.INT64, "rows"),
        ],
        [
            value("go_out", TensorProto.BOOL),
            value("count_out", TensorProto.INT64, "rows"),
        ],
        [constant("one_b", np.array(1, np.int64))],
    )
    return model(
        "slow",
        [value("iterations", TensorProto.INT64, "rows")],
        [value("count", TensorProto.INT64, "rows")],
        [
            node("ReduceMax", ["iterations"], ["trips"], keepdims=0),
            node("Sub", ["iterations", "iterations"], ["zeros"]),
            node("Loop", ["trips", "go", "zeros"], ["count"], body=body),
        ],
        [constant("go", np.array(True))],
    )


def classifier(*, zipmap: bool) -> onnx.ModelProto:
    """Export logistic regression on iris as scikit-learn's users do."""
    features, species = load_iris(return_X_y=True)
    fitted = LogisticRegression(max_iter=500).fit(features, species)
    exported = to_onnx(
        fitted,
        initial_types=[("features", FloatTensorType([None, 4]))],
        options={"zipmap": zipmap},
        target_opset=OPSETS,
        name="classifier",
    )
    exported.ir_version = IR_VERSION
    return exported


def all_models() -> dict[str, onnx.ModelProto]:
    """Return each self-contained model by file stem."""
    return {
        "add": add(),
        "two_outputs": two_outputs(),
        **{
            f"identity_{name}": identity(f"identity_{name}", element)
            for name, element in ELEMENT_TYPES.items()
        },
        "identity_matrix": identity_matrix(),
        "matrix_3_to_2": matrix(
            "matrix_3_to_2", np.array([[1, 10], [2, 20], [3, 30]], np.float32)
        ),
        "matrix_3_to_1": matrix(
            "matrix_3_to_1", np.array([[1], [10], [100]], np.float32)
        ),
        "dynamic_trailing": dynamic_trailing(),
        "rank3": rank3(),
        "fixed_batch": fixed_batch(),
        "changes_row_count": changes_row_count(),
        "scalar_output": scalar_output(),
        "string_labels": string_labels(),
        "slow": slow(),
        "classifier_zipmap": classifier(zipmap=True),
        "classifier_tensors": classifier(zipmap=False),
    }


def write_all() -> None:
    """Write every file, the damaged one and the one with weights beside it included."""
    for name, built in all_models().items():
        write(f"{name}.onnx", built.SerializeToString(deterministic=True))
    whole = (HERE / "classifier_tensors.onnx").read_bytes()
    write("corrupt.onnx", whole[: len(whole) // 2])

    weights = np.arange(64, dtype=np.float32).reshape(8, 8)
    outside = matrix("external_weights", weights)
    content = weights.astype("<f4").tobytes()
    (tensor,) = outside.graph.initializer
    set_external_data(tensor, "external_weights.bin", offset=0, length=len(content))
    tensor.ClearField("raw_data")
    write("external_weights.bin", content)
    write("external_weights.onnx", outside.SerializeToString(deterministic=True))


def write(name: str, content: bytes) -> None:
    """Write one file, which must stay small."""
    if len(content) > SIZE_LIMIT_BYTES:
        raise ValueError(f"{name}: {len(content)} bytes, limit {SIZE_LIMIT_BYTES}")
    (HERE / name).write_bytes(content)


if __name__ == "__main__":
    write_all()
