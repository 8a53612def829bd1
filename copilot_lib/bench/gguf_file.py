"""Writes a GPTBigCode checkpoint as a GGUF file in q8_0, the 8 bits of llama.cpp, which calls such networks `starcoder`.

It knows names and shapes of weights; it does not know tokens' texts: whoever runs the file gives it ids.
"""

from pathlib import Path

from copilot_lib import weights

NAMES = {
    "wte": "token_embd",
    "wpe": "position_embd",
    "ln_f": "output_norm",
    "ln_1": "attn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
}


def name_of(weight: str) -> str:
    """What llama.cpp calls a weight.

    >>> name_of("transformer.h.3.attn.c_attn.bias"), name_of("transformer.wte.weight")
    ('blk.3.attn_qkv.bias', 'token_embd.weight')
    """
    part, _, kind = weight.removeprefix("transformer.").rpartition(".")
    if not part.startswith("h."):
        return f"{NAMES[part]}.{kind}"
    _, layer, inner = part.split(".", 2)
    return f"blk.{layer}.{NAMES[inner]}.{kind}"


def write(folder: Path, file: Path) -> None:
    """Writes the checkpoint in a folder to a file."""
    import gguf
    from gguf.quants import quantize

    config, arrays = weights.read(folder)
    writer = gguf.GGUFWriter(file, "starcoder")
    writer.add_context_length(config["n_positions"])
    writer.add_embedding_length(config["n_embd"])
    writer.add_feed_forward_length(len(arrays["transformer.h.0.mlp.c_fc.bias"]))
    writer.add_block_count(config["n_layer"])
    writer.add_head_count(config["n_head"])
    writer.add_head_count_kv(1)
    writer.add_layer_norm_eps(config["layer_norm_epsilon"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("none")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    kind = gguf.GGMLQuantizationType.Q8_0
    for name, array in arrays.items():
        whole = array.astype("float32")
        if whole.ndim == 2 and not name.endswith("wpe.weight"):
            writer.add_tensor(name_of(name), quantize(whole, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name_of(name), whole)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
