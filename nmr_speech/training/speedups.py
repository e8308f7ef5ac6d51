"""SpeechBrain's models without work that changes nothing."""

from speechbrain.nnet.CNN import Conv1d
from torch import nn


def skip_idle_padding(module: nn.Module) -> nn.Module:
    """Keep convolutions of kernel size 1 from copying their input into a padded one of the same size.

    SpeechBrain pads for every "same" convolution, also where the padding is nothing. Outputs, weights and their names
    stay as they are. `benchmarks/steps/stock.py` measures what it saves.

    Arguments
    ---------
    module : nn.Module
        Any model; SpeechBrain's convolutions in it are changed in place.

    Returns
    -------
    nn.Module
        The same model.

    Example
    -------
    >>> skip_idle_padding(Conv1d(out_channels=4, kernel_size=1, in_channels=8)).padding
    'valid'
    """
    for part in module.modules():
        if isinstance(part, Conv1d) and part.kernel_size == 1 and part.stride == 1 and part.padding == "same":
            part.padding = "valid"
    return module
