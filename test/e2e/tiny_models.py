"""Makes tiny models whose answers are known, with the standard library alone.

A Chain is a Llama of one layer that adds nothing: the hidden state of a token is
its one-hot vector and row j of the head is 1 where j follows i, so that the
token after i is the one that say() named, whatever stood before. Its tokenizer
has a token for each printable ASCII character, by bytes as GPT-2's, and the
special tokens that a test names. The same model as a directory or as GGUF.
"""

import array
import json
import os
import struct

ASCII = [chr(c) for c in range(33, 127)]
# As a byte-level vocabulary writes them.
SPACE, NEWLINE = "\u0120", "\u010a"

# Value types of GGUF's metadata and how each is packed.
U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
FORMATS = {
    U8: "B",
    I8: "b",
    U16: "H",
    I16: "h",
    U32: "I",
    I32: "i",
    F32: "f",
    BOOL: "B",
    U64: "Q",
    I64: "q",
    F64: "d",
}


def f32(values):
    return array.array("f", values).tobytes()


def save_safetensors(path, tensors):
    """`tensors`: {name: (dtype, shape, bytes)}."""
    header, offset = {}, 0
    for name, (dtype, shape, raw) in tensors.items():
        header[name] = {
            "dtype": dtype,
            "shape": list(shape),
            "data_offsets": [offset, offset + len(raw)],
        }
        offset += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, _, raw in tensors.values():
            file.write(raw)


def load_safetensors(path):
    """{name: (dtype, shape, bytes)}."""
    with open(path, "rb") as file:
        raw = file.read()
    (size,) = struct.unpack_from("<Q", raw)
    header = json.loads(raw[8 : 8 + size])
    header.pop("__metadata__", None)
    data = raw[8 + size :]
    return {
        name: (entry["dtype"], entry["shape"], data[slice(*entry["data_offsets"])])
        for name, entry in header.items()
    }


class Chain:
    """Ids count from 0: the special tokens, newline, space, ASCII, `extra`."""

    def __init__(self, specials=("<unk>", "<s>", "</s>"), extra=()):
        self.specials = list(specials)
        self.tokens = self.specials + [NEWLINE, SPACE] + ASCII + ["~~"] + list(extra)
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        while len(self.tokens) % 16:
            self.tokens.append(f"<pad{len(self.tokens)}>")
        self.size = len(self.tokens)
        self.follow = {}

    def id(self, token):
        return self.ids[{"\n": NEWLINE, " ": SPACE}.get(token, token)]

    def say(self, after, *tokens):
        """After the token `after`, these follow one another."""
        last = self.id(after)
        for token in tokens:
            self.follow[last] = self.id(token)
            last = self.id(token)

    def encode(self, text):
        return [self.id(character) for character in text]

    def decode(self, ids):
        back = {NEWLINE: "\n", SPACE: " "}
        return "".join(back.get(self.tokens[i], self.tokens[i]) for i in ids)

    def tensors(self, prefix="model."):
        """What a checkpoint holds: {name: (dtype, shape, bytes)}."""
        n, narrow = self.size, 16
        tensors = {}

        def add(name, shape, values=None):
            size = 1
            for dim in shape:
                size *= dim
            raw = bytes(4 * size) if values is None else f32(values)
            tensors[name] = ("F32", list(shape), raw)

        def one_hot_rows(columns):
            values = [0.0] * (n * n)
            for column, row in columns:
                values[row * n + column] = 1.0
            return values

        layer = prefix + "layers.0."
        add(prefix + "embed_tokens.weight", [n, n], one_hot_rows((i, i) for i in range(n)))
        for name in "qkv":
            add(layer + f"self_attn.{name}_proj.weight", [narrow, n])
        add(layer + "self_attn.o_proj.weight", [n, narrow])
        add(layer + "mlp.gate_proj.weight", [narrow, n])
        add(layer + "mlp.up_proj.weight", [narrow, n])
        add(layer + "mlp.down_proj.weight", [n, narrow])
        for name in ("input_layernorm", "post_attention_layernorm"):
            add(layer + name + ".weight", [n], [1.0] * n)
        add(prefix + "norm.weight", [n], [1.0] * n)
        follows = one_hot_rows((i, self.follow.get(i, i)) for i in range(n))
        add("lm_head.weight", [n, n], follows)
        return tensors

    def config(self, **changes):
        """config.json; a change to "ABSENT" leaves a field out."""
        fields = {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": self.size,
            "hidden_size": self.size,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 1,
            "num_key_value_heads": 1,
            "head_dim": 16,
            "hidden_act": "silu",
            "rms_norm_eps": 1e-5,
            "rope_theta": 10000.0,
            "tie_word_embeddings": False,
            "dtype": "float32",
            "bos_token_id": self.ids.get("<s>"),
            "eos_token_id": self.ids.get("</s>"),
            **changes,
        }
        return {key: value for key, value in fields.items() if value != "ABSENT"}

    def tokenizer(self, bos=None, **changes):
        """tokenizer.json; with `bos`, texts begin with that token."""
        byte_level = {"type": "ByteLevel", "trim_offsets": True, "use_regex": True}
        content = {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [
                {
                    "id": i,
                    "content": token,
                    "single_word": False,
                    "lstrip": False,
                    "rstrip": False,
                    "normalized": False,
                    "special": True,
                }
                for i, token in enumerate(self.specials)
            ],
            "normalizer": None,
            "pre_tokenizer": {**byte_level, "add_prefix_space": False},
            "post_processor": None,
            "decoder": {**byte_level, "add_prefix_space": True},
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": False,
                "byte_fallback": False,
                "ignore_merges": False,
                "vocab": dict(self.ids),
                "merges": [],
            },
        }
        if bos:
            start = {"SpecialToken": {"id": bos, "type_id": 0}}
            first = {"Sequence": {"id": "A", "type_id": 0}}
            second = {"Sequence": {"id": "B", "type_id": 1}}
            token = {"id": bos, "ids": [self.ids[bos]], "tokens": [bos]}
            content["post_processor"] = {
                "type": "TemplateProcessing",
                "single": [start, first],
                "pair": [start, first, second],
                "special_tokens": {bos: token},
            }
        content.update(changes)
        return content

    def write(
        self,
        folder,
        config=None,
        tokenizer=None,
        tokenizer_config=None,
        generation=None,
        template=None,
        prefix="model.",
    ):
        """A model directory. `config` holds changes; `tokenizer` is a whole
        tokenizer.json, False for none; the other files stand where given, a
        text as it is."""
        os.makedirs(folder, exist_ok=True)
        files = {
            "config.json": self.config(**(config or {})),
            "tokenizer_config.json": tokenizer_config,
            "generation_config.json": generation,
            "chat_template.jinja": template,
        }
        if tokenizer is not False:
            files["tokenizer.json"] = tokenizer or self.tokenizer()
        for name, content in files.items():
            if content is None:
                continue
            if not isinstance(content, str):
                content = json.dumps(content, ensure_ascii=False, indent=1)
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(content)
        save_safetensors(os.path.join(folder, "model.safetensors"), self.tensors(prefix))
        return folder

    def gguf(self, **changes):
        """Keys and tensors for write_gguf: a llama with the vocabulary of a
        gpt2. `changes` are keys, None to leave one out."""
        n = self.size
        types = [3 if token in self.specials else 1 for token in self.tokens]
        keys = {
            "general.architecture": (STRING, "llama"),
            "general.name": (STRING, "chain"),
            "llama.context_length": (U32, 4096),
            "llama.embedding_length": (U32, n),
            "llama.block_count": (U32, 1),
            "llama.feed_forward_length": (U32, 16),
            "llama.attention.head_count": (U32, 1),
            "llama.attention.head_count_kv": (U32, 1),
            "llama.attention.key_length": (U32, 16),
            "llama.attention.value_length": (U32, 16),
            "llama.rope.dimension_count": (U32, 16),
            "llama.rope.freq_base": (F32, 10000.0),
            "llama.attention.layer_norm_rms_epsilon": (F32, 1e-5),
            "llama.vocab_size": (U32, n),
            "tokenizer.ggml.model": (STRING, "gpt2"),
            "tokenizer.ggml.pre": (STRING, "gpt-2"),
            "tokenizer.ggml.tokens": (ARRAY, (STRING, self.tokens)),
            "tokenizer.ggml.token_type": (ARRAY, (I32, types)),
            "tokenizer.ggml.merges": (ARRAY, (STRING, ["~ ~"])),
            "tokenizer.ggml.bos_token_id": (U32, self.ids.get("<s>", 0)),
            "tokenizer.ggml.eos_token_id": (U32, self.ids.get("</s>", 0)),
            "tokenizer.ggml.add_bos_token": (BOOL, 0),
            **changes,
        }
        keys = {key: value for key, value in keys.items() if value is not None}
        tensors = {
            gguf_name(name): (shape, 0, raw)
            for name, (_, shape, raw) in self.tensors().items()
        }
        return keys, tensors


GGUF_PARTS = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
GGUF_ENDS = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}


def gguf_name(name):
    """What a tensor of a Chain is called in a GGUF file."""
    part = name.removeprefix("model.layers.0.").removesuffix(".weight")
    return GGUF_ENDS.get(name) or f"blk.0.{GGUF_PARTS[part]}.weight"


def gguf_value(kind, value, order="<"):
    if kind == STRING:
        raw = value if isinstance(value, bytes) else value.encode()
        return struct.pack(order + "Q", len(raw)) + raw
    if kind == ARRAY:
        inner, values = value
        items = b"".join(gguf_value(inner, item, order) for item in values)
        return struct.pack(order + "IQ", inner, len(values)) + items
    return struct.pack(order + FORMATS[kind], value)


def write_gguf(path, keys, tensors, version=3, order="<", align=32):
    """`keys`: {name: (kind, value)}; `tensors`: {name: (shape as in a
    checkpoint, type's number, bytes)}."""
    head = b"GGUF" + struct.pack(order + "IQQ", version, len(tensors), len(keys))
    for key, (kind, value) in keys.items():
        head += gguf_value(STRING, key, order) + struct.pack(order + "I", kind)
        head += gguf_value(kind, value, order)
    data = bytearray()
    for name, (shape, kind, raw) in tensors.items():
        head += gguf_value(STRING, name, order)
        head += struct.pack(order + f"I{len(shape)}Q", len(shape), *reversed(shape))
        head += struct.pack(order + "IQ", kind, len(data))
        data += raw + b"\0" * (-len(raw) % align)
    head += b"\0" * (-len(head) % align)
    with open(path, "wb") as file:
        file.write(head + data)
    return path
