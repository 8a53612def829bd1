"""The calls of peft and trl that the book relies on, one test each: where one of them changes, this says which.

It knows what the libraries do; what this project does with them is tested elsewhere.
"""

import pytest
import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors import safe_open
from transformers import AutoModelForCausalLM, DataCollatorForLanguageModeling, GPTBigCodeConfig
from trl import SFTConfig, SFTTrainer

from copilot_lib import models
from copilot_lib.tuning import settings as named
from copilot_lib.tuning.settings import Settings
from copilot_lib.tuning.training import quietly

TINY_STARCODER = GPTBigCodeConfig(vocab_size=49152, n_positions=8192, n_embd=768, n_layer=20, n_head=12, n_inner=3072)
"""The shape of `bigcode/tiny_starcoder_py`, from its published config."""
ARTICLE = LoraConfig(
    r=16,
    lora_alpha=32,
    target_modules=["c_attn", "c_proj", "c_fc"],
    lora_dropout=0.05,
    bias="none",
    task_type="CAUSAL_LM",
)
IDS = torch.arange(20, 60)[None]
"""Some text for a network."""


@pytest.fixture
def pocket():
    network, tokenizer = models.load_network("pocket", "cpu")
    return network, tokenizer


@pytest.fixture(autouse=True)
def quiet():
    with quietly():
        yield


@pytest.fixture(scope="module")
def article():
    """The article's model with the article's adapter, on the device that has shapes and no numbers."""
    with quietly(), torch.device("meta"):
        return get_peft_model(AutoModelForCausalLM.from_config(TINY_STARCODER), ARTICLE, low_cpu_mem_usage=True)


def adapted(network, **options):
    """The network with an adapter whose numbers are not zero."""
    made = get_peft_model(network, named.lora(network, Settings(rank=4, alpha=8, **options))).eval()
    torch.manual_seed(0)
    with torch.no_grad():
        for name, weight in made.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.05)
    return made


def layers_of(network) -> dict[str, BaseTunerLayer]:
    return {name: module for name, module in network.named_modules() if isinstance(module, BaseTunerLayer)}


def test_the_article_s_adapter_has_exactly_as_many_numbers_as_it_says(article):
    assert article.get_nb_trainable_parameters() == (3_481_600, 167_625_728)


def test_c_proj_means_two_layers_of_a_block(article):
    names = layers_of(article)
    assert len(names) == 20 * 4
    assert sum(name.endswith("attn.c_proj") for name in names) == sum(name.endswith("mlp.c_proj") for name in names) == 20


def test_each_layer_has_rank_times_in_plus_out_numbers(article):
    found: dict[str, int] = {}
    for name, layer in layers_of(article).items():
        kind = ".".join(name.split(".")[-2:])
        numbers = layer.lora_A["default"].weight.numel() + layer.lora_B["default"].weight.numel()
        assert numbers == 16 * (layer.in_features + layer.out_features)
        found[kind] = found.get(kind, 0) + numbers
    assert found == {"attn.c_attn": 532_480, "attn.c_proj": 491_520, "mlp.c_fc": 1_228_800, "mlp.c_proj": 1_228_800}


def test_an_adapter_s_file_has_four_bytes_a_number_and_a_header(pocket, tmp_path):
    made = adapted(pocket[0])
    made.save_pretrained(tmp_path)
    file = tmp_path / "adapter_model.safetensors"
    numbers, _ = made.get_nb_trainable_parameters()
    header = 8 + int.from_bytes(file.read_bytes()[:8], "little")
    assert file.stat().st_size == 4 * numbers + header
    assert header < 20_000
    with safe_open(file, "pt") as stored:
        assert sum(stored.get_tensor(name).numel() for name in stored.keys()) == numbers  # noqa: SIM118 - no mapping


def test_a_new_adapter_changes_nothing_and_one_that_is_switched_off_neither(pocket):
    network, _ = pocket
    with torch.no_grad():
        before = network(IDS).logits
        assert torch.equal(get_peft_model(network, named.lora(network, Settings())).eval()(IDS).logits, before)
        made = adapted(models.load_network("pocket", "cpu")[0])
        assert not torch.allclose(made(IDS).logits, before, atol=0.1)
        with made.disable_adapter():
            assert torch.equal(made(IDS).logits, before)


def test_layers_are_named_by_their_ends_and_a_name_that_fits_none_is_refused(pocket):
    network, _ = pocket
    for wrong in ("q_proj", "fc", "lm_head"):
        with pytest.raises(ValueError, match=f"layer whose name ends in '{wrong}': expected some of c_attn, c_fc, c_proj$"):
            named.lora(network, Settings(targets=(wrong,)))
    made = get_peft_model(network, named.lora(network, Settings(targets=("c_fc", "mlp.c_proj"))))
    assert {".".join(name.split(".")[-2:]) for name in layers_of(made)} == {"mlp.c_fc", "mlp.c_proj"}


def test_a_first_gradient_reaches_b_alone(pocket):
    network, _ = pocket
    made = get_peft_model(network, named.lora(network, Settings()))
    made(input_ids=IDS, labels=IDS).loss.backward()
    for name, weight in made.named_parameters():
        if weight.requires_grad:
            assert bool(weight.grad.abs().max() > 0) == ("lora_B" in name), name


def test_only_the_adapter_is_trained(pocket):
    made = adapted(pocket[0])
    assert all(("lora_" in name) == weight.requires_grad for name, weight in made.named_parameters())


def test_merged_is_equal_up_to_rounding_and_no_layer_of_peft_s_is_left(pocket):
    made = adapted(pocket[0])
    with torch.no_grad():
        before = made(IDS).logits
        merged = made.merge_and_unload()
        assert not layers_of(merged)
        torch.testing.assert_close(merged(IDS).logits, before, atol=1e-3, rtol=1e-4)


def test_beside_a_network_of_16_bits_the_adapter_has_32(pocket):
    made = adapted(pocket[0].to(torch.bfloat16))
    kinds = {("lora_" in name, weight.dtype) for name, weight in made.named_parameters()}
    assert kinds == {(True, torch.float32), (False, torch.bfloat16)}


def test_an_adapter_by_another_name_is_saved_in_a_folder_of_that_name(pocket, tmp_path):
    get_peft_model(pocket[0], named.lora(pocket[0], Settings()), adapter_name="alice").save_pretrained(tmp_path)
    assert (tmp_path / "alice" / "adapter_model.safetensors").exists()
    assert not (tmp_path / "adapter_model.safetensors").exists()


def test_names_of_another_family_s_layers_are_an_error(pocket):
    with pytest.raises(ValueError, match=r"Target modules \{'q_proj'\} not found in the base model"):
        get_peft_model(pocket[0], LoraConfig(target_modules=["q_proj"]))


def test_a_folder_without_an_adapter_and_one_for_another_shape_are_errors(pocket, tmp_path):
    with pytest.raises(ValueError, match=r"Can't find 'adapter_config\.json'"):
        PeftModel.from_pretrained(pocket[0], str(tmp_path))
    adapted(pocket[0]).save_pretrained(tmp_path)
    other = AutoModelForCausalLM.from_config(GPTBigCodeConfig(vocab_size=64, n_positions=64, n_embd=64, n_layer=2, n_head=2))
    with pytest.raises(RuntimeError, match=r"size mismatch for base_model\.model\.transformer\.h\.0\.attn\.c_attn\.lora_A"):
        PeftModel.from_pretrained(other, tmp_path)


@pytest.mark.parametrize("old", [{"max_seq_length": 1024}, {"warmup_ratio": 0.1}])
def test_arguments_of_older_trl_are_errors(tmp_path, old):
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{next(iter(old))}'"):
        SFTConfig(output_dir=str(tmp_path), **old)


def test_warm_up_below_one_is_a_share_of_the_steps(tmp_path):
    assert arguments(tmp_path, warmup_steps=0.1, max_steps=50).get_warmup_steps(50) == 5


@pytest.mark.skipif(torch.cuda.is_available(), reason="a card may have bfloat16")
def test_on_a_cpu_the_default_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="Your setup doesn't support bf16/gpu"):
        SFTConfig(output_dir=str(tmp_path))


def arguments(folder, **options) -> SFTConfig:
    common = {"use_cpu": True, "bf16": False, "gradient_checkpointing": False, "report_to": "none", "disable_tqdm": True}
    return SFTConfig(output_dir=str(folder), dataset_text_field="text", max_length=64, **common | options)


def trainer(network, folder, **options) -> SFTTrainer:
    rows = Dataset.from_dict({"text": ["def f():\n    return 1\n"] * 4})
    return SFTTrainer(model=network, args=arguments(folder, max_steps=1), train_dataset=rows, **options)


def test_the_tokenizer_is_called_processing_class(pocket, tmp_path):
    network, tokenizer = pocket
    with pytest.raises(TypeError, match="unexpected keyword argument 'tokenizer'"):
        trainer(network, tmp_path, tokenizer=tokenizer)
    assert trainer(network, tmp_path, processing_class=tokenizer).processing_class is tokenizer


def test_a_model_that_has_an_adapter_takes_no_second_description_of_one(pocket, tmp_path):
    network, tokenizer = pocket
    made, described = adapted(network), named.lora(network, Settings())
    with pytest.raises(ValueError, match="You passed a `PeftModel` instance together with a `peft_config`"):
        trainer(made, tmp_path, processing_class=tokenizer, peft_config=described)
    assert isinstance(trainer(made, tmp_path, processing_class=tokenizer).model, PeftModel)


def test_trl_learns_the_end_token_also_where_padding_has_the_same_id(pocket, tmp_path):
    network, tokenizer = pocket
    tokenizer.pad_token = tokenizer.eos_token
    given = next(iter(trainer(network, tmp_path, processing_class=tokenizer).get_train_dataloader()))
    assert (given["labels"][:, -1] == tokenizer.eos_token_id).all()


def test_transformers_own_collator_hides_the_end_token_where_padding_has_the_same_id(pocket):
    _, tokenizer = pocket
    row = {"input_ids": [*tokenizer("x = 1")["input_ids"], tokenizer.eos_token_id]}
    kept = DataCollatorForLanguageModeling(tokenizer, mlm=False)([row])["labels"][0, -1]
    tokenizer.pad_token = tokenizer.eos_token
    hidden = DataCollatorForLanguageModeling(tokenizer, mlm=False)([row])["labels"][0, -1]
    assert (kept, hidden) == (tokenizer.eos_token_id, -100)
