"""Makes a language model of random weights as a GGUF file, for trying real engines: ``tiny_gguf.py FILE [LAYERS WIDTH]``.

Runs in whatever environment has ``gguf`` and ``numpy``; imports nothing of ours. The model is a llama with a
vocabulary of bytes; what it says means nothing, how it is served is real. Its size sets its speed.
"""

import sys

import gguf  # type: ignore[import-not-found] # of the environment that runs this
import numpy

HEADS, CONTEXT = 4, 8_192
SPECIAL = ("<unk>", "<s>", "</s>")
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}assistant:"
)


def write(path: str, layers: int, width: int) -> None:
    """The file; the same bytes each time."""
    inner = 2 * width
    rng = numpy.random.default_rng(1)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(width // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(0)
    tokens = [
        *SPECIAL,
        *(f"<0x{byte:02X}>" for byte in range(256)),
        "\u2581",
        *(chr(each) for each in range(97, 123)),
    ]
    kinds = [
        gguf.TokenType.UNKNOWN,
        gguf.TokenType.CONTROL,
        gguf.TokenType.CONTROL,
        *[gguf.TokenType.BYTE] * 256,
    ]
    kinds += [gguf.TokenType.NORMAL] * (len(tokens) - len(kinds))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_vocab_size(len(tokens))
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(TEMPLATE)

    def tensor(name: str, *shape: int) -> None:
        made = rng.normal(0, 0.05, shape) if len(shape) > 1 else numpy.ones(shape)
        writer.add_tensor(name, made.astype(numpy.float32))

    tensor("token_embd.weight", len(tokens), width)
    for layer in range(layers):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensor(f"blk.{layer}.{name}.weight", width, width)
        for name in ("attn_norm", "ffn_norm"):
            tensor(f"blk.{layer}.{name}.weight", width)
        for name in ("ffn_gate", "ffn_up"):
            tensor(f"blk.{layer}.{name}.weight", inner, width)
        tensor(f"blk.{layer}.ffn_down.weight", width, inner)
    tensor("output_norm.weight", width)
    tensor("output.weight", len(tokens), width)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    write(sys.argv[1], *(int(each) for each in sys.argv[2:] or ("2", "64")))
