"""Heads against their formulas."""

import math

import torch

from nmr_speech.models.heads import LinearHead, MarginHead


def test_the_linear_head_is_equation_2():
    head, embeddings = LinearHead(6, 20), torch.randn(3, 6)
    assert torch.allclose(head(embeddings, torch.tensor([0, 1, 2])), embeddings @ head.weight.T + head.bias)


def test_the_margin_is_an_angle_on_the_true_class_alone():
    head = MarginHead(2, 2, margin=0.2, scale=30.0)
    with torch.no_grad():
        head.cosine.weight.copy_(torch.eye(2))
    angle = 0.7
    embedding = torch.tensor([[math.cos(angle), math.sin(angle)]])
    plain = 30 * torch.tensor([[math.cos(angle), math.sin(angle)]])
    assert torch.allclose(head(embedding), plain, atol=1e-4)
    assert torch.allclose(head(5 * embedding), plain, atol=1e-4)  # length says nothing
    margin = 30 * torch.tensor([[math.cos(angle + 0.2), math.sin(angle)]])
    assert torch.allclose(head(embedding, torch.tensor([0])), margin, atol=1e-3)
