"""From a source to a model, and from a recording to an answer: classify, verify, out-of-distribution warnings.

SpeechBrain takes seconds to import, so each name is imported when it is first used (PEP 562).
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nmr_speech.inference.classifier import AminoAcidClassifier
    from nmr_speech.inference.classify import Classification, classify_spectrum, occlusion
    from nmr_speech.inference.load import Classifier, Embedder, load_classifier, load_embedder
    from nmr_speech.inference.measured import Reading, read_measured

__all__ = [
    "AminoAcidClassifier",
    "Classification",
    "Classifier",
    "Embedder",
    "Reading",
    "classify_spectrum",
    "load_classifier",
    "load_embedder",
    "occlusion",
    "read_measured",
]

_MODULES = {
    "classifier": ("AminoAcidClassifier",),
    "classify": ("Classification", "classify_spectrum", "occlusion"),
    "measured": ("Reading", "read_measured"),
    "load": ("Classifier", "Embedder", "load_classifier", "load_embedder"),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
