"""Reshaping that a traced graph does in one step."""

from typing import Any

import torch
from torch import Tensor


class _RowsOf(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, rest: tuple[int, ...]) -> Tensor:
        ctx.shape = tuple(int(size) for size in x.shape)  # no part of a trace
        return x.reshape(*ctx.shape[:2], *rest)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return grads[0].reshape(ctx.shape), None

    @staticmethod
    def symbolic(g: Any, x: Any, rest: tuple[int, ...]) -> Any:
        return g.op("Reshape", x, g.op("Constant", value_t=torch.tensor([0, 0, *rest])))


def rows_of(x: Tensor, *rest: int) -> Tensor:
    """x [B, T, ...] as [B, T, *rest], of which one may be -1. (Traced as usual, a graph asks for B and T each time.)"""
    return _RowsOf.apply(x, tuple(int(size) for size in rest))  # type: ignore[no-any-return, return-value]
