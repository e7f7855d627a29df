"""Making a graph round one hop exactly as it rounds many, so that live sound is identical to a file."""

import logging
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

log = logging.getLogger(__name__)


def steady_product(path: Path, rows: str, matrix: str) -> None:
    """Give the product of the inputs `rows` [B, T, n] and `matrix` one row more than asked for, and drop it again.

    ONNX Runtime multiplies a single row with a non-constant matrix by another kernel than several rows, and it
    rounds differently; with 8-bit products behind it, the difference of 1e-7 grew to -25 dB. Where there is no such
    product the graph stays as it is, with a warning.
    """
    model = onnx.load(path)
    nodes = list(model.graph.node)
    found = [i for i, node in enumerate(nodes) if node.op_type == "MatMul" and list(node.input) == [rows, matrix]]
    if len(found) != 1:
        log.warning("%s has %d products of %s and %s, expected 1: left as it is", path.name, len(found), rows, matrix)
        return
    at = found[0]
    for name, value in (("steady_0", 0), ("steady_1", 1), ("steady_last", -1)):
        model.graph.initializer.append(numpy_helper.from_array(np.array([value], np.int64), name))
    replacement = [
        helper.make_node("Slice", [rows, "steady_0", "steady_1", "steady_1"], ["steady_row"]),
        helper.make_node("Concat", [rows, "steady_row"], ["steady_rows"], axis=1),
        helper.make_node("MatMul", ["steady_rows", matrix], ["steady_product"]),
        helper.make_node("Slice", ["steady_product", "steady_0", "steady_last", "steady_1"], list(nodes[at].output)),
    ]
    for index, node in enumerate(replacement):
        node.name = f"steady_node_{index}"
    del model.graph.node[:]
    model.graph.node.extend([*nodes[:at], *replacement, *nodes[at + 1 :]])
    onnx.checker.check_model(model)
    onnx.save(model, path)
