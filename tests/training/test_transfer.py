"""Freezing: what is frozen stays as it is, costs no gradient, and is not in checkpoints."""

import pytest
import torch
from speechbrain.nnet.normalization import BatchNorm1d
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nmr_speech.checks import InputError
from nmr_speech.hub.tensors import Saved, find_weights
from nmr_speech.models.embed import embed
from nmr_speech.models.frontends import ConvFrontEnd
from nmr_speech.models.heads import LinearHead
from nmr_speech.training.checkpoints import WholeCheckpointer
from nmr_speech.training.transfer import Pretrained
from tests.fixtures import backbone
from tests.hub.test_tensors import speaker_model


@pytest.fixture
def source(tmp_path):
    return speaker_model(tmp_path / "speech", seed=1)


def copied(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def changed(module, before):
    return {name for name, tensor in module.state_dict().items() if not torch.equal(tensor, before[name])}


def step(model, seed=0):
    feats = torch.randn(4, 50, 80, generator=torch.Generator().manual_seed(seed))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=0.1)
    (model(feats) * torch.randn(4, 1, 12, generator=torch.Generator().manual_seed(1))).sum().backward()
    optimizer.step()
    return optimizer


BLOCKS = ("blocks.0", "blocks.1", "blocks.2", "blocks.3", "mfa", "asp", "asp_bn", "fc")


@pytest.mark.parametrize("first", BLOCKS)
def test_a_block_and_all_after_it_are_trained(first, source):
    model = Pretrained(backbone(), source, unfreeze={1: first})
    nn.ModuleDict({"all": model}).train()  # as Brain does
    before = copied(model.module)
    optimizer = step(model)
    trained = BLOCKS[BLOCKS.index(first) :]
    names = {name for name in before if name.startswith(tuple(f"{block}." for block in trained))}
    assert changed(model.module, before) <= names
    weights = {name for name, _ in model.module.named_parameters()}
    # A bias before a softmax over frames changes nothing and so gets no gradient but rounding.
    assert changed(model.module, before) | {"asp.conv.conv.bias"} >= names
    stepped = {id(weight) for weight in optimizer.state}
    assert stepped == {id(weight) for name, weight in model.module.named_parameters() if name in names & weights}


def test_frozen_whoever_calls_train(source):
    model = Pretrained(backbone(), source)
    assert model.always_frozen
    for call in (model.train, nn.ModuleList([model]).train, lambda: nn.Sequential(model).train(True)):
        call()
        assert not any(part.training for part in model.module.modules())
    before = copied(model.module)
    frontend = nn.Linear(80, 80)
    model(frontend(torch.randn(4, 50, 80))).sum().backward()
    assert changed(model.module, before) == set()
    assert all(weight.grad is None for weight in model.parameters())
    assert frontend.weight.grad.abs().sum() > 0


def test_not_frozen_is_as_if_it_were_not_wrapped(source):
    wrapped, plain = Pretrained(backbone(), source, freeze=False), backbone()
    plain.load_state_dict(torch.load(source / "embedding_model.ckpt"))
    for model in (wrapped.train(), plain.train()):
        step(model)
    assert changed(plain, copied(wrapped.module)) == set()
    assert all(part.training for part in wrapped.module.modules())
    wrapped.eval()
    assert not any(part.training for part in wrapped.module.modules())


def test_unfreezing_goes_by_epochs(source):
    model = Pretrained(backbone(), source, unfreeze={2: "asp", 4: "blocks.2"}).train()
    heads = {}
    for epoch in (1, 2, 3, 4, 5, 1):
        model.set_epoch(epoch)
        asking = {name.split(".")[1] for name, weight in model.named_parameters() if weight.requires_grad}
        training = {
            name for name, part in model.module.named_modules() if isinstance(part, BatchNorm1d) and part.training
        }
        assert {name.split(".")[0] for name in training} == asking & {"blocks", "mfa", "asp", "asp_bn"}
        heads.setdefault(epoch, asking)
    late = {"asp", "asp_bn", "fc"}
    assert list(heads.values()) == [set(), late, late, late | {"mfa", "blocks"}, late | {"mfa", "blocks"}]


def test_frozen_parts_stay_so_under_synchronised_normalisation(source):
    """What DistributedDataParallel does to each module first: other objects under the same names."""
    model = nn.SyncBatchNorm.convert_sync_batchnorm(Pretrained(backbone(), source, unfreeze={1: "mfa"}))
    model.train()
    modes = {n: p.training for n, p in model.module.named_modules() if isinstance(p, nn.SyncBatchNorm)}
    assert modes
    assert all(training == n.startswith(("mfa", "asp")) for n, training in modes.items())


def flops(model, backward):
    """Multiplications and additions, as the operators are called."""
    frontend, encoder, head = model
    wavs = torch.randn(2, 65536, 4, generator=torch.Generator().manual_seed(0))
    with FlopCounterMode(display=False) as counter:
        loss = head(embed(frontend, encoder, wavs)).sum()
        if backward:
            loss.backward()
    return counter.get_total_flops()


def test_no_weight_gradient_is_computed_on_the_way_to_the_front_end(source):
    """A convolution's gradient by its input costs what it costs forward, that by its weight as much again.

    Frozen: the front end has a gradient by its weight alone, the encoder by its input alone, the head by both.
    """
    for freeze, times in (
        (True, {"frontend": 1, "encoder": 1, "head": 2}),
        (False, {"frontend": 1, "encoder": 2, "head": 2}),
    ):
        model = nn.ModuleList([ConvFrontEnd(), Pretrained(backbone(), source, freeze=freeze), LinearHead(12, 3)])
        forward = flops(model, backward=False)
        head = 2 * 2 * 12 * 3
        frontend = 2 * 2 * 4 * 256 * 256 * 80
        encoder = forward - head - frontend
        expected = times["frontend"] * frontend + times["encoder"] * encoder + times["head"] * head
        assert flops(model, backward=True) - forward == pytest.approx(expected, rel=1e-6)


def checkpointer(model, folder):
    return WholeCheckpointer(folder, {"backbone": model})


def test_a_checkpoint_holds_what_is_trained_and_names_the_rest(source, tmp_path):
    for unfreeze, freeze, store, kept in (
        (None, True, False, ()),
        ({1: "asp"}, True, False, ("asp.", "asp_bn.", "fc.")),
        (None, True, True, ("",)),
        (None, False, False, ("",)),
    ):
        model = Pretrained(backbone(), source, freeze=freeze, unfreeze=unfreeze, store_frozen=store)
        folder = tmp_path / f"save{freeze}{unfreeze}{store}".replace(" ", "").replace("'", "")
        saved = Saved.load(checkpointer(model, folder).save_checkpoint().paramfiles["backbone"])
        assert set(saved.tensors) == {name for name in model.module.state_dict() if kept and name.startswith(kept)}
        assert saved.origin == find_weights(source)
        assert saved.complete == (kept == ("",))


def test_an_early_checkpoint_brings_back_what_was_trained_later(source, tmp_path):
    """The best epoch may lie before the unfreezing: the weights of the source must return, statistics too."""
    model = Pretrained(backbone(), source, unfreeze={2: "blocks.0"}).train()
    saver = checkpointer(model, tmp_path / "save")
    before = copied(model.module)
    first = saver.save_checkpoint()
    model.set_epoch(2)
    step(model)
    assert "mfa.norm.norm.running_mean" in changed(model.module, before)
    later, second = copied(model.module), saver.save_checkpoint(name="later")
    saver.load_checkpoint(first)
    assert changed(model.module, before) == set()
    saver.load_checkpoint(second)
    assert changed(model.module, later) == set()


@pytest.mark.parametrize("freeze", [True, False])
def test_a_checkpoint_that_began_with_other_weights_is_refused(freeze, source, tmp_path):
    checkpointer(Pretrained(backbone(), source, freeze=freeze), tmp_path / "save").save_checkpoint()
    for other in (speaker_model(tmp_path / "other", seed=2), None):
        model = Pretrained(backbone(), other, freeze=freeze)
        before = copied(model.module)
        with pytest.raises(
            InputError, match=r"initialised from .*speech \(a folder\).*, but now the source is .*`output_fold"
        ):
            checkpointer(model, tmp_path / "save").recover_if_possible()
        assert changed(model.module, before) == set()


def test_random_weights_are_kept_whole(tmp_path):
    model = Pretrained(backbone(), None)
    before = copied(model.module)
    checkpointer(model, tmp_path / "save").save_checkpoint()
    other = Pretrained(backbone(), None)
    assert changed(other.module, before)
    checkpointer(other, tmp_path / "save").recover_if_possible()
    assert changed(other.module, before) == set()


BAD = {
    "a block that is none": ({"unfreeze": {1: "mfb"}}, "`unfreeze` must be one of .*; got 'mfb', did you mean 'mfa'?"),
    "an epoch that is none": ({"unfreeze": {0: "mfa"}}, "`unfreeze` must be a whole number from 1"),
    "the wrong way": ({"unfreeze": {1: "mfa", 2: "fc"}}, "must go from the end of the model to its beginning"),
    "no mapping": ({"unfreeze": "mfa"}, r"`unfreeze` must map epochs to blocks, such as \{3: mfa\}, got 'mfa'"),
    "nothing to unfreeze": ({"freeze": False, "unfreeze": {1: "mfa"}}, "`unfreeze` needs `freeze: True`"),
    "yes": ({"freeze": "yes"}, "`freeze` must be one of True, False; got 'yes'"),
    "a rate for nothing": ({"learning_rate": 0.1}, "needs a part of it that is trained"),
    "a negative rate": ({"learning_rate": -1, "freeze": False}, "`learning_rate` must be positive, got -1"),
}


@pytest.mark.parametrize("kind", BAD)
def test_settings_that_mean_nothing(kind, source):
    settings, message = BAD[kind]
    with pytest.raises(InputError, match=message):
        Pretrained(backbone(), source, **settings)


def test_a_schedule_that_a_training_cannot_keep():
    model = Pretrained(backbone(), None, unfreeze={3: "mfa"})
    model.check(number_of_epochs=3, processes=1)
    with pytest.raises(InputError, match="`unfreeze` must name epochs up to 2, got 3"):
        model.check(number_of_epochs=2, processes=1)
    with pytest.raises(InputError, match="works with one process only"):
        model.check(number_of_epochs=3, processes=2)
    Pretrained(backbone(), None, unfreeze={1: "mfa"}).check(number_of_epochs=1, processes=2)
