"""Reads GGUF files by the format's specification with NumPy alone, and compares every tensor with a Hugging Face folder.

Llama's query and key rows are brought back to Hugging Face's order, Q8_0 and F16 are widened. Prints for each file its
SHA-256, how many tensors agree, and the largest error in steps of the type (0 where the type holds BF16 exactly).

Usage: read_gguf.py MODEL FILE.gguf...    (run with NumPy 2.2, safetensors 0.4.5, PyTorch 2.6.0)
"""
import hashlib, json, os, struct, sys
import numpy as np
from safetensors.torch import load_file

folder = sys.argv[1]
config = json.load(open(folder + "/config.json"))
original = {k: v.float().numpy() for k, v in load_file(folder + "/model.safetensors").items()}
MODULES = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
           "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
           "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
result = {}
for path in sys.argv[2:]:
    data = open(path, "rb").read()
    place = 0

    def take(form):
        global place
        value = struct.unpack_from("<" + form, data, place)[0]
        place += struct.calcsize("<" + form)
        return value

    def text():
        global place
        n = take("Q")
        place += n
        return data[place - n:place].decode()

    def value(kind):
        if kind == 9:
            inner, n = take("I"), take("Q")
            return [value(inner) for _ in range(n)]
        return text() if kind == 8 else take({4: "I", 5: "i", 6: "f", 7: "?"}[kind])

    assert data[:4] == b"GGUF"
    place = 4
    assert take("I") == 3
    tensors, entries = take("Q"), take("Q")
    meta = {}
    for _ in range(entries):
        key = text()
        meta[key] = value(take("I"))
    infos = {}
    for _ in range(tensors):
        name = text()
        shape = [take("Q") for _ in range(take("I"))][::-1]
        infos[name] = (shape, take("I"), take("Q"))
    start = (place + 31) // 32 * 32
    assert len(meta["tokenizer.ggml.tokens"]) == meta["llama.vocab_size"] == config["vocab_size"]
    worst = 0.0
    for name, whole in original.items():
        parts = name.split(".")
        own = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}.get(name)
        own = own or f"blk.{parts[2]}.{MODULES['.'.join(parts[3:-1])]}.weight"
        shape, kind, offset = infos.pop(own)
        assert shape == list(whole.shape), (own, shape, whole.shape)
        n, at = whole.size, start + offset
        if kind == 0:
            got = np.frombuffer(data, "<f4", n, at)
        elif kind == 1:
            got = np.frombuffer(data, "<f2", n, at).astype(np.float32)
        elif kind == 30:
            got = (np.frombuffer(data, "<u2", n, at).astype(np.uint32) << 16).view(np.float32)
        else:
            assert kind == 8 and shape[-1] % 32 == 0
            blocks = np.frombuffer(data, np.uint8, n // 32 * 34, at).reshape(-1, 34)
            scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
            got = scale * blocks[:, 2:].copy().view(np.int8).astype(np.float32)
        got = got.reshape(shape)
        if "q_proj" in name or "k_proj" in name:
            heads = config["num_attention_heads" if "q_proj" in name else "num_key_value_heads"]
            got = got.reshape(heads, -1, 2, shape[1]).swapaxes(1, 2).reshape(shape)
        if kind == 8:
            step = np.abs(whole.reshape(-1, 32)).max(1, keepdims=True) / 127
            error = np.abs((got - whole).reshape(-1, 32)) / np.maximum(step, 1e-30)
        else:
            error = np.abs(got - whole) / (np.abs(whole) * 2.0 ** -10 + 2.0 ** -24 if kind == 1 else 1)
        worst = max(worst, float(error.max()))
    assert not infos, infos
    kind = os.path.basename(path).split(".")[1]
    result[kind] = {"sha256": hashlib.sha256(data).hexdigest(), "tensors": len(original), "largestErrorInSteps": worst}
    assert worst <= {"F32": 0, "BF16": 0, "F16": 0.5, "Q8_0": 0.57}[kind], (path, worst)
print(json.dumps(result, indent=1))
