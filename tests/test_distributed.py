"""Past one machine: two real processes that train one adapter, the sums for 15 billion parameters, and many adapters served."""

import json
import os
import socket
import subprocess
import sys
from itertools import islice
from pathlib import Path

import httpx
import pytest

from copilot_lib import models, network
from copilot_lib.recipe import Recipe
from copilot_lib.tuning import batches, costs, drawing, finetune, material, training
from copilot_lib.tuning.batches import Batch

ROOT = Path(__file__).parent.parent
PROCESSES = 2

COMMAND = """
import hashlib, json, os, signal, sys
from pathlib import Path

from copilot_lib.__main__ import main
from copilot_lib.tuning import pace, training

notes, dies_at, words = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
pace.PRECISIONS = {"cpu": ("float32",)}
rank, real, steps = int(os.environ["RANK"]), training.weighted_loss, []

def noted(**what):
    with open(notes / f"{rank}.jsonl", "a") as file:
        file.write(json.dumps(what) + chr(10))

def watch(event, arguments):  # what Python itself opens to write, once training has begun
    if steps and event == "open" and any(letter in str(arguments[1]) for letter in "wax"):
        path = str(arguments[0])
        if path.startswith(str(notes.parent.parent)) and not path.startswith(str(notes)):
            noted(wrote=path)

def weighted_loss(model, given):
    if model.training and type(model).__name__ == "DistributedDataParallel":
        weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters() if p.requires_grad)
        steps.append(hashlib.sha256(weights).hexdigest())
        noted(pid=os.getpid(), batch=given["input_ids"].tolist(), weights=steps[-1])
        if rank == 1 and len(steps) == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
    return real(model, given)

training.weighted_loss = weighted_loss
sys.addaudithook(watch)
sys.exit(main(words))
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("code") / "shop"
    root.mkdir()
    for number in range(16):
        uses = [f"def price_of_{number}_{n}(basket):\n    return basket.zloty_total({n}) + vat_{number}\n" for n in range(24)]
        (root / f"part_{number}.py").write_text("\n\n".join([f"from shop.money import vat_{number}\n", *uses]))
    return root


def torchrun(folder: Path, dies_at: int, *words: str) -> subprocess.CompletedProcess:
    """Two processes that run the command line; the second dies at a step of its own, where one is named."""
    notes = folder / "notes"
    notes.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = folder / "command.py"
    script.write_text(COMMAND)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", str(PROCESSES), "--master_port", str(port)]
    environment = os.environ | {"COPILOT_ADAPTERS": str(folder / "adapters"), "HF_HUB_OFFLINE": "1"}
    command += [str(script), str(notes), str(dies_at), *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def noted(folder: Path, what: str) -> list[list]:
    """What each process noted."""
    files = [folder / "notes" / f"{rank}.jsonl" for rank in range(PROCESSES)]
    lines = [file.read_text().splitlines() for file in files]
    return [[note[what] for line in own if what in (note := json.loads(line))] for own in lines]


@pytest.fixture(scope="module")
def runs(repository, tiny, tmp_path_factory):
    """A run of two processes, of which one is killed, and the run that goes on from there; where all of it is."""
    folder = tmp_path_factory.mktemp("runs")
    words = ["finetune", str(repository), "--name", "shop", "--model", str(tiny), "--folder", str(folder / "run")]
    killed = torchrun(folder / "killed", 5, *words, "--epochs", "2", "--targets", "0")
    resumed = torchrun(folder / "resumed", 0, *words, "--resume", "--targets", "0")
    assert resumed.returncode == 0, resumed.stderr
    return folder, killed, resumed


def planned(runs, repository, tiny) -> tuple[finetune.Plan, material.Material, list[Batch]]:
    """The plan of those runs, and the batches that one process would see in as many steps."""
    found = material.collect(repository)
    plan = finetune.planned(runs[0] / "run", found, str(tiny), PROCESSES)
    codec, settings = models.load(str(tiny)).codec, plan.settings
    endless = batches.endless(
        lambda n: drawing.draw(found.train, codec, settings.example_tokens, settings.seed, n, plan.drawing),
        settings.batch_tokens,
        settings.answer_weight,
        codec.end_id,
        settings.seed,
    )
    return plan, found, list(islice(endless, PROCESSES * plan.steps))


def test_two_processes_see_together_what_one_would_see_and_nothing_twice(runs, repository, tiny):
    folder, killed, _ = runs
    plan, _, whole = planned(runs, repository, tiny)
    assert killed.returncode != 0
    assert plan.processes == PROCESSES and plan.steps >= 6
    before, after = (noted(folder / name, "batch") for name in ("killed", "resumed"))
    begun = plan.steps - len(after[0])  # the step that the second run went on from
    assert 0 < begun < 5
    for rank in range(PROCESSES):
        own = [batch.ids for batch in whole[rank::PROCESSES]]
        assert before[rank] == own[: len(before[rank])] and len(before[rank]) in (4, 5)
        assert after[rank] == own[begun:]
    processes = [set(pids) for pids in noted(folder / "resumed", "pid")]
    assert [len(pids) for pids in processes] == [1, 1] and processes[0] != processes[1]


def test_their_adapters_are_the_same_bit_for_bit_and_change_at_every_step(runs):
    first, second = noted(runs[0] / "resumed", "weights")
    assert first == second
    assert len(set(first)) == len(first)


def test_a_killed_run_of_two_goes_on_as_one_process_would_that_saw_both_batches_at_once(runs, repository, tiny, tmp_path):
    plan, found, whole = planned(runs, repository, tiny)
    codec = models.load(str(tiny)).codec
    held_out = finetune.held_out(found, codec, plan)
    held_out += held_out[: -len(held_out) % PROCESSES]
    pairs = [together(*whole[n : n + PROCESSES]) for n in range(0, len(whole), PROCESSES)]
    net, tokenizer = models.load_network(str(tiny), "cpu")
    one = training.train(net, tokenizer, lambda: iter(pairs), lambda: iter(held_out), plan.settings, plan.steps, tmp_path)
    two = json.loads((runs[0] / "run" / finetune.RESULT).read_text())
    assert [row["step"] for row in two["curve"]] == [row["step"] for row in one.curve]
    for ours, theirs in zip(one.curve, two["curve"], strict=True):
        assert ours == pytest.approx(theirs, abs=1e-4)
    assert two["best_loss"] < two["first_loss"]


def together(one: Batch, other: Batch) -> Batch:
    """Both batches as one, in which each of them counts as much as the other."""
    ids, weights, may_end = [], [], []
    length = max(len(one.ids[0]), len(other.ids[0]))
    for batch in (one, other):
        whole = sum(sum(row[1:]) for row in batch.weights)
        for row, counts, ends in zip(batch.ids, batch.weights, batch.may_end, strict=True):
            ids.append(row + [one.end_id] * (length - len(row)))
            weights.append([count / whole for count in counts] + [0.0] * (length - len(row)))
            may_end.append(ends + [True] * (length - len(row)))
    return Batch(ids, weights, may_end, one.end_id, one.tokens + other.tokens, one.answers + other.answers)


def test_only_the_first_process_writes_and_speaks(runs):
    folder, _, resumed = runs
    first, second = noted(folder / "resumed", "wrote")
    assert {Path(path).name for path in second} <= {"rng_state_1.pth"}
    assert {"trainer_state.json", "adapter_config.json", "README.md", "adapter.json"} <= {Path(path).name for path in first}
    assert resumed.stdout.count("to learn from") == resumed.stdout.count("Loss in the files") == 1
    saved = folder / "resumed" / "adapters" / "shop"
    assert {"adapter_config.json", "adapter_model.safetensors", "adapter.json", "README.md"} <= set(os.listdir(saved))
    assert "in each of 2 processes" in (saved / "README.md").read_text()


def test_a_run_of_two_processes_is_not_gone_on_with_by_one(runs, repository, tiny):
    with pytest.raises(ValueError, match="the number of processes changed since the run"):
        finetune.planned(runs[0] / "run", material.collect(repository), str(tiny))


def test_where_the_first_process_cannot_begin_it_says_so_and_the_others_end_in_silence(tiny, tmp_path):
    (tmp_path / "empty").mkdir()
    refused = torchrun(tmp_path, 0, "finetune", str(tmp_path / "empty"), "--name", "x", "--model", str(tiny))
    said = [line for line in refused.stderr.splitlines() if line.startswith("copilot_lib: ")]
    assert refused.returncode != 0 and len(said) == 1 and "Python files" in said[0]
    assert "copilot_lib/" not in refused.stderr, "no traceback of ours; torchrun adds one of its own"


CARDED = """
import sys
from copilot_lib.__main__ import main
from copilot_lib.cli import tuning

tuning.graphics_cards = lambda: 1
sys.exit(main(sys.argv[1:]))
"""


def test_more_processes_than_graphics_cards_are_refused_in_one_line(repository, tmp_path):
    (tmp_path / "carded.py").write_text(CARDED)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "carded.py"]
    command += ["finetune", str(repository), "--name", "x"]
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    said = [line for line in refused.stderr.splitlines() if line.startswith("copilot_lib: ")]
    assert refused.returncode != 0
    assert len(said) == 1 and "2 processes were started on a machine with 1 graphics card, " in said[0]
    assert "copilot_lib/" not in refused.stderr


def test_accelerate_launch_on_a_cpu_starts_one_process_and_we_say_so(tmp_path):
    script = tmp_path / "asked.py"
    script.write_text(
        "import os\nfrom copilot_lib.tuning import processes\n"
        "print(processes.join('cpu'), processes.warning(os.environ), sep=chr(10), flush=True)\n"
    )
    command = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", str(script)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == [
        "Processes(index=0, count=1)",
        "accelerate launch was asked for several processes and started one, as it does on CPUs: "
        "torchrun --nproc_per_node N starts N",
    ]


def test_short_memory_in_one_of_several_processes_ends_the_run_with_a_smaller_plan(repository, tiny, tmp_path, monkeypatch):
    found = material.collect(repository)
    plan = finetune.prepare(found, str(tiny), tmp_path, device="cpu", processes=PROCESSES)
    monkeypatch.setattr(training, "train", lambda *arguments: (_ for _ in ()).throw(MemoryError()))
    half = plan.settings.batch_tokens // 2
    with pytest.raises(ValueError, match=rf"from now on {half} tokens a step.* begin anew by the same command with --resume"):
        finetune.run(plan, found, tmp_path)
    smaller = finetune.planned(tmp_path, found, str(tiny), PROCESSES)
    assert (smaller.steps, smaller.settings.batch_tokens) == (2 * plan.steps, plan.settings.batch_tokens // 2)


SHARDED = """
import warnings

import torch
from peft import LoraConfig, get_peft_model
from torch import distributed
from torch.distributed.fsdp import fully_shard

from copilot_lib import network
from copilot_lib.recipe import Recipe

warnings.simplefilter("ignore")
distributed.init_process_group("gloo")
torch.manual_seed(0)
base = network.build(Recipe(width=64, layers=2, heads=2, context_tokens=256)).to(torch.bfloat16)
adapted = get_peft_model(base, LoraConfig(r=4, target_modules=["c_attn", "c_proj", "c_fc"], task_type="CAUSAL_LM"))
ids = torch.arange(40).reshape(2, 20)
whole = adapted(input_ids=ids, labels=ids).loss.item()
for layer in adapted.base_model.model.transformer.h:
    fully_shard(layer)
fully_shard(adapted)
loss = adapted(input_ids=ids, labels=ids).loss
loss.backward()
own = sum(p.to_local().numel() for p in adapted.parameters())
every = sum(p.numel() for p in adapted.parameters())
learns = all(p.grad.to_local().isfinite().all().item() for p in adapted.parameters() if p.requires_grad)
if distributed.get_rank() == 0:
    print(own, every, whole, loss.item(), learns)
distributed.destroy_process_group()
"""


def test_an_adapter_on_a_base_in_16_bits_can_be_sharded_and_says_the_same(tmp_path):
    (tmp_path / "sharded.py").write_text(SHARDED)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "sharded.py"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()
    own, every, whole, loss = map(float, said[:4])
    assert own == every / 2
    assert loss == pytest.approx(whole, abs=1e-3)
    assert said[4] == "True"


@pytest.fixture(scope="module")
def starcoder2():
    """StarCoder2-15B without its weights: transformers' own network, of which only the shapes are there."""
    import torch
    from transformers import AutoModelForCausalLM, Starcoder2Config

    shape = costs.STARCODER2_15B
    config = Starcoder2Config(
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        intermediate_size=shape.inner,
        vocab_size=shape.vocabulary,
        use_bias=True,
        tie_word_embeddings=shape.tied,
    )
    with training.quietly(), torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


def test_parameters_are_counted_as_transformers_and_peft_count_them(starcoder2):
    from peft import get_peft_model

    from copilot_lib.tuning import settings

    assert starcoder2.num_parameters() == costs.parameters(costs.STARCODER2_15B)
    with training.quietly():
        adapted = get_peft_model(starcoder2, settings.lora(starcoder2, settings.Settings(rank=16)))
    assert adapted.get_nb_trainable_parameters()[0] == costs.lora_parameters(costs.STARCODER2_15B, 16)


def test_what_a_layer_keeps_is_near_to_what_the_formula_says():
    import torch

    recipe = Recipe(width=128, layers=1, heads=2, context_tokens=256)
    kept = []
    for layers in (1, 2):  # the difference is one layer
        net = network.build(Recipe(**recipe.__dict__ | {"layers": layers})).train()
        sizes = {}
        own = {p.untyped_storage().data_ptr() for p in net.parameters()}

        def keep(tensor, sizes=sizes, own=own):
            where = tensor.untyped_storage().data_ptr()
            if where not in own:
                sizes[where] = tensor.untyped_storage().nbytes()
            return tensor

        ids = torch.arange(256).reshape(1, 256)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss = net(input_ids=ids, use_cache=False).logits.sum()
        kept.append(sum(sizes.values()))
        del loss
    in_16_bits = (kept[1] - kept[0]) / 2
    # The formula counts masks of dropout, which there are none of here, and no copies that attention makes on a CPU.
    assert in_16_bits / (costs.KEPT_BY_A_LAYER * 256 * recipe.width) == pytest.approx(1, abs=0.2)


ROWS = [
    ("all weights", None, "kept", "DDP, any"),
    ("all weights", None, "kept", "FSDP, 8"),
    ("all weights", None, "recomputed", "FSDP, 8"),
    ("all weights", None, "recomputed", "FSDP, 16"),
    ("LoRA, rank 16", 16, "kept", "DDP, any"),
    ("LoRA, rank 16", 16, "recomputed", "DDP, any"),
    ("LoRA, rank 16", 16, "kept", "FSDP, 8"),
    ("LoRA, rank 16", 16, "recomputed", "FSDP, 8"),
]


@pytest.mark.parametrize(("trained", "rank", "kept", "way"), ROWS)
def test_the_page_s_memory_is_what_the_formulas_say(trained, rank, kept, way):
    kind, cards = way.split(", ")
    options = {"processes": int(cards), "sharded": True} if kind == "FSDP" else {}
    found = costs.memory(costs.STARCODER2_15B, 4096, rank=rank, recomputed=kept == "recomputed", **options)
    parts = found.weights, found.gradients, found.states, found.activations, found.gathered
    numbers = " | ".join(f"{size / 1e9:.1f}" for size in parts)
    page = (ROOT / "book" / "distributed.md").read_text(encoding="utf-8")
    assert f"| {trained} | {kept} | {way} | {numbers} | **{found.total / 1e9:.1f}** |" in page


def test_the_page_s_other_sums_are_those_of_the_formulas():
    page = (ROOT / "book" / "distributed.md").read_text(encoding="utf-8")
    shape = costs.STARCODER2_15B
    lora = costs.sent(4 * costs.lora_parameters(shape, 16), 8) / 1e9
    every = costs.sent(2 * costs.parameters(shape), 8, sharded=True) / 1e9
    assert f"{lora:.1f} GB for LoRA under DDP, {every:.1f} GB for all weights under FSDP" in page
    assert f"{costs.parameters(shape):,} parameters" in page and f"trains {costs.lora_parameters(shape, 16):,} beside" in page


CONFIGS = sorted((ROOT / "book" / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_configuration_is_what_accelerate_understands_and_what_its_name_says(path, monkeypatch):
    from accelerate.commands import launch
    from accelerate.utils.launch import prepare_multi_gpu_env

    typed = launch.launch_command_parser().parse_args(["--config_file", str(path), "-m", "copilot_lib"])
    arguments, config, _ = launch._validate_launch_command(typed)  # what `accelerate launch` makes of it
    machines, sharded = 2 if "2x8" in path.stem else 1, path.stem.startswith("fsdp")
    assert (config.num_machines, config.num_processes) == (machines, 8 * machines)
    assert (arguments.multi_gpu, arguments.use_fsdp) == (not sharded, sharded)
    environment = prepare_multi_gpu_env(arguments)
    assert environment.get("ACCELERATE_USE_FSDP", "false") == str(sharded).lower()
    assert int(arguments.nproc_per_node) == 8
    if sharded:
        from accelerate import FullyShardedDataParallelPlugin

        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        plugin = FullyShardedDataParallelPlugin()
        assert plugin.fsdp_version == 2 and plugin.reshard_after_forward is True and plugin.activation_checkpointing
        assert plugin.auto_wrap_policy.__name__ == "transformer_auto_wrap_policy"
        assert "FULL" in str(plugin.state_dict_type)


def test_there_is_a_configuration_for_each_way_and_size():
    assert [path.stem for path in CONFIGS] == ["ddp-2x8", "ddp-8", "fsdp-2x8", "fsdp-8"]


def test_the_gateway_asks_an_engine_for_the_adapter_that_an_editor_names(serving, make_adapter, tmp_path, monkeypatch):
    for seed, name in enumerate(("shop", "billing")):
        make_adapter(tmp_path / "registry" / name, seed=seed, strength=0.1)
    monkeypatch.setenv("COPILOT_ADAPTERS", str(tmp_path / "registry"))
    gap = {"prompt": "def area(width, height):\n    return ", "suffix": "\n\n\nprint(area(2, 3))\n", "max_tokens": 8}

    def said(address: str, model: str | None) -> str:
        answer = httpx.post(f"{address}/v1/completions", json=gap | ({"model": model} if model else {}), timeout=60)
        return answer.json()["choices"][0]["text"]

    with serving() as (engine, _):
        monkeypatch.setenv("COPILOT_ADAPTERS", str(tmp_path / "none"))  # the gateway has no adapters of its own
        words = ("--backend", "openai", "--url", engine, "--model", "pocket", "--prompt-as-text", "--adapter", "shop")
        with serving(*words) as (gateway, _):
            names = ("pocket:base", "pocket:shop", "pocket:billing")
            there = {name: said(engine, name) for name in names}
            assert len(set(there.values())) == 3, "they differ"
            assert {name: said(gateway, name) for name in names} == there
            assert said(gateway, None) == there["pocket:shop"]


def test_a_repository_costs_what_its_lines_and_rates_multiply_to():
    rates = [costs.Rate("collect", "lines", 50, "a file"), costs.Rate("draw", "tokens", 1000, "a file")]
    small, large = (costs.repository(files, 100, 10, rates) for files in (10, 1_000_000))
    assert [cost.seconds for cost in small] == [20, 10]
    assert [cost.seconds for cost in large] == [2_000_000, 1_000_000]


def test_the_stored_rates_are_those_that_a_sum_is_made_of():
    stored = json.loads((ROOT / "results" / "costs" / "rates.json").read_text(encoding="utf-8"))
    rates = [costs.Rate(**row, source="results/costs/rates.json") for row in stored["rates"]]
    assert {rate.unit for rate in rates} == {"lines", "tokens", "places"} and all(rate.per_second > 0 for rate in rates)
    sums = costs.repository(1_000_000, stored["lines_per_file"], stored["tokens_per_line"], rates)
    assert [cost.what for cost in sums] == [rate.what for rate in rates]


def test_the_page_shows_what_one_card_was_measured_to_take():
    page = (ROOT / "book" / "distributed.md").read_text(encoding="utf-8").replace("**", "")
    stored = json.loads((ROOT / "results" / "costs" / "large.json").read_text(encoding="utf-8"))
    for row in stored["rows"]:
        assert (
            row["computed_bytes"]
            == costs.memory(costs.STARCODER2_15B, row["tokens"], rank=stored["rank"], recomputed=row["recomputed"]).total
        )
        way = "recomputed" if row["recomputed"] else "kept"
        computed, used = row["computed_bytes"] / 1e9, row["peak_bytes"] / 1e9
        speeds = f"{row['tokens_per_second']:,} | {row['tera_operations_per_second']:.0f} |"
        assert f"| {way} | {row['tokens']:,} | {computed:.1f} | {used:.1f} | {speeds}" in page
    assert stored["hardware"] in page
