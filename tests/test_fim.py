"""Prompts as ids: formats, budgets, the training transform, and text that looks like a sentinel."""

import random
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from copilot_lib import bpe, examples
from copilot_lib.codec import Codec
from copilot_lib.fim import cut, transform
from copilot_lib.formats import CONTROL, FORMATS, detect

settings.register_profile("any speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any speed")  # a loaded machine is no failure

CODE = ["def f(x):\n    return x + 1\n", "class A:\n\tpass\r\n", "for fim_middle in <list>:\n    print(i | 2) <| x\n"] * 3
NAMES = [format.name for format in FORMATS]
SENTENCEPIECE = {"codellama": True, "codestral": True, "codegemma": False}
"""The families whose tokenizers write a space as U+2581, and whether they put one before every text."""
BEGIN = {"codellama": "<s>", "codestral": "<s>", "codegemma": "<bos>", "deepseek-coder": "<｜begin▁of▁sentence｜>"}

CHARACTERS = st.sampled_from("ab_<>|[]｜▁ \t\n\r🐍é漢\u0301") | st.characters(exclude_categories=["Cs"])
TEXTS = st.lists(st.sampled_from(sorted(CONTROL)) | st.text(CHARACTERS, max_size=8), max_size=6).map("".join)
PLAIN_TEXTS = st.text(CHARACTERS.filter(lambda c: c not in "▁\ufffd"), max_size=60)


def named(name):
    return next(format for format in FORMATS if format.name == name)


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(CODE, trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False))
    return tokenizer


def sentencepiece(leads):
    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), *"▁abcdefghi<>|[]_", "▁a", "ab"]
    vocabulary = {piece: id for id, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.BPE(vocabulary, [("▁", "a"), ("a", "b")], unk_token="<unk>", byte_fallback=True))
    steps = [normalizers.Prepend("▁")] if leads else []
    tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", "▁")])
    steps = [decoders.Strip(" ", 1, 0)] if leads else []
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *steps])
    return tokenizer


@cache
def family(name, special=True):
    """A small tokenizer with a family's control tokens, flagged as special or, as some published ones are, not."""
    tokenizer = sentencepiece(SENTENCEPIECE[name]) if name in SENTENCEPIECE else byte_level()
    begin = BEGIN.get(name)
    for spelling in sorted(named(name).spellings | ({begin} if begin else set())):
        tokenizer.add_tokens([AddedToken(spelling, special=special or spelling == begin, normalized=False)])
    if begin:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{begin} $A", special_tokens=[(begin, tokenizer.token_to_id(begin))]
        )
    return tokenizer


@cache
def codec(name, special=True):
    return Codec(family(name, special), named(name))


@cache
def pocket():
    """A tokenizer made as the pocket model's is."""
    return Codec(bpe.train(CODE, 400))


def spelled(codec, ids):
    return "".join(codec.tokenizer.id_to_token(id) for id in ids)


# Formats


def test_there_are_eleven_families_and_the_pocket_and_no_two_share_a_name():
    assert len(set(NAMES)) == len(FORMATS) == 12


@pytest.mark.parametrize("name", NAMES)
def test_a_family_is_found_by_its_vocabulary(name):
    assert detect(family(name).get_vocab()).name == {"mellum": "starcoder"}.get(name, name)


def test_a_vocabulary_without_sentinels_is_refused_with_the_known_families():
    with pytest.raises(ValueError, match=r"of no known family.*starcoder"):
        detect(byte_level().get_vocab())


@pytest.mark.parametrize(
    ("name", "order", "prompt"),
    [
        ("starcoder", "PSM", "<fim_prefix>a<fim_suffix>b<fim_middle>"),
        ("starcoder", "SPM", "<fim_prefix><fim_suffix>b<fim_middle>a"),
        ("starcoder2", "PSM", "<fim_prefix>a<fim_suffix>b<fim_middle>"),
        ("santacoder", "PSM", "<fim-prefix>a<fim-suffix>b<fim-middle>"),
        ("mellum", "SPM", "<fim_suffix>b<fim_prefix>a<fim_middle>"),
        ("qwen2.5-coder", "PSM", "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>"),
        ("granite", "PSM", "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>"),
        ("codegemma", "PSM", "<bos><|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>"),
        ("codellama", "PSM", "<s>▁<PRE>▁a▁<SUF>b▁<MID>"),
        ("codellama", "SPM", "<s>▁<PRE>▁<SUF>b▁<MID>▁a"),
        ("codestral", "SPM", "<s>[SUFFIX]b[PREFIX]▁a"),
        ("deepseek-coder", "PSM", "<｜begin▁of▁sentence｜><｜fim▁begin｜>a<｜fim▁hole｜>b<｜fim▁end｜>"),
        ("seed-coder", "SPM", "<[fim-suffix]>b<[fim-prefix]>a<[fim-middle]>"),
    ],
)
def test_the_prompt_is_spelled_as_the_family_was_trained(name, order, prompt):
    made = codec(name).fim("a", "b", order)
    assert spelled(codec(name), made.ids) == prompt
    assert (made.mode, made.order, made.prefix_count, made.suffix_count) == ("fim", order, 1, 1)


@pytest.mark.parametrize("name", NAMES)
def test_without_an_order_the_familys_own_is_taken(name):
    assert codec(name).fim("a", "b") == codec(name).fim("a", "b", named(name).order)


@pytest.mark.parametrize(
    ("name", "order"), [("qwen2.5-coder", "SPM"), ("mellum", "PSM"), ("codestral", "PSM"), ("starcoder", "MPS")]
)
def test_an_order_that_a_family_does_not_know_is_refused(name, order):
    with pytest.raises(ValueError, match=f"{name} was not trained on order '{order}': expected (PSM|SPM)"):
        codec(name).fim("a", "b", order)


def test_a_missing_sentinel_is_named():
    tokenizer = byte_level()
    tokenizer.add_special_tokens(["<fim_prefix>", "<fim_suffix>", "<|endoftext|>"])
    with pytest.raises(ValueError, match=r"no single token <fim_middle>, which starcoder prompts need"):
        Codec(tokenizer, named("starcoder"))


def test_a_missing_end_token_is_named():
    tokenizer = byte_level()
    tokenizer.add_special_tokens(["<fim_prefix>", "<fim_suffix>", "<fim_middle>"])
    with pytest.raises(ValueError, match=r"no end token: expected one of <\|endoftext\|>"):
        Codec(tokenizer)


def test_left_to_right_prompts_have_no_sentinels():
    made = codec("starcoder").plain("ab")
    assert (spelled(codec("starcoder"), made.ids), made.mode, made.order, made.suffix_count) == ("ab", "left-to-right", None, 0)
    assert spelled(codec("codellama"), codec("codellama").plain("ab").ids) == "<s>▁ab"


@pytest.mark.parametrize("name", NAMES)
def test_every_control_token_of_the_family_stops_a_completion(name):
    ids = {codec(name).tokenizer.token_to_id(spelling) for spelling in named(name).spellings}
    assert ids <= codec(name).stop_ids
    assert codec(name).end_id == codec(name).tokenizer.token_to_id(named(name).end_tokens[0])


def test_a_special_token_that_the_table_does_not_know_stops_too():
    assert pocket().tokenizer.token_to_id("<fim_pad>") in pocket().stop_ids
    assert pocket().tokenizer.token_to_id("a") not in pocket().stop_ids


# User text stays text


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25)
@given(prefix=TEXTS, suffix=TEXTS)
def test_no_user_text_ever_yields_a_special_id(name, special, prefix, suffix):
    coder = codec(name, special)
    assert coder.stop_ids.isdisjoint(coder.encode(prefix))
    made = coder.fim(prefix, suffix)
    ours = [id for id in made.ids if id in coder.stop_ids]
    assert ours == [id for id in coder.fim("", "").ids if id in coder.stop_ids]


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25)
@given(text=TEXTS)
def test_a_stored_file_has_the_ids_that_it_has_when_it_is_open(name, special, text):
    coder = codec(name, special)
    for one in (text, *coder.format.spellings):
        assert coder.encode_stored(one) == coder.encode(one)


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_a_sentinel_in_a_file_is_text(name, special):
    for spelling in sorted(CONTROL | set(BEGIN.values())):
        text = f"x = '{spelling}'"
        ids = codec(name, special).encode(text)
        assert codec(name, special).stop_ids.isdisjoint(ids), spelling
        read = text.replace("▁", " ") if name in SENTENCEPIECE else text
        assert codec(name, special).decode(ids) == read


@pytest.mark.parametrize("special", [True, False])
def test_a_sentinel_in_a_file_is_cut_into_tokens_as_if_there_were_no_sentinels(special):
    for spelling in sorted(CONTROL):
        assert codec("starcoder", special).encode(f"a {spelling} b") == byte_level().encode(f"a {spelling} b").ids


def sentinels_by_merges():
    """A tokenizer whose merges, and no added token, make `<fim_middle>` one id."""
    spellings = ["<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<|endoftext|>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        spellings * 9, trainers.BpeTrainer(vocab_size=500, initial_alphabet=alphabet, show_progress=False)
    )
    return tokenizer


def test_a_sentinel_that_the_merges_spell_is_encoded_in_pieces():
    tokenizer = sentinels_by_merges()
    assert tokenizer.encode("<fim_middle>").ids == [tokenizer.token_to_id("<fim_middle>")]
    coder = Codec(tokenizer)
    assert tokenizer.token_to_id("<fim_middle>") in coder.stop_ids
    text = "a<fim_middle><fim_middle>b<fim_<fim_prefix>"
    assert coder.stop_ids.isdisjoint(coder.encode(text))
    assert coder.decode(coder.encode(text)) == text
    assert coder.encode_stored(text) == coder.encode(text)


def test_text_that_only_a_special_token_can_spell_is_refused():
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "a": 1}, unk_token="<unk>"))
    tokenizer.add_special_tokens(["<unk>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<|endoftext|>"])
    with pytest.raises(ValueError, match="no ordinary token for 'b'"):
        Codec(tokenizer).encode("b")


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(text=PLAIN_TEXTS)
def test_text_comes_back_as_it_was(name, text):
    assert codec(name).decode(codec(name).encode(text)) == text


BLANK_RICH = st.lists(
    st.sampled_from(["\n", "\n\n", "\r\n", "\r", " ", "    ", "\t", "a", "ab", "é", "_", "+", ":", "\x0b", "\u2028"])
)


@pytest.mark.parametrize("name", ["starcoder", "codellama", "codegemma", "pocket"])
@settings(max_examples=200)
@given(pieces=BLANK_RICH)
def test_what_is_remembered_of_lines_gives_the_ids_of_the_whole_text(name, pieces):
    one, text = pocket() if name == "pocket" else codec(name), "".join(pieces)
    assert one.encode(text) == one.tokenizer.encode(text, add_special_tokens=False).ids


def test_a_keystroke_costs_the_tokens_of_its_line_alone(monkeypatch):
    one = Codec(bpe.train(CODE, 400))
    one.encode("x = 1\n" * 3 + "y")
    read = []
    monkeypatch.setattr(one, "tokenizer", Recorder(one.tokenizer, read))
    one.encode("x = 1\n" * 3 + "yz\nx = 1\n")
    assert read == ["yz\n"]


class Recorder:
    def __init__(self, tokenizer, read):
        self.tokenizer, self.read = tokenizer, read

    def encode(self, text, **options):
        self.read.append(text)
        return self.tokenizer.encode(text, **options)


@settings(max_examples=100)
@given(text=TEXTS)
def test_text_comes_back_from_the_pocket_models_tokenizer_too(text):
    assert pocket().decode(pocket().encode(text)) == text


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["\tx\t", "a\r\n\r\n b\r", " 🐍👩‍💻 ", "  a", "e\u0301 é", "\x00\ufeffa\u2028"])
def test_tabs_line_ends_emoji_and_blanks_come_back(name, text):
    assert codec(name).decode(codec(name).encode(text)) == text


def test_half_a_surrogate_pair_is_refused_with_its_place():
    for call in (pocket().encode, pocket().encode_stored, pocket().plain, lambda text: pocket().fim("", text)):
        with pytest.raises(ValueError, match=r"half a surrogate pair \(U\+D83D\) at offset 2"):
            call("ab\ud83d")


def test_the_tokenizer_is_copied_and_the_copy_changes_no_text():
    tokenizer = byte_level()
    tokenizer.add_special_tokens(["<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<|endoftext|>"])
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(length=9)
    before = tokenizer.to_str()
    coder = Codec(tokenizer)
    text = "e\u0301 is not é, and this is a long text"
    assert coder.decode(coder.encode(text)) == text
    assert coder.encode("x") == byte_level().encode("x").ids
    assert tokenizer.to_str() == before
    assert tokenizer.encode("<fim_middle>").ids[0] == tokenizer.token_to_id("<fim_middle>")


@pytest.mark.parametrize("scheme", ["always", "first", "never"])
def test_a_metaspace_tokenizer_neither_gains_nor_loses_a_blank(scheme):
    tokenizer = sentencepiece(False)
    tokenizer.normalizer = None
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("▁", scheme, split=False)
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace("▁", scheme, split=False)])
    tokenizer.add_special_tokens(["[PREFIX]", "[SUFFIX]", "</s>"])
    coder = Codec(tokenizer)
    assert [coder.decode(coder.encode(text)) for text in ("a", " a", "  a ")] == ["a", " a", "  a "]
    assert spelled(coder, coder.fim("a", "b").ids) == ("[SUFFIX]b[PREFIX]a" if scheme == "never" else "[SUFFIX]b[PREFIX]▁a")


# Budgets


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(prefix=PLAIN_TEXTS, suffix=PLAIN_TEXTS, room=st.integers(0, 20), rest=st.integers(0, 20))
def test_budgets_hold_and_trim_the_outer_ends(name, prefix, suffix, room, rest):
    coder = codec(name)
    made = coder.fim(prefix, suffix, prefix_tokens=room, suffix_tokens=rest)
    assert (made.prefix_count <= room) and (made.suffix_count <= rest)
    frame = len(coder.fim("", "").ids)
    assert len(made.ids) == frame + made.prefix_count + made.suffix_count
    before, after = texts(coder, made)
    assert f" {prefix}".endswith(before)
    assert suffix.startswith(after)


@settings(max_examples=100)
@given(prefix=PLAIN_TEXTS, suffix=PLAIN_TEXTS, room=st.integers(0, 20))
def test_budgets_are_used_up_but_for_half_a_character(prefix, suffix, room):
    made = pocket().fim(prefix, suffix, prefix_tokens=room, suffix_tokens=room)
    assert made.prefix_count >= min(room, len(pocket().encode(prefix))) - 3
    assert made.suffix_count >= min(room, len(pocket().encode(suffix))) - 3
    assert pocket().plain(prefix, room).prefix_count == made.prefix_count


def texts(coder, made):
    """The prefix and the suffix that a prompt holds, read back from its ids."""
    layout = coder.format.layout(made.order)
    ids = list(made.ids[len(made.ids) - made.prefix_count - made.suffix_count - sum(piece not in "PS" for piece in layout) :])
    found = {}
    for piece in layout:
        count = {"P": made.prefix_count, "S": made.suffix_count}.get(piece, 1)
        found[piece], ids = coder.decode(ids[:count]), ids[count:]
    return found["P"], found["S"]


def test_half_an_emoji_at_the_cut_is_dropped():
    made = pocket().fim("🐍🐍", "🐍🐍", "PSM", prefix_tokens=5, suffix_tokens=5)
    assert (made.prefix_count, made.suffix_count) == (4, 4)
    assert pocket().decode(made.ids) == "<fim_prefix>🐍<fim_suffix>🐍<fim_middle>"


def test_a_negative_budget_is_refused():
    with pytest.raises(ValueError, match="suffix_tokens is -1: expected 0 or more"):
        pocket().fim("a", "b", suffix_tokens=-1)
    with pytest.raises(ValueError, match="prefix_tokens is -2: expected 0 or more"):
        pocket().plain("a", -2)


# The training transform


@given(text=TEXTS, data=st.data())
def test_any_cut_loses_nothing(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    prefix, middle, suffix = cut(text, start, end)
    assert prefix + middle + suffix == text
    assert (len(prefix), len(middle)) == (start, end - start)


@pytest.mark.parametrize(("start", "end"), [(-1, 1), (2, 1), (0, 4)])
def test_a_gap_outside_the_text_is_refused(start, end):
    with pytest.raises(ValueError, match="expected 0 <= start <= end <= 3"):
        cut("abc", start, end)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20)
@given(prefix=TEXTS, middle=TEXTS, suffix=TEXTS)
def test_an_example_is_the_prompt_then_the_answer_then_the_end(name, prefix, middle, suffix):
    coder = codec(name)
    prompt = coder.fim(prefix, suffix).ids
    example = transform(prefix, middle, suffix, coder)
    assert tuple(example[: len(prompt)]) == prompt
    assert example[len(prompt) : -1] == coder.encode(middle)
    assert example[-1] == coder.end_id


def test_the_transform_is_the_one_that_the_pocket_model_was_trained_with(monkeypatch):
    text, start, end = CODE[0], 14, 20
    monkeypatch.setitem(examples.SPANS, "editor", {lambda window, random: (start, end): 1})
    id_of = pocket().tokenizer.token_to_id
    ids = examples.Sentinels(id_of("<fim_prefix>"), id_of("<fim_middle>"), id_of("<fim_suffix>"), id_of("<|endoftext|>"))
    seen = set()
    for seed in range(12):
        trained, _ = examples.fim_example(text, pocket().encode, ids, 1000, random.Random(seed))
        orders = [o for o in ("PSM", "SPM") if transform(*cut(text, start, end), pocket(), o) == trained]
        assert len(orders) == 1
        seen.update(orders)
    assert seen == {"PSM", "SPM"}
