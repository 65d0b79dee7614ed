"""Run each model of this folder on known values and print the signatures.

Usage: python check_models.py
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper
from sklearn.datasets import load_iris

from make_models import ELEMENT_TYPES

HERE = Path(__file__).resolve().parent


def session(name: str) -> ort.InferenceSession:
    """Open one written model on the CPU."""
    path = HERE / f"{name}.onnx"
    return ort.InferenceSession(path, providers=["CPUExecutionProvider"])


def run(name: str, **feeds: np.ndarray) -> list:
    """Return all outputs of one run."""
    return session(name).run(None, feeds)


def f32(*values: float) -> np.ndarray:
    """Return a float32 column."""
    return np.array(values, np.float32)


def i64(*values: int) -> np.ndarray:
    """Return an int64 column."""
    return np.array(values, np.int64)


def expect(name: str, actual: object, expected: object) -> None:
    """Fail unless the value, its type and its shape are as expected."""
    got, want = np.asarray(actual), np.asarray(expected)
    same = got.shape == want.shape and got.dtype == want.dtype
    if not same or not np.array_equal(got, want):
        raise ValueError(f"{name}: got {got!r}, expected {want!r}")


def check_identity(name: str, element: int) -> None:
    """Run extreme values of the type through its identity model."""
    if name == "bfloat16":
        check_bfloat16()
        return
    dtype = helper.tensor_dtype_to_np_dtype(element)
    if name == "string":
        column = np.array(["", "a", "späť", "x" * 300], dtype=object)
    elif name == "bool":
        column = np.array([True, False, True])
    elif np.issubdtype(dtype, np.integer):
        column = np.array([np.iinfo(dtype).min, 0, 1, np.iinfo(dtype).max], dtype)
    else:
        column = np.array([np.finfo(dtype).min, -0.0, np.inf, 1.5], dtype)
    (out,) = run(f"identity_{name}", x=column)
    expect(f"identity_{name}", out, column)


def check_bfloat16() -> None:
    """Run bfloat16 bits through, by the calls that take an ONNX type by number."""
    bits = np.array([0x3F80, 0xBF80, 0x7F7F, 0x0001], np.uint16)
    held = ort.OrtValue.ortvalue_from_numpy_with_onnx_type(bits, TensorProto.BFLOAT16)
    (out,) = session("identity_bfloat16").run_with_ort_values(["y"], {"x": held})
    if out.data_type() != "tensor(bfloat16)":
        raise ValueError(f"identity_bfloat16: got {out.data_type()}")
    raw = (ctypes.c_uint16 * len(bits)).from_address(out.data_ptr())
    expect("identity_bfloat16", np.frombuffer(raw, np.uint16), bits)


def check_values() -> None:
    """Run each self-written model on values whose answer is known."""
    expect("add", run("add", a=f32(1, 2), b=f32(10, 20))[0], f32(11, 22))
    total, larger = run("two_outputs", a=f32(1.5, 2), b=i64(1, 5))
    expect("two_outputs", total, np.array([2.5, 7.0]))
    expect("two_outputs", larger, np.array([True, False]))
    x = f32(1, 2, 3, 4, 5, 6).reshape(2, 3)
    expect(
        "matrix_3_to_2",
        run("matrix_3_to_2", x=x)[0],
        f32(14, 140, 32, 320).reshape(2, 2),
    )
    expect("matrix_3_to_1", run("matrix_3_to_1", x=x)[0], f32(321, 654).reshape(2, 1))
    whole = np.array([[1, 2], [3, 4]], np.int32)
    expect("identity_matrix", run("identity_matrix", x=whole)[0], whole)
    expect(
        "dynamic_trailing",
        run("dynamic_trailing", x=i64(2, 0))[0],
        f32(0, 0, 1, 1, 0, 0).reshape(2, 3),
    )
    cubes = f32(*range(8)).reshape(2, 2, 2)
    expect("rank3", run("rank3", x=cubes)[0], f32(1, 5, 9, 13).reshape(2, 2))
    fixed = f32(*range(8)).reshape(4, 2)
    expect("fixed_batch", run("fixed_batch", x=fixed)[0], -fixed)
    expect("changes_row_count", run("changes_row_count", x=f32(3, 1, 3))[0], f32(1, 3))
    expect("scalar_output", run("scalar_output", x=f32(3, 1, 3))[0], np.float32(7))
    labels = np.array(["on time", "unknown", "späť"], dtype=object)
    expect("string_labels", run("string_labels", code=i64(1, 7, 2))[0], labels)
    expect("slow", run("slow", iterations=i64(5, 1000))[0], i64(1000, 1000))
    weights = np.arange(64, dtype=np.float32).reshape(8, 8)
    ones = np.ones((1, 8), np.float32)
    expect("external_weights", run("external_weights", x=ones)[0], ones @ weights)


def check_classifiers() -> None:
    """Fail unless both exports give the same labels and probabilities."""
    features = load_iris().data[::10].astype(np.float32)
    label, maps = run("classifier_zipmap", features=features)
    same_label, table = run("classifier_tensors", features=features)
    expect("classifier_tensors", same_label, label)
    unzipped = np.array([[row[k] for k in range(3)] for row in maps], np.float32)
    expect("classifier_tensors", table, unzipped)


def check_terminate() -> None:
    """Fail unless a run of the slow model ends when told to."""
    options = ort.RunOptions()
    timer = threading.Timer(0.5, lambda: setattr(options, "terminate", True))
    timer.start()
    try:
        session("slow").run(None, {"iterations": i64(10**12)}, options)
    except Exception as error:  # ONNX Runtime raises its own, unexported types
        if "terminate" not in str(error).lower():
            raise
        return
    raise ValueError("slow: the run ended without being terminated")


def check_corrupt() -> None:
    """Fail if the damaged file loads."""
    try:
        session("corrupt")
    except Exception as error:  # ONNX Runtime raises its own, unexported types
        if "Protobuf parsing failed" not in str(error):
            raise
        return
    raise ValueError("corrupt: it loaded")


def signature(values: Sequence[ort.NodeArg]) -> str:
    """Return `name type [dims]` of each tensor."""
    return "; ".join(f"`{v.name}` {v.type} {v.shape}" for v in values)


def print_table() -> None:
    """Print the signature of each file as a Markdown table."""
    print("| file | bytes | inputs | outputs |\n|---|---|---|---|")
    for path in sorted(HERE.glob("*.onnx")):
        size = path.stat().st_size
        if path.stem == "corrupt":
            print(f"| {path.name} | {size} | does not load | |")
            continue
        opened = session(path.stem)
        inputs, outputs = map(signature, (opened.get_inputs(), opened.get_outputs()))
        print(f"| {path.name} | {size} | {inputs} | {outputs} |")


def main() -> None:
    """Check each file, then print the table."""
    for name, element in ELEMENT_TYPES.items():
        check_identity(name, element)
    check_values()
    check_classifiers()
    check_terminate()
    check_corrupt()
    print_table()


if __name__ == "__main__":
    main()
