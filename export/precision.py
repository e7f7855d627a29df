"""Smaller graphs: weights stored as fp16, or matrix products in int8."""

from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

PRECISIONS: Final = ("fp32", "fp16", "int8")
BLOCK: Final = 64
"""The longest with which ONNX Runtime 1.31 rounds one row as it rounds any number of them; with 128 and 256 live and
file differed by -50 dB. Products take an eighth less time than with 32."""
_SMALLEST: Final = 256
"""Tensors of fewer elements stay fp32: there is nothing to gain."""


def fold(path: Path) -> None:
    """Compute what depends on constants alone, here instead of at each start: products then have fixed matrices.

    The graph stays one of plain ONNX operators.
    """
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 3
    # It would turn products that `quantise` knows into ones that it does not know.
    ort.InferenceSession(path, options, ["CPUExecutionProvider"], disabled_optimizers=["MatMulAddFusion"])


def round_to_half(module: nn.Module) -> None:
    """Round the parameters and buffers that `store_half` will store to fp16, in place: the graph is then exact."""
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.dtype == torch.float32 and tensor.numel() >= _SMALLEST:
                tensor.copy_(tensor.half().float())


def store_half(path: Path) -> None:
    """Store the fp32 initialisers of a graph as fp16 followed by a Cast to fp32, where that loses nothing.

    ONNX Runtime folds the Casts when it loads the graph: half the file, the same speed, fp32 arithmetic.
    """
    model = onnx.load(path)
    kept: list[onnx.TensorProto] = []
    casts: list[onnx.NodeProto] = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        exact = tensor.data_type == TensorProto.FLOAT and np.array_equal(half.astype(np.float32), values)
        if not exact or values.size < _SMALLEST:
            kept.append(tensor)
            continue
        stored = f"{tensor.name}_half"
        kept.append(numpy_helper.from_array(half, stored))
        casts.append(helper.make_node("Cast", [stored], [tensor.name], to=TensorProto.FLOAT, name=f"{stored}_cast"))
    nodes = [*casts, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def quantise(path: Path) -> None:
    """Turn the products with fixed matrices into 8-bit ones: weights in blocks of `BLOCK` with a scale each.

    What is multiplied with them is quantised row by row at run time, so a hop sounds the same in every call. (ONNX
    Runtime's dynamic mode takes one scale for the whole call: there live and file differed by -15 dB.)
    """
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    quantizer = MatMulNBitsQuantizer(onnx.load(path), bits=8, block_size=BLOCK, is_symmetric=True, accuracy_level=4)
    quantizer.process()
    onnx.save(quantizer.model.model, path)  # type: ignore[union-attr]
