"""The engine's promises, on a real network small enough to run in milliseconds."""

import random

import numpy
import pytest
import torch
from transformers import GPTBigCodeConfig, GPTBigCodeForCausalLM, Starcoder2Config, Starcoder2ForCausalLM

from copilot_lib.engine import PREFILL_CHUNK, Cancel, Engine, choose
from copilot_lib.ngrams import unmixed
from copilot_lib.runner import TorchRunner
from copilot_lib.sampling import Sampling

VOCABULARY = 97


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(3)
    config = GPTBigCodeConfig(vocab_size=VOCABULARY, n_positions=640, n_embd=32, n_layer=2, n_head=2, initializer_range=0.4)
    return GPTBigCodeForCausalLM(config).eval()


@pytest.fixture
def engine(network):
    return Engine(TorchRunner(network))


def ids(engine, prompt, **options):
    return list(engine.generate(prompt, **({"stop_ids": (), "max_new_tokens": 12} | options)))


def test_greedy_output_equals_transformers_generate(network, engine):
    for seed in range(5):
        prompt = torch.randint(0, VOCABULARY, (1, 20), generator=torch.Generator().manual_seed(seed))
        expected = network.generate(prompt, max_new_tokens=12, do_sample=False, pad_token_id=0, eos_token_id=VOCABULARY)
        assert ids(engine, prompt[0].tolist()) == expected[0, 20:].tolist()


def test_reused_keys_and_values_give_what_a_fresh_engine_gives_over_an_editing_walk(network, engine):
    walk = random.Random(1)
    document = [walk.randrange(VOCABULARY) for _ in range(60)]
    reused = 0
    for _ in range(40):
        at = walk.randrange(len(document))
        match walk.choice(("type", "type", "type", "delete", "jump")):
            case "type":
                document.append(walk.randrange(VOCABULARY))
            case "delete":
                del document[at : at + 3]
            case "jump":
                document[at:at] = [walk.randrange(VOCABULARY) for _ in range(4)]
        run = engine.generate(document, stop_ids=(), max_new_tokens=6)
        assert list(run) == ids(Engine(TorchRunner(network)), document, max_new_tokens=6)
        reused += run.reused
    assert reused > 0


def one_by_one(network, prompt, count, sampling):
    """The text without any cache or guess: the whole of it goes through the network for each id."""
    draws, written = numpy.random.default_rng(sampling.seed), []
    for _ in range(count):
        logits = network(torch.tensor([[*prompt, *written]])).logits[0, -1].detach().numpy()
        written.append(choose(logits, sampling, draws))
    return written


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=0.7, seed=5)], ids=["greedy", "drawn"])
def test_guesses_save_passes_and_change_nothing(network, engine, sampling):
    saved = 0
    for seed in range(6):
        phrase = numpy.random.default_rng(seed).integers(0, VOCABULARY, 12).tolist()
        prompt = [*phrase, *one_by_one(network, phrase, 24, Sampling()), *phrase]  # what comes may have come before
        run = engine.generate(prompt, stop_ids=(), max_new_tokens=24, sampling=sampling)
        assert list(run) == one_by_one(network, prompt, 24, sampling)
        saved += 23 - run.passes
    assert saved > 0


def test_a_guess_never_runs_past_the_context_or_the_length_asked_for(network):
    for length in (630, 634, 638, 639):
        engine = Engine(TorchRunner(network))
        run = engine.generate(([5, 6, 7, 8, 9] * 200)[:length], stop_ids=(), max_new_tokens=3)
        assert len(list(run)) == min(3, 640 - length)
        assert engine.runner.length <= length + 2


def test_typing_one_token_computes_one_token(engine):
    prompt = list(range(50))
    ids(engine, prompt)
    run = engine.generate([*prompt, 7], stop_ids=(), max_new_tokens=1)
    list(run)
    assert (run.reused, run.computed) == (50, 1)


def test_the_same_prompt_again_computes_only_its_last_token(engine):
    prompt = list(range(50))
    first = ids(engine, prompt)
    run = engine.generate(prompt, stop_ids=(), max_new_tokens=12)
    assert list(run) == first
    assert run.computed == 1


def test_a_stop_id_ends_the_stream_and_is_not_part_of_it(engine):
    prompt = list(range(30))
    free = ids(engine, prompt)
    stop = next(token for n, token in enumerate(free) if n and token not in free[:n])
    run = engine.generate(prompt, stop_ids={stop}, max_new_tokens=12)
    assert list(run) == free[: free.index(stop)]
    assert run.stopped == "end"


def test_max_new_tokens_is_kept_and_named(engine):
    run = engine.generate([1, 2], stop_ids=(), max_new_tokens=5)
    assert len(list(run)) == 5
    assert run.stopped == "length"


def test_zero_new_tokens_fills_the_cache_and_gives_nothing(engine):
    run = engine.generate([1, 2, 3], stop_ids=(), max_new_tokens=0)
    assert list(run) == []
    assert engine.runner.length == 3


def test_the_stream_ends_where_the_context_is_full(engine):
    prompt = [n % VOCABULARY for n in range(630)]
    run = engine.generate(prompt, stop_ids=(), max_new_tokens=50)
    assert len(list(run)) == 10, "one for each position that the prompt left free"
    assert run.stopped == "context full"


def test_sampling_repeats_with_a_seed_and_varies_without_it(engine):
    hot = {"max_new_tokens": 20}
    drawn = [tuple(ids(engine, [5, 6, 7], sampling=Sampling(temperature=1.5, seed=seed), **hot)) for seed in (1, 1, 2, 3)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 3


def test_forgetting_while_a_request_runs_is_refused(engine):
    stream = iter(engine.generate([1, 2, 3], stop_ids=(), max_new_tokens=12))
    next(stream)
    engine.forget()
    with pytest.raises(RuntimeError, match="another request"):
        next(stream)


def test_cancel_stops_between_two_tokens_and_the_next_request_is_right(network, engine):
    cancel = Cancel()
    run = engine.generate([1, 2, 3], stop_ids=(), max_new_tokens=12, cancel=cancel)
    stream = iter(run)
    first = [next(stream), next(stream)]
    cancel.cancel()
    assert list(stream) == []
    assert run.stopped == "cancelled"
    assert ids(engine, [1, 2, 3]) == ids(Engine(TorchRunner(network)), [1, 2, 3])
    assert ids(engine, [1, 2, 3])[:2] == first


def test_cancel_stops_a_long_prefill_between_two_chunks(network):
    cancel = Cancel()

    class CancelledDuringPrefill(TorchRunner):
        def advance(self, ids, scores=1):
            cancel.cancel()
            return super().advance(ids, scores)

    runner = CancelledDuringPrefill(network)
    run = Engine(runner).generate([0] * 600, stop_ids=(), max_new_tokens=4, cancel=cancel)
    assert list(run) == []
    assert (run.stopped, runner.length) == ("cancelled", PREFILL_CHUNK)


def ticking(step):
    now = [0.0]

    def clock():
        now[0] += step
        return now[0]

    return clock


def test_time_limits_hold_for_prefill_and_decode(network):
    slow = Engine(TorchRunner(network), clock=ticking(0.1))
    run = slow.generate([0] * 600, stop_ids=(), max_new_tokens=4, prefill_ms=150)
    assert (list(run), run.stopped) == ([], "prefill time")
    run = slow.generate([1, 2], stop_ids=(), max_new_tokens=50, decode_ms=450)
    assert 1 <= len(list(run)) < 10
    assert run.stopped == "decode time"


@pytest.mark.parametrize(
    ("prompt", "count", "words"),
    [([], 4, "at least one"), ([1], -1, "0 or more"), ([1] * 640, 4, "takes 639")],
)
def test_impossible_requests_are_refused_in_words(engine, prompt, count, words):
    with pytest.raises(ValueError, match=words):
        engine.generate(prompt, stop_ids=(), max_new_tokens=count)


@pytest.mark.parametrize("mix", [unmixed, lambda written, scores: numpy.nan_to_num(scores)], ids=["alone", "mixed"])
@pytest.mark.parametrize("number", [numpy.nan, numpy.inf, -numpy.inf])
def test_a_network_that_gives_no_numbers_is_reported_not_sampled(network, number, mix):
    """Before anything is mixed into its scores, which could hide it."""

    class Broken(TorchRunner):
        def advance(self, ids, scores=1):
            logits = super().advance(ids, scores)
            logits[:, 0] = number
            return logits

    with pytest.raises(FloatingPointError, match="not a number"):
        ids(Engine(Broken(network)), [1, 2], mix=mix)


@pytest.mark.parametrize("forward_call", [1, 2, 3, 4])
def test_an_interrupt_in_the_middle_of_a_layer_leaves_nothing_behind(network, forward_call):
    """What Jupyter's stop button does: a KeyboardInterrupt anywhere, here inside the second layer of the n-th pass."""
    engine = Engine(TorchRunner(network))
    prompt = list(range(40))
    expected = ids(engine, prompt)
    engine.forget()
    passes = 0

    def interrupt(*_):
        nonlocal passes
        passes += 1
        if passes == forward_call:
            raise KeyboardInterrupt

    hook = network.transformer.h[1].attn.register_forward_pre_hook(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            ids(engine, prompt)
    finally:
        hook.remove()
    assert ids(engine, prompt) == expected


def test_a_sliding_window_that_cannot_be_cut_back_is_computed_afresh():
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = Starcoder2Config(vocab_size=VOCABULARY, num_key_value_heads=1, sliding_window=16, **shape)
    engine = Engine(TorchRunner(Starcoder2ForCausalLM(config).eval()))
    prompt = list(range(60))
    expected = ids(engine, prompt)
    assert ids(engine, prompt) == expected
    changed = [*prompt[:30], 5, 6]
    assert ids(engine, changed) == ids(Engine(engine.runner.__class__(engine.runner.network)), changed)


def test_two_requests_read_in_turns_are_refused_not_mixed(engine):
    first = engine.generate(list(range(20)), stop_ids=(), max_new_tokens=5)
    second = engine.generate(list(range(30, 50)), stop_ids=(), max_new_tokens=5)
    next(iter(first))
    next(iter(second))
    with pytest.raises(RuntimeError, match="another request has begun"):
        next(iter(first))
    assert len(list(second)) == 4
