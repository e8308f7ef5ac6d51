"""From FIDs to what SpeechBrain reads: pseudo-audio, WAV files, CSV manifests, splits, data sets on disk."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nmr_speech.corpus.pseudo_audio import stack_fid, unstack_fid
    from nmr_speech.corpus.wav import read_wav, write_wav

__all__ = ["read_wav", "stack_fid", "unstack_fid", "write_wav"]

_MODULES = {"stack_fid": "pseudo_audio", "unstack_fid": "pseudo_audio", "read_wav": "wav", "write_wav": "wav"}


def __getattr__(name: str) -> Any:
    # Imported when asked for (PEP 562): trial lists and their scores then need no torch.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
