"""ONNX graphs as every engine opens them: on the CPU, quiet, a thread each, since recordings are shared out instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["open_graph"]


def open_graph(path: Path, threads: int = 1, arena: bool = True) -> Any:
    """An `onnxruntime.InferenceSession`; what is no graph raises one of ONNX Runtime's many exceptions.

    Args:
        arena: keep the largest block of memory ever needed for the next call.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = arena
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
