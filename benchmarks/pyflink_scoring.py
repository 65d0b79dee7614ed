"""ONNX models as PyFlink's functions, to be compared with this library's operator.

Run by ``benchmarks/run flink-python``, where ``FlinkPython`` makes the jobs and ``PythonWays`` says
in which modes. Both sides have a parallelism of 1, object reuse, the same rows, models and settings
of ONNX Runtime. What counts are the rows per second from a job's first result to its last, so that
neither the start of Python nor the loading of a model does; that is in PyFlink's favour by the
first bundle, at most 1.2 % of the rows. The operator outside SQL is measured from its first row.

In process mode with bundles of many batches Python computes beside Flink: two cores against one.
"""

from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
from pyflink.table import DataTypes
from pyflink.table.udf import FunctionContext, ScalarFunction, udf

MODELS = {
    "add": ("connector-core/src/test/resources/onnx/add.onnx", np.float32),
    "trees": ("connector-spark/src/quickstart/model/delay_carryover.onnx", np.int64),
}


class Scores(ScalarFunction):
    """Score with one model, loaded once a task, with the settings of the Java side."""

    def __init__(self, model: str) -> None:
        """Remember where the model is: workers run in another folder."""
        path, self._dtype = MODELS[model]
        self._path = str(Path(path).absolute())

    def open(self, function_context: FunctionContext) -> None:
        """Load the model."""
        del function_context
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(self._path, options)
        self._inputs = [column.name for column in self._session.get_inputs()]

    def scores(self, *columns: np.ndarray) -> np.ndarray:
        """Score a row for each element of the columns."""
        (scores,) = self._session.run(None, dict(zip(self._inputs, columns, strict=True)))
        return scores.reshape(-1)


class BatchScores(Scores):
    """One run of the model for each batch, a pandas series a column."""

    def eval(self, *columns: pd.Series) -> pd.Series:
        """Score a batch."""
        return pd.Series(self.scores(*(column.to_numpy() for column in columns)))


class RowScores(Scores):
    """One run of the model for each row."""

    def eval(self, *values: float) -> float:
        """Score a row."""
        return self.scores(*(np.array([value], self._dtype) for value in values)).item()


add_of_batches = udf(BatchScores("add"), result_type=DataTypes.FLOAT(), func_type="pandas")
add_of_rows = udf(RowScores("add"), result_type=DataTypes.FLOAT())
trees_of_batches = udf(BatchScores("trees"), result_type=DataTypes.FLOAT(), func_type="pandas")
trees_of_rows = udf(RowScores("trees"), result_type=DataTypes.FLOAT())
