"""From waveforms to an embedding, by the same call in training, scoring and publishing."""

import torch
from torch import nn


def embed(frontend: nn.Module, backbone: nn.Module, wavs: torch.Tensor) -> torch.Tensor:
    """Embed recordings.

    Equation 1 of Yip et al.: every stream of the front end goes through the same embedding model. The embeddings of the
    streams are summed here already, because the logits of a linear classifier, added up over the streams as in equation
    2, are sum_i (W e_i + b / K) = W (sum_i e_i) + b.

    Each recording is first divided by its largest value, for its amplitude carries no information about the residue.
    All recordings have the same length, so there are no lengths to pass.

    Arguments
    ---------
    frontend : nn.Module
        Maps wavs (B, T, 4) to features (B, K, L, F); see `nmr_speech.models.frontends`.
    backbone : nn.Module
        SpeechBrain embedding model, maps features (N, L, F) to embeddings (N, 1, D).
    wavs : torch.Tensor
        Waveforms, (B, T, 4).

    Returns
    -------
    torch.Tensor
        Embeddings, (B, D).

    Example
    -------
    >>> from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
    >>> from nmr_speech.models.frontends import QuadratureFrontEnd
    >>> backbone = ECAPA_TDNN(80, channels=[8] * 5, lin_neurons=16, attention_channels=8, se_channels=8)
    >>> embed(QuadratureFrontEnd(), backbone, torch.rand(2, 65536, 4)).shape
    torch.Size([2, 16])
    """
    return embed_streams(backbone, features(frontend, wavs))


def features(frontend: nn.Module, wavs: torch.Tensor) -> torch.Tensor:
    """First half of `embed`: waveforms to features.

    Arguments
    ---------
    frontend : nn.Module
        Maps wavs (B, T, 4) to features (B, K, L, F); see `nmr_speech.models.frontends`.
    wavs : torch.Tensor
        Waveforms, (B, T, 4).

    Returns
    -------
    torch.Tensor
        Features, (B, K, L, F).

    Example
    -------
    >>> features(nn.Identity(), torch.tensor([[[1.0, -4.0]]]))  # divided by the largest magnitude
    tensor([[[ 0.2500, -1.0000]]])
    """
    # The smallest normal number instead of zero: a recording of zeros stays one.
    peak = wavs.abs().amax(dim=(1, 2), keepdim=True)
    return frontend(wavs / peak.clamp(min=torch.finfo(wavs.dtype).tiny))


def embed_streams(backbone: nn.Module, feats: torch.Tensor) -> torch.Tensor:
    """Second half of `embed`: features to embeddings.

    Arguments
    ---------
    backbone : nn.Module
        Maps features (N, L, F) to embeddings (N, 1, D).
    feats : torch.Tensor
        Features, (B, K, L, F).

    Returns
    -------
    torch.Tensor
        Embeddings, summed over the K streams, (B, D).

    Example
    -------
    >>> from nmr_speech.models.deep_picker import DeepPicker
    >>> embed_streams(DeepPicker(), torch.rand(3, 2, 256, 80)).shape
    torch.Size([3, 18])
    """
    embeddings = backbone(feats.flatten(0, 1)).squeeze(1)
    return embeddings.unflatten(0, feats.shape[:2]).sum(dim=1)
