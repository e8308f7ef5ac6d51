"""From FIDs to what SpeechBrain reads: pseudo-audio, WAV files, CSV manifests, splits, data sets on disk."""

from nmr_speech.corpus.pseudo_audio import stack_fid, unstack_fid
from nmr_speech.corpus.wav import read_wav, write_wav

__all__ = ["read_wav", "stack_fid", "unstack_fid", "write_wav"]
