"""Amino acids as speakers: simulated TOCSY experiments, stored as audio and classified by speaker-embedding models."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nmr_speech.inference.classifier import AminoAcidClassifier

__version__ = "0.2.0"
__all__ = ["AminoAcidClassifier", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the classifier on first use (PEP 562): SpeechBrain alone takes seconds to import."""
    if name == "AminoAcidClassifier":
        from nmr_speech.inference.classifier import AminoAcidClassifier  # noqa: PLC0415

        return AminoAcidClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
