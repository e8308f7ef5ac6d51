"""Denoising of spectra, as speech enhancement: a network that takes noise away and says what it is unsure of."""

from nmr_speech.enhancement.denoise import denoise
from nmr_speech.enhancement.load import load_denoiser
from nmr_speech.enhancement.network import Denoiser
from nmr_speech.enhancement.noise import noise_std
from nmr_speech.enhancement.one_dimension import Denoised1D, denoise_1d
from nmr_speech.enhancement.two_dimensions import Denoised2D, denoise_2d

__all__ = [
    "Denoised1D",
    "Denoised2D",
    "Denoiser",
    "denoise",
    "denoise_1d",
    "denoise_2d",
    "load_denoiser",
    "noise_std",
]
