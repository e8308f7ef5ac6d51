"""A missing device is reported before anything else happens."""

import pytest
import torch

from nmr_speech.checks import InputError
from nmr_speech.training.launch import choose_device, join_processes


@pytest.mark.parametrize("name", ["cuda", "cuda:1"])
def test_a_gpu_that_is_not_there(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for call in (choose_device, lambda device: join_processes({"device": device})):
        with pytest.raises(InputError, match=f"`device` '{name}' is not available; use --device=cpu"):
            call(name)
