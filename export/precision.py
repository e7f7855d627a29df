"""Smaller graphs: weights stored as fp16, or matrix products in int8."""

from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from training.predictors.memory import StrokeMemory

PRECISIONS: Final = ("fp32", "fp16", "int8")
_SMALLEST: Final = 256
"""Tensors of fewer elements stay fp32: there is nothing to gain."""


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


def store_codes(path: Path, memory: StrokeMemory) -> None:
    """Store the strokes that a predictor knows by heart as their codes, from which the graph makes the latents.

    ONNX Runtime computes them once, when it loads the graph (all of it is constant): 17 kits take 1.5 MB, not 46.
    """
    model = onnx.load(path)
    shape = list(memory.latents.shape)
    (latents,) = (node for node in model.graph.node if node.op_type == "Constant" and node.attribute[0].t.dims == shape)
    name = latents.output[0]
    model.graph.node.remove(latents)
    constants = {"stroke_silence": memory.silence.numpy(), "stroke_spread": memory.spread.numpy()}
    nodes: list[onnx.NodeProto] = []
    for book in range(memory.codes.shape[-1]):
        constants[f"stroke_codes_{book}"] = memory.codes[..., book].numpy()
        constants[f"stroke_entries_{book}"] = memory.codebooks[book].numpy()
        nodes += [
            helper.make_node("Cast", [f"stroke_codes_{book}"], [f"stroke_index_{book}"], to=TensorProto.INT32),
            helper.make_node("Gather", [f"stroke_entries_{book}", f"stroke_index_{book}"], [f"stroke_part_{book}"]),
        ]
    total = "stroke_part_0"
    for book in range(1, memory.codes.shape[-1]):
        nodes.append(helper.make_node("Add", [total, f"stroke_part_{book}"], [f"stroke_sum_{book}"]))
        total = f"stroke_sum_{book}"
    nodes += [
        helper.make_node("Sub", [total, "stroke_silence"], ["stroke_differences"]),
        helper.make_node("Div", ["stroke_differences", "stroke_spread"], [name]),
    ]
    for index, node in enumerate(nodes):
        node.name = f"stroke_node_{index}"
    model.graph.initializer.extend(numpy_helper.from_array(value, key) for key, value in constants.items())
    kept = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *kept])
    onnx.checker.check_model(model)
    onnx.save(model, path)


def quantise(path: Path) -> None:
    """Turn the products with fixed matrices into 8-bit ones: weights in blocks of 32 with a scale each.

    What is multiplied with them is quantised row by row at run time, so a hop sounds the same in every call. (ONNX
    Runtime's dynamic mode takes one scale for the whole call: there live and file differed by -15 dB.)
    """
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    quantizer = MatMulNBitsQuantizer(onnx.load(path), bits=8, block_size=32, is_symmetric=True, accuracy_level=4)
    quantizer.process()
    onnx.save(quantizer.model.model, path)  # type: ignore[union-attr]
