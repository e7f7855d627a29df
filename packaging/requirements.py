"""Print what the packaged program is made of, one requirement per line: `python packaging/requirements.py [cuda]`.

These are the dependencies and the extras `desktop` and `discover` of pyproject.toml, with ONNX Runtime for the CPU in
place of the build for CUDA, unless that is asked for, and PyInstaller.
"""

import sys
import tomllib
from pathlib import Path

EXTRAS = ("desktop", "discover")
RUNTIME = {"cpu": "onnxruntime>=1.20", "cuda": "onnxruntime-gpu[cuda,cudnn]>=1.20"}


def requirements(variant: str) -> list[str]:
    """Requirements of the variant "cpu" or "cuda", in pip's words. Raises KeyError for another."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    ours = [*project["dependencies"], *(one for extra in EXTRAS for one in extras[extra])]
    builder = next(one for one in extras["dev"] if one.startswith("pyinstaller"))
    return [*(one for one in ours if not one.startswith("onnxruntime")), RUNTIME[variant], builder]


if __name__ == "__main__":
    sys.stdout.write("\n".join(requirements(*sys.argv[1:] or ["cpu"])) + "\n")
