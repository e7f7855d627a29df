"""What belongs into the packaged program and what does not; build.spec asks, the tests check."""

import re
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path
from typing import Final

Entry = tuple[str, str, str]
"""PyInstaller's: name in the program, file here, kind."""

EXCLUDED: Final = (
    "torch", "torchaudio", "torchvision", "encodec", "lightning_fabric", "safetensors", "tensorboard", "onnx",
    "onnxscript", "scipy", "sklearn", "mir_eval", "matplotlib", "pyloudnorm", "ai_edge_litert", "pretty_midi",
    "fluidsynth", "training", "export", "evaluation", "tests", "benchmarks", "pytest", "hypothesis", "selenium",
    "PIL", "pandas", "numba", "sympy", "IPython", "tkinter", "numpy.f2py", "setuptools", "pip", "PyInstaller",
)  # fmt: skip
"""Modules that no part of the packaged program may need: they train, measure, test or build."""

_UNUSED: Final = re.compile(
    r"""(?x)
    translations/ | qml/
    | (lib)?Qt6?(Qml|Quick|VirtualKeyboard|Pdf|OpenGLWidgets|Designer|Test|Sql|Concurrent|Help|PrintSupport|Egl)
    | plugins/(tls|networkinformation|virtualkeyboard|egldeviceintegrations|generic|sqldrivers|printsupport)/
    | plugins/platformthemes/libqgtk3
    | plugins/platforminputcontexts/\w*virtualkeyboard
    | plugins/imageformats/\w*(pdf|tiff|webp|jp2|tga|wbmp|icns)
    | plugins/platforms/\w*(eglfs|linuxfb|vnc|vkkhrdisplay|minimalegl|direct2d)
    | opengl32sw\.dll
    """
)
"""Parts of Qt that PyInstaller collects and the window does not use."""

_GTK: Final = re.compile(
    r"lib(gtk|gdk|gdk_pixbuf|atk|atk-bridge|atspi|cairo|cairo-gobject|pango\w*|pixman|epoxy|thai|datrie|fribidi|harfbuzz"
    r"|graphite2|Xcomposite|Xcursor|Xdamage|Xinerama|Xrandr|Xi|Xfixes)-?[\d.]*\.so"
)
"""What only Qt's plug-in for GTK's looks needs, which the window, having its own, does without."""

FALLBACK: Final = ("libportaudio.so.2", "libasound.so.2", "libjack.so.0", "libdb-5.3.so")
"""Linux: libraries that must be the system's own where it has them, because they speak with its sound servers."""


_LICENCE_FILE: Final = re.compile(r"(?i)(licen[cs]e|copying|notice)[^/]*(?<!\.py)(?<!\.pyc)$")


def is_wanted(entry: Entry) -> bool:
    """Whether a collected file is to be kept: not an unused part of Qt, not one of `FALLBACK`."""
    name = entry[0].replace("\\", "/")
    is_qt = "PySide6/" in name or "Qt" in name or name.endswith("opengl32sw.dll")
    return not (is_qt and _UNUSED.search(name)) and not _GTK.match(name) and name not in FALLBACK


def is_python(entry: Entry) -> bool:
    """Whether a collected file is Python itself or of its standard library, which may carry debugging symbols."""
    name = entry[0].replace("\\", "/")
    return name.startswith(("libpython", "python3")) and ".so" in name and entry[2] != "SYMLINK"


def slipped_in(entries: Iterable[Entry]) -> list[str]:
    """Modules, libraries and files of `EXCLUDED` packages or of CUDA builds of PyTorch, sorted; should be []."""
    found: set[str] = set()
    for name, _, _ in entries:
        parts = name.replace("\\", "/").split("/")
        words = {parts[0], name if len(parts) == 1 else parts[0]}
        library = parts[-1].lower()
        dotted = any(word == no or word.startswith((f"{no}.", f"{no}-")) for word in words for no in EXCLUDED)
        if dotted or library.startswith(("libtorch", "torch_", "c10.", "libc10")):
            found.add(name)
    return sorted(found)


def distributions(modules: Iterable[str]) -> list[Distribution]:
    """The installed packages from which these modules come, each once, sorted by name."""
    known = packages_distributions()
    names = {name for module in modules for name in known.get(module.partition(".")[0], ())}
    return sorted((distribution(name) for name in names), key=lambda one: one.name.lower())


def licence_text(package: Distribution) -> str:
    """Name, version, licence and the licence files that the package brings, as one text."""
    meta = package.metadata
    licence = meta.get("License-Expression") or meta.get("License") or ""
    classes = [line.rpartition(" :: ")[2] for line in meta.get_all("Classifier") or [] if line.startswith("License")]
    parts = [f"{package.name} {package.version}", f"Licence: {licence.strip() or ', '.join(classes) or 'see below'}"]
    if page := meta.get("Home-page") or next(iter(meta.get_all("Project-URL") or []), ""):
        parts.append(f"Source: {page.rpartition(' ')[2]}")
    texts = [file for file in package.files or () if _LICENCE_FILE.search(file.as_posix())]
    parts += [Path(str(file.locate())).read_text("utf-8", "replace").strip() for file in texts]
    return "\n\n".join(parts) + "\n"
