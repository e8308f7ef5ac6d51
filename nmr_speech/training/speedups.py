"""SpeechBrain's models without needless work."""

from speechbrain.nnet.CNN import Conv1d
from torch import nn


def skip_idle_padding(module: nn.Module) -> nn.Module:
    """Stop convolutions of kernel size 1 from copying their input into a padded one of the same size.

    SpeechBrain pads for every "same" convolution, even by zero samples. Outputs, weights and their names do
    not change. `benchmarks/steps/stock.py` measures the time saved.

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
