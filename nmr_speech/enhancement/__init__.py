"""Denoising of spectra, as speech enhancement: a network that takes noise away and says what it is unsure of."""

from nmr_speech.enhancement.denoise import denoise
from nmr_speech.enhancement.load import load_denoiser
from nmr_speech.enhancement.network import Denoiser
from nmr_speech.enhancement.noise import noise_std

__all__ = ["Denoiser", "denoise", "load_denoiser", "noise_std"]
