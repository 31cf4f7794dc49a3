"""Random tiny checkpoints of every family in the Hugging Face layout, and what PyTorch makes of them.

Each model is written here from its paper and its public config.json, in double precision and without a line of this
project: a function per family reads the fields of the config and computes hidden states. Weights come into being where a
function first asks for one, drawn from a generator seeded by the case and the tensor's name, and rounded to the stored
type, so that the checkpoint holds exactly what was computed with.

For every case a folder is written:
  config.json, model.safetensors   the model
  reference.json                   two token sequences, the mean negative log-likelihood of their next tokens as one batch, a
                                   prompt and its greedy continuation
  reference.safetensors            logits [tokens of both sequences, vocabulary] in f64, each row those after a text that
                                   ends with this token, and the gradient of the loss towards every tensor in f32

Usage: make_families.py FOLDER [CASE ...]    (made with PyTorch 2.6.0, safetensors 0.4.5)
"""
import json, math, os, sys, zlib
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)


class Weights:
    """The tensors of one case, made when they are first asked for."""

    def __init__(self, case, stored):
        self.case, self.stored, self.tensors = case, stored, {}

    def __call__(self, name, *shape, mean=0.0, spread=None):
        if name not in self.tensors:
            generator = torch.Generator().manual_seed(zlib.crc32((self.case + "/" + name).encode()))
            spread = 1.2 / math.sqrt(shape[-1]) if spread is None else spread
            value = torch.randn(*shape, generator=generator) * spread + mean
            self.tensors[name] = value.to(self.stored).double().requires_grad_()
        assert tuple(self.tensors[name].shape) == shape, name
        return self.tensors[name]


# ---- parts ----

def linear(w, x, name, outputs, bias=False):
    y = x @ w(name + ".weight", outputs, x.shape[-1]).T
    return y + w(name + ".bias", outputs, spread=0.3) if bias else y


def conv1d(w, x, name, outputs):
    weight = w(name + ".weight", x.shape[-1], outputs, spread=1.2 / math.sqrt(x.shape[-1]))
    return x @ weight + w(name + ".bias", outputs, spread=0.3)


def rms(w, x, name, eps, stored_less_one=False):
    g = w(name + ".weight", x.shape[-1], mean=0.0 if stored_less_one else 1.0, spread=0.3)
    y = x / torch.sqrt(x.pow(2).mean(-1, keepdim=True) + eps)
    return y * (1 + g) if stored_less_one else y * g


def layer_norm(w, x, name, eps):
    centred = x - x.mean(-1, keepdim=True)
    y = centred / torch.sqrt(centred.pow(2).mean(-1, keepdim=True) + eps)
    return y * w(name + ".weight", x.shape[-1], mean=1.0, spread=0.3) + w(name + ".bias", x.shape[-1], spread=0.3)


def gelu(x):
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))


def gelu_tanh(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def silu(x):
    return x * torch.sigmoid(x)


ACTIVATIONS = {"silu": silu, "gelu": gelu, "gelu_new": gelu_tanh, "gelu_pytorch_tanh": gelu_tanh, "relu": torch.relu}


def capped(x, cap):
    return cap * torch.tanh(x / cap) if cap else x


def attention(q, k, v, scale, window=0, cap=0, causal=True):
    """q [t, H, d], k and v [t, KV, d]; a window counts the token itself."""
    t, heads = q.shape[0], q.shape[1]
    k, v = (x.repeat_interleave(heads // x.shape[1], dim=1) for x in (k, v))
    scores = capped(torch.einsum("ihd,jhd->hij", q, k) * scale, cap)
    i, j = torch.arange(t)[:, None], torch.arange(t)[None]
    seen = torch.ones(t, t, dtype=torch.bool)
    if causal:
        seen = seen & (j <= i)
    if window:
        seen = seen & (j > i - window)
    p = torch.softmax(scores.masked_fill(~seen, float("-inf")), -1)
    return torch.einsum("hij,jhd->ihd", p, v).reshape(t, -1)


def frequencies(rope, theta, dim, longest, original, length):
    """Angle per position of each pair, and the factor on cosine and sine; rope is a rope_scaling or rope_parameters."""
    kind = rope.get("rope_type", rope.get("type", "default"))
    plain = [theta ** (-2 * i / dim) for i in range(dim // 2)]
    if kind == "yarn" and "short_factor" in rope:
        kind = "longrope"
    if kind == "default":
        return plain, 1.0
    if kind == "linear":
        return [f / rope["factor"] for f in plain], 1.0
    if kind == "dynamic":
        s = rope["factor"]
        base = theta * (s * max(length, longest) / longest - (s - 1)) ** (dim / (dim - 2))
        return [base ** (-2 * i / dim) for i in range(dim // 2)], 1.0
    if kind == "llama3":
        old, low, high, s = (rope[n] for n in ("original_max_position_embeddings", "low_freq_factor", "high_freq_factor",
                                                "factor"))
        out = []
        for f in plain:
            wave = 2 * math.pi / f
            if wave < old / high:
                out.append(f)
            elif wave > old / low:
                out.append(f / s)
            else:
                smooth = (old / wave - low) / (high - low)
                out.append((1 - smooth) * f / s + smooth * f)
        return out, 1.0
    if kind == "yarn":
        s, old = rope["factor"], rope.get("original_max_position_embeddings", longest)
        find = lambda turns: dim * math.log(old / (turns * 2 * math.pi)) / (2 * math.log(theta))
        low, high = find(rope.get("beta_fast", 32)), find(rope.get("beta_slow", 1))
        if rope.get("truncate", True):
            low, high = math.floor(low), math.ceil(high)
        low, high = max(low, 0), min(high, dim - 1)
        high = high + 0.001 if low == high else high
        ramp = [min(1, max(0, (i - low) / (high - low))) for i in range(dim // 2)]
        get = lambda m: 1.0 if s <= 1 else 0.1 * m * math.log(s) + 1
        magnitude = rope.get("attention_factor")
        if magnitude is None:
            both = rope.get("mscale") and rope.get("mscale_all_dim")
            magnitude = get(rope["mscale"]) / get(rope["mscale_all_dim"]) if both else get(1)
        return [f / s * r + f * (1 - r) for f, r in zip(plain, ramp)], magnitude
    if kind in ("longrope", "su"):
        s = rope.get("factor", longest / original)
        magnitude = rope.get("attention_factor") or (1.0 if s <= 1 else math.sqrt(1 + math.log(s) / math.log(original)))
        factors = rope["long_factor"] if length > original else rope["short_factor"]
        return [f / e for f, e in zip(plain, factors)], magnitude
    raise ValueError(kind)


class Rope:
    """Turns queries and keys; lengths[p] is the length that the pass had which token p came with."""

    def __init__(self, c, head_dim, lengths, rope=None, theta=None, part=1.0):
        rope = rope if rope is not None else c.get("rope_parameters") or c.get("rope_scaling") or {}
        theta = rope.get("rope_theta", theta if theta is not None else c.get("rope_theta", 10000.0))
        part = rope.get("partial_rotary_factor", c.get("partial_rotary_factor", part))
        dim = int(head_dim * part)
        longest = c.get("max_position_embeddings", 2048)
        original = c.get("original_max_position_embeddings", rope.get("original_max_position_embeddings", longest))
        rows = [frequencies(rope, theta, dim, longest, original, n) for n in lengths]
        self.frequencies = torch.tensor([f for f, _ in rows])
        self.magnitude = rows[0][1]

    def __call__(self, x):
        t, half = x.shape[0], self.frequencies.shape[1]
        angles = torch.arange(t)[:, None] * self.frequencies
        cos, sin = (f(angles)[:, None] * self.magnitude for f in (torch.cos, torch.sin))
        a, b, rest = x[..., :half], x[..., half:2 * half], x[..., 2 * half:]
        return torch.cat((a * cos - b * sin, b * cos + a * sin, rest), -1)


def heads_of(c, default=None):
    h = c["num_attention_heads"]
    return h, c.get("num_key_value_heads", h), c.get("head_dim") or default or c["hidden_size"] // h


def gated(w, c, x, at, bias=False, inner=None, act="silu"):
    inner = inner or c["intermediate_size"]
    f = ACTIVATIONS[act]
    return linear(w, f(linear(w, x, at + ".gate_proj", inner, bias)) * linear(w, x, at + ".up_proj", inner, bias),
                  at + ".down_proj", c["hidden_size"], bias)


def embed(w, c, ids, name="model.embed_tokens", spread=0.3):
    return w(name + ".weight", c["vocab_size"], c["hidden_size"], spread=spread)[ids]


def head(w, c, x, tied_default, embedding="model.embed_tokens", own="lm_head"):
    tied = c.get("tie_word_embeddings", tied_default)
    return x @ w((embedding if tied else own) + ".weight", c["vocab_size"], x.shape[-1], spread=0.3).T


# ---- families: config, weights, ids, lengths of passes -> logits ----

def llama_like(w, c, ids, lengths, qkv_bias=False, o_bias=False, mlp_bias=False, eps=1e-6, windows=None, no_rope=(),
               theta=10000.0, head_dim=None, head_norm=False, tied=False, feed_forward=None):
    rope = Rope(c, heads_of(c, head_dim)[2], lengths, theta=c.get("rope_theta", theta))
    eps = c.get("rms_norm_eps", eps)
    h, kv, d = heads_of(c, head_dim)
    t = len(ids)
    x = embed(w, c, ids)
    for i in range(c["num_hidden_layers"]):
        at = f"model.layers.{i}."
        y = rms(w, x, at + "input_layernorm", eps)
        q, k, v = (linear(w, y, at + f"self_attn.{n}_proj", m * d, qkv_bias).view(t, m, d)
                   for n, m in (("q", h), ("k", kv), ("v", kv)))
        if head_norm:
            q, k = rms(w, q, at + "self_attn.q_norm", eps), rms(w, k, at + "self_attn.k_norm", eps)
        if i not in no_rope:
            q, k = rope(q), rope(k)
        a = attention(q, k, v, d ** -0.5, window=windows[i] if windows else 0)
        x = x + linear(w, a, at + "self_attn.o_proj", c["hidden_size"], o_bias)
        y = rms(w, x, at + "post_attention_layernorm", eps)
        x = x + (feed_forward(i, y) if feed_forward else gated(w, c, y, at + "mlp", mlp_bias, act=c.get("hidden_act", "silu")))
    return head(w, c, rms(w, x, "model.norm", eps), tied)


def llama(w, c, ids, lengths):
    b = c.get("attention_bias", False)
    return llama_like(w, c, ids, lengths, b, b, c.get("mlp_bias", False))


def smollm3(w, c, ids, lengths):
    n = c["num_hidden_layers"]
    has = c.get("no_rope_layers") or [int((i + 1) % c.get("no_rope_layer_interval", 4) != 0) for i in range(n)]
    types = c.get("layer_types") or ["sliding_attention" if c.get("use_sliding_window") and c.get("sliding_window")
                                     and not has[i] else "full_attention" for i in range(n)]
    return llama_like(w, c, ids, lengths, theta=2e6, tied=True, no_rope=[i for i in range(n) if not has[i]],
                      windows=[c["sliding_window"] if y == "sliding_attention" else 0 for y in types])


def mistral(w, c, ids, lengths):
    return llama_like(w, c, ids, lengths, windows=[c.get("sliding_window", 4096) or 0] * c["num_hidden_layers"])


def qwen_windows(c):
    n = c["num_hidden_layers"]
    window = c.get("sliding_window", 4096) if c.get("use_sliding_window") else 0
    types = c.get("layer_types") or ["sliding_attention" if window and i >= c.get("max_window_layers", 28)
                                     else "full_attention" for i in range(n)]
    return [window if y == "sliding_attention" else 0 for y in types]


def qwen2(w, c, ids, lengths):
    return llama_like(w, c, ids, lengths, qkv_bias=True, windows=qwen_windows(c))


def qwen3(w, c, ids, lengths):
    b = c.get("attention_bias", False)
    return llama_like(w, c, ids, lengths, b, b, head_dim=128, head_norm=True, windows=qwen_windows(c))


def gemma(w, c, ids, lengths, version=1):
    h, kv, d = heads_of(c, 256)
    eps, t, n = c.get("rms_norm_eps", 1e-6), len(ids), c["num_hidden_layers"]
    norm = lambda x, name: rms(w, x, name, eps, stored_less_one=True)
    if version == 3:
        new = c.get("rope_parameters") or {}
        pattern = c.get("sliding_window_pattern", c.get("_sliding_window_pattern", 6))
        types = c.get("layer_types") or ["sliding_attention" if (i + 1) % pattern else "full_attention" for i in range(n)]
        wide = Rope(c, d, lengths, rope=new.get("full_attention") or c.get("rope_scaling") or {},
                    theta=c.get("rope_theta", 1e6))
        near = Rope(c, d, lengths, rope=new.get("sliding_attention") or {}, theta=c.get("rope_local_base_freq", 10000.0))
    else:
        types = c.get("layer_types") or ["sliding_attention" if version == 2 and i % 2 == 0 else "full_attention"
                                         for i in range(n)]
        wide = near = Rope(c, d, lengths)
    scale = d ** -0.5 if version == 1 else c.get("query_pre_attn_scalar", 256) ** -0.5
    cap = {1: 0, 2: c.get("attn_logit_softcapping", 50.0), 3: c.get("attn_logit_softcapping")}[version]
    final = {1: 0, 2: c.get("final_logit_softcapping", 30.0), 3: c.get("final_logit_softcapping")}[version]
    x = embed(w, c, ids, spread=0.1) * math.sqrt(c["hidden_size"])
    for i in range(n):
        at = f"model.layers.{i}."
        sliding = types[i] == "sliding_attention"
        y = norm(x, at + "input_layernorm")
        q, k, v = (linear(w, y, at + f"self_attn.{m}_proj", g * d).view(t, g, d) for m, g in (("q", h), ("k", kv), ("v", kv)))
        if version == 3:
            q, k = norm(q, at + "self_attn.q_norm"), norm(k, at + "self_attn.k_norm")
        rope = near if sliding else wide
        a = attention(rope(q), rope(k), v, scale, c["sliding_window"] if sliding else 0, cap)
        a = linear(w, a, at + "self_attn.o_proj", c["hidden_size"])
        if version == 1:
            x = x + a
            x = x + gated(w, c, norm(x, at + "post_attention_layernorm"), at + "mlp", act="gelu_pytorch_tanh")
        else:
            x = x + norm(a, at + "post_attention_layernorm")
            y = gated(w, c, norm(x, at + "pre_feedforward_layernorm"), at + "mlp", act="gelu_pytorch_tanh")
            x = x + norm(y, at + "post_feedforward_layernorm")
    return capped(head(w, c, norm(x, "model.norm"), True), final)


def gemma2(w, c, ids, lengths):
    return gemma(w, c, ids, lengths, 2)


def gemma3(w, c, ids, lengths):
    return gemma(w, c, ids, lengths, 3)


def phi3(w, c, ids, lengths):
    h, kv, d = heads_of(c)
    t, eps, inner = len(ids), c.get("rms_norm_eps", 1e-5), c["intermediate_size"]
    rope = Rope(c, d, lengths)
    x = embed(w, c, ids)
    for i in range(c["num_hidden_layers"]):
        at = f"model.layers.{i}."
        y = rms(w, x, at + "input_layernorm", eps)
        q, k, v = linear(w, y, at + "self_attn.qkv_proj", (h + 2 * kv) * d).split([h * d, kv * d, kv * d], -1)
        a = attention(rope(q.view(t, h, d)), rope(k.view(t, kv, d)), v.view(t, kv, d), d ** -0.5, c.get("sliding_window") or 0)
        x = x + linear(w, a, at + "self_attn.o_proj", c["hidden_size"])
        gate, up = linear(w, rms(w, x, at + "post_attention_layernorm", eps), at + "mlp.gate_up_proj", 2 * inner).chunk(2, -1)
        x = x + linear(w, up * silu(gate), at + "mlp.down_proj", c["hidden_size"])
    return head(w, c, rms(w, x, "model.norm", eps), False)


def gpt2(w, c, ids, lengths, prefix="transformer."):
    n, h, eps, t = c["n_embd"], c["n_head"], c.get("layer_norm_epsilon", 1e-5), len(ids)
    act = ACTIVATIONS[c.get("activation_function", "gelu_new")]
    table = w(prefix + "wte.weight", c["vocab_size"], n, spread=0.3)
    x = table[ids] + w(prefix + "wpe.weight", c["n_positions"], n, spread=0.3)[:t]
    for i in range(c["n_layer"]):
        at = f"{prefix}h.{i}."
        q, k, v = (y.view(t, h, n // h) for y in conv1d(w, layer_norm(w, x, at + "ln_1", eps), at + "attn.c_attn", 3 * n)
                   .split(n, -1))
        x = x + conv1d(w, attention(q, k, v, (n // h) ** -0.5), at + "attn.c_proj", n)
        y = conv1d(w, layer_norm(w, x, at + "ln_2", eps), at + "mlp.c_fc", c.get("n_inner") or 4 * n)
        x = x + conv1d(w, act(y), at + "mlp.c_proj", n)
    return layer_norm(w, x, prefix + "ln_f", eps) @ table.T


def gpt2_bare(w, c, ids, lengths):
    return gpt2(w, c, ids, lengths, prefix="")


def gpt_neox(w, c, ids, lengths):
    n, h, eps, t = c["hidden_size"], c["num_attention_heads"], c.get("layer_norm_eps", 1e-5), len(ids)
    d, bias = n // h, c.get("attention_bias", True)
    rope = Rope(c, d, lengths, theta=c.get("rotary_emb_base", 10000), part=c.get("rotary_pct", 0.25))
    act = ACTIVATIONS[c.get("hidden_act", "gelu")]
    x = embed(w, c, ids, "gpt_neox.embed_in")
    for i in range(c["num_hidden_layers"]):
        at = f"gpt_neox.layers.{i}."
        qkv = linear(w, layer_norm(w, x, at + "input_layernorm", eps), at + "attention.query_key_value", 3 * n, bias)
        q, k, v = qkv.view(t, h, 3, d).unbind(2)
        a = linear(w, attention(rope(q), rope(k), v, d ** -0.5), at + "attention.dense", n, bias)
        base = x if c.get("use_parallel_residual", True) else x + a
        y = linear(w, layer_norm(w, base, at + "post_attention_layernorm", eps), at + "mlp.dense_h_to_4h",
                   c["intermediate_size"], True)
        y = linear(w, act(y), at + "mlp.dense_4h_to_h", n, True)
        x = x + a + y
    return head(w, c, layer_norm(w, x, "gpt_neox.final_layer_norm", eps), False, "gpt_neox.embed_in", "embed_out")


def olmo2(w, c, ids, lengths):
    h, kv, d = heads_of(c)
    t, eps = len(ids), c.get("rms_norm_eps", 1e-5)
    rope = Rope(c, d, lengths)
    x = embed(w, c, ids)
    for i in range(c["num_hidden_layers"]):
        at = f"model.layers.{i}."
        q = rms(w, linear(w, x, at + "self_attn.q_proj", h * d), at + "self_attn.q_norm", eps).view(t, h, d)
        k = rms(w, linear(w, x, at + "self_attn.k_proj", kv * d), at + "self_attn.k_norm", eps).view(t, kv, d)
        v = linear(w, x, at + "self_attn.v_proj", kv * d).view(t, kv, d)
        a = linear(w, attention(rope(q), rope(k), v, d ** -0.5), at + "self_attn.o_proj", c["hidden_size"])
        x = x + rms(w, a, at + "post_attention_layernorm", eps)
        x = x + rms(w, gated(w, c, x, at + "mlp"), at + "post_feedforward_layernorm", eps)
    return head(w, c, rms(w, x, "model.norm", eps), False)


def routed(w, c, x, gate, expert, experts, chosen, normalise):
    """Every token's sum over its likeliest experts, weighted by their probabilities."""
    p = torch.softmax(x @ w(gate + ".weight", experts, x.shape[-1]).T, -1)
    top, index = p.topk(chosen, -1)
    margin = p.detach().sort(-1, descending=True).values
    assert (margin[:, chosen - 1] - margin[:, chosen]).min() > 1e-5, "the choice of experts is too close"
    top = top / top.sum(-1, keepdim=True) if normalise else top
    out = torch.zeros_like(x)
    for e in range(experts):
        weight = (top * (index == e)).sum(-1, keepdim=True)
        out = out + weight * expert(e)
    return out


def mixtral(w, c, ids, lengths):
    def experts(i, y):
        at = f"model.layers.{i}.block_sparse_moe"

        def expert(e):
            a = f"{at}.experts.{e}"
            inner = silu(linear(w, y, a + ".w1", c["intermediate_size"])) * linear(w, y, a + ".w3", c["intermediate_size"])
            return linear(w, inner, a + ".w2", c["hidden_size"])
        return routed(w, c, y, at + ".gate", expert, c["num_local_experts"], c["num_experts_per_tok"], True)
    return llama_like(w, c, ids, lengths, eps=1e-5, theta=1e6, feed_forward=experts,
                      windows=[c.get("sliding_window") or 0] * c["num_hidden_layers"])


def qwen_experts(w, c, shared):
    def experts(i, y):
        at = f"model.layers.{i}.mlp"
        if i in c.get("mlp_only_layers", []) or (i + 1) % c.get("decoder_sparse_step", 1):
            return gated(w, c, y, at)
        out = routed(w, c, y, at + ".gate", lambda e: gated(w, c, y, f"{at}.experts.{e}", inner=c["moe_intermediate_size"]),
                     c["num_experts"], c["num_experts_per_tok"], c.get("norm_topk_prob", False))
        if shared:
            extra = gated(w, c, y, at + ".shared_expert", inner=c["shared_expert_intermediate_size"])
            out = out + torch.sigmoid(linear(w, y, at + ".shared_expert_gate", 1)) * extra
        return out
    return experts


def qwen2_moe(w, c, ids, lengths):
    return llama_like(w, c, ids, lengths, qkv_bias=c.get("qkv_bias", True), windows=qwen_windows(c),
                      feed_forward=qwen_experts(w, c, True))


def qwen3_moe(w, c, ids, lengths):
    return llama_like(w, c, ids, lengths, head_norm=True, windows=[0] * c["num_hidden_layers"],
                      feed_forward=qwen_experts(w, c, False))


def bert(w, c, ids, lengths, prefix="", first=0, types=2):
    """Hidden states; all tokens see each other."""
    n, h, eps, t = c["hidden_size"], c["num_attention_heads"], c.get("layer_norm_eps", 1e-12), len(ids)
    e = prefix + "embeddings."
    x = w(e + "word_embeddings.weight", c["vocab_size"], n, spread=0.5)[ids]
    x = x + w(e + "position_embeddings.weight", c["max_position_embeddings"], n, spread=0.3)[first:first + t]
    x = x + w(e + "token_type_embeddings.weight", c.get("type_vocab_size", types), n, spread=0.3)[0]
    x = layer_norm(w, x, e + "LayerNorm", eps)
    for i in range(c["num_hidden_layers"]):
        at = f"{prefix}encoder.layer.{i}."
        q, k, v = (linear(w, x, at + "attention.self." + m, n, True).view(t, h, n // h) for m in ("query", "key", "value"))
        a = linear(w, attention(q, k, v, (n // h) ** -0.5, causal=False), at + "attention.output.dense", n, True)
        x = layer_norm(w, x + a, at + "attention.output.LayerNorm", eps)
        y = ACTIVATIONS[c.get("hidden_act", "gelu")](linear(w, x, at + "intermediate.dense", c["intermediate_size"], True))
        x = layer_norm(w, x + linear(w, y, at + "output.dense", n, True), at + "output.LayerNorm", eps)
    return x


def bert_prefixed(w, c, ids, lengths):
    w("cls.predictions.bias", c["vocab_size"], spread=0.3)
    w("bert.pooler.dense.weight", c["hidden_size"], c["hidden_size"])
    w("bert.pooler.dense.bias", c["hidden_size"], spread=0.3)
    return bert(w, c, ids, lengths, "bert.")


def roberta(w, c, ids, lengths):
    return bert(w, c, ids, lengths, "roberta.", first=c["pad_token_id"] + 1)


# ---- cases ----

def sizes(hidden=32, inner=40, layers=2, heads=4, kv=2, vocab=61, **more):
    return dict(vocab_size=vocab, hidden_size=hidden, intermediate_size=inner, num_hidden_layers=layers,
                num_attention_heads=heads, num_key_value_heads=kv, max_position_embeddings=64) | more


def small(**more):
    return sizes(hidden=16, inner=24, heads=2, kv=1, vocab=47, head_dim=16) | more


LLAMA = dict(architectures=["LlamaForCausalLM"], model_type="llama", hidden_act="silu", rms_norm_eps=1e-5)
LONG = [1.0 + 0.6 * i for i in range(8)]
SHORT = [1.0 + 0.05 * i for i in range(8)]


def moe(**more):
    return sizes(hidden=16, inner=16, heads=2, kv=1, vocab=47, head_dim=16) | more


def cases():
    yield "llama", llama, LLAMA | sizes(rope_theta=10000.0, attention_bias=False, mlp_bias=False, tie_word_embeddings=False)
    yield "llama-biases", llama, LLAMA | small(attention_bias=True, mlp_bias=True, tie_word_embeddings=True)
    yield "llama-linear", llama, LLAMA | small(rope_scaling={"type": "linear", "factor": 4.0})
    yield "llama-dynamic", llama, LLAMA | small(rope_scaling={"type": "dynamic", "factor": 3.0}, max_position_embeddings=12)
    yield "llama-llama3", llama, LLAMA | small(rope_theta=500.0, rope_scaling={
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 32})
    yield "llama-yarn", llama, LLAMA | small(rope_scaling={
        "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32, "beta_fast": 4, "beta_slow": 1})
    yield "llama-parameters", llama, LLAMA | small(rope_parameters={
        "rope_type": "yarn", "rope_theta": 2000.0, "factor": 2.0, "original_max_position_embeddings": 32, "truncate": False,
        "mscale": 1.5, "mscale_all_dim": 0.5})
    yield "smollm3", smollm3, dict(architectures=["SmolLM3ForCausalLM"], model_type="smollm3", hidden_act="silu") | small(
        layers=4, rope_theta=5e6, no_rope_layers=[1, 1, 1, 0])
    yield "mistral", mistral, dict(architectures=["MistralForCausalLM"], model_type="mistral", hidden_act="silu",
                                   rms_norm_eps=1e-5, sliding_window=5) | sizes(head_dim=12)
    yield "qwen2", qwen2, dict(architectures=["Qwen2ForCausalLM"], model_type="qwen2", hidden_act="silu", rope_theta=1e6,
                               use_sliding_window=False, sliding_window=4, max_window_layers=1) | sizes(tie_word_embeddings=True)
    yield "qwen2-window", qwen2, dict(architectures=["Qwen2ForCausalLM"], model_type="qwen2", use_sliding_window=True,
                                      sliding_window=4, max_window_layers=1) | small(head_dim=8)
    yield "qwen3", qwen3, dict(architectures=["Qwen3ForCausalLM"], model_type="qwen3", hidden_act="silu", rope_theta=1e6,
                               attention_bias=False) | sizes(head_dim=16)
    yield "qwen3-types", qwen3, dict(architectures=["Qwen3ForCausalLM"], model_type="qwen3", attention_bias=True,
                                     use_sliding_window=True, sliding_window=6,
                                     layer_types=["sliding_attention", "full_attention"]) | small()
    yield "gemma", gemma, dict(architectures=["GemmaForCausalLM"], model_type="gemma", hidden_act="gelu") | sizes(kv=1, head_dim=16)
    yield "gemma2", gemma2, dict(architectures=["Gemma2ForCausalLM"], model_type="gemma2", sliding_window=5,
                                 query_pre_attn_scalar=10, attn_logit_softcapping=2.0, final_logit_softcapping=3.0,
                                 hidden_activation="gelu_pytorch_tanh") | sizes(head_dim=16)
    yield "gemma3", gemma3, dict(architectures=["Gemma3ForCausalLM"], model_type="gemma3_text", sliding_window=5,
                                 sliding_window_pattern=2, query_pre_attn_scalar=10, rope_theta=1e6,
                                 rope_local_base_freq=1000.0, rope_scaling={"rope_type": "linear", "factor": 8.0}) | sizes(head_dim=16)
    yield "gemma3-parameters", gemma3, dict(
        architectures=["Gemma3ForCausalLM"], model_type="gemma3_text", sliding_window=7, query_pre_attn_scalar=16,
        layer_types=["sliding_attention", "full_attention"], final_logit_softcapping=4.0, rope_parameters={
            "full_attention": {"rope_type": "linear", "factor": 2.0, "rope_theta": 50000.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 500.0}}) | small()
    yield "phi3", phi3, dict(architectures=["Phi3ForCausalLM"], model_type="phi3", hidden_act="silu", rms_norm_eps=1e-5,
                             sliding_window=7, resid_pdrop=0.0, original_max_position_embeddings=64) | sizes()
    yield "phi3-longrope", phi3, dict(
        architectures=["Phi3ForCausalLM"], model_type="phi3", original_max_position_embeddings=12,
        rope_scaling={"type": "longrope", "short_factor": SHORT, "long_factor": LONG}) | small(
        hidden_size=32, head_dim=None)
    yield "phi3-short", phi3, dict(
        architectures=["Phi3ForCausalLM"], model_type="phi3", original_max_position_embeddings=32, partial_rotary_factor=0.75,
        rope_scaling={"type": "su", "short_factor": SHORT[:6], "long_factor": LONG[:6]}) | small(
        hidden_size=32, head_dim=None)
    gpt = dict(architectures=["GPT2LMHeadModel"], model_type="gpt2", vocab_size=61, n_embd=32, n_head=4, n_layer=2,
               n_inner=80, n_positions=40, attn_pdrop=0.1, resid_pdrop=0.1, embd_pdrop=0.1)
    yield "gpt2", gpt2, gpt
    yield "gpt2-bare", gpt2_bare, gpt | dict(vocab_size=47, n_embd=16, n_head=2, n_inner=24, n_positions=32,
                                             activation_function="relu")
    neox = dict(architectures=["GPTNeoXForCausalLM"], model_type="gpt_neox", hidden_act="gelu", layer_norm_eps=1e-5)
    yield "gpt-neox", gpt_neox, neox | sizes(rotary_pct=0.25, rotary_emb_base=10000, use_parallel_residual=True,
                                             inner=48, num_key_value_heads=None)
    yield "gpt-neox-sequential", gpt_neox, neox | sizes(hidden=16, inner=24, heads=2, vocab=47, use_parallel_residual=False,
                                                        rope_parameters={"rope_type": "default", "rope_theta": 500.0,
                                                                         "partial_rotary_factor": 0.5})
    yield "olmo2", olmo2, dict(architectures=["Olmo2ForCausalLM"], model_type="olmo2", rope_theta=500000.0,
                               rms_norm_eps=1e-6) | sizes()
    yield "mixtral", mixtral, dict(architectures=["MixtralForCausalLM"], model_type="mixtral", num_local_experts=4,
                                   num_experts_per_tok=2, rope_theta=1e6) | moe()
    yield "qwen2-moe", qwen2_moe, dict(
        architectures=["Qwen2MoeForCausalLM"], model_type="qwen2_moe", num_experts=4, num_experts_per_tok=2,
        moe_intermediate_size=12, shared_expert_intermediate_size=20, norm_topk_prob=False, mlp_only_layers=[0]) | moe()
    yield "qwen3-moe", qwen3_moe, dict(
        architectures=["Qwen3MoeForCausalLM"], model_type="qwen3_moe", num_experts=5, num_experts_per_tok=2,
        moe_intermediate_size=12, norm_topk_prob=True, decoder_sparse_step=1, mlp_only_layers=[]) | moe()
    encoder = dict(hidden_act="gelu", layer_norm_eps=1e-12, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1,
                   position_embedding_type="absolute")
    yield "bert", bert, dict(architectures=["BertModel"], model_type="bert", type_vocab_size=2) | encoder | sizes()
    yield "bert-prefixed", bert_prefixed, dict(architectures=["BertForMaskedLM"], model_type="bert") | encoder | sizes(
        hidden=16, inner=24, heads=2, vocab=47)
    yield "roberta", roberta, dict(architectures=["RobertaForMaskedLM"], model_type="roberta", pad_token_id=1,
                                   type_vocab_size=1) | encoder | sizes(hidden=16, inner=24, heads=2, vocab=47)


# ---- reference numbers ----

LENGTHS = (20, 9)
NEW_TOKENS = 12


def tokens(seed, count, vocab):
    return torch.randint(3, vocab, (count,), generator=torch.Generator().manual_seed(seed)).tolist()


def greedy(model, w, c, prompt):
    """The likeliest continuation with a cache: token p was turned by the pass that it came with; None if it is close."""
    text = list(prompt)
    for _ in range(NEW_TOKENS):
        with torch.no_grad():
            top = model(w, c, text, [max(len(prompt), p + 1) for p in range(len(text))])[-1].topk(2)
        if top.values[0] - top.values[1] < 0.01:
            return None
        text.append(int(top.indices[0]))
    return text[len(prompt):]


def make(folder, name, model, config):
    config = {k: v for k, v in config.items() if v is not None}
    stored = torch.float32 if name in ("llama-biases", "gpt2-bare") else torch.bfloat16
    config["torch_dtype"] = str(stored).replace("torch.", "")
    w = Weights(name, stored)
    vocab = config["vocab_size"]
    encoder = model in (bert, bert_prefixed, roberta)
    sequences = [tokens(zlib.crc32(name.encode()) + i, n, vocab) for i, n in enumerate(LENGTHS)]
    outputs = [model(w, config, ids, [max(LENGTHS)] * len(ids)) for ids in sequences]
    path = os.path.join(folder, name)
    os.makedirs(path, exist_ok=True)
    reference = {"torch": torch.__version__, "sequences": sequences}
    arrays = {}
    if encoder:
        arrays["hidden"] = torch.cat(outputs).detach()
        arrays["means"] = torch.stack([o.mean(0) for o in outputs]).detach()
    else:
        logits = torch.cat([o[:-1] for o in outputs])
        labels = torch.tensor([t for ids in sequences for t in ids[1:]])
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        seed = 0
        while True:
            prompt = tokens(1000 + seed, 13 if "longrope" in name else 6, vocab)
            text = greedy(model, w, config, prompt)
            if text is not None and len(set(text)) > 2:
                break
            seed += 1
        reference |= {"loss": loss.item(), "prompt": prompt, "continuation": text}
        with torch.no_grad():
            arrays["logits"] = torch.stack([model(w, config, ids[:n], [n] * n)[-1] for ids in sequences
                                            for n in range(1, len(ids) + 1)])
        arrays |= {"gradient." + n: v.grad.float() for n, v in w.tensors.items() if v.grad is not None}
    save_file({n: v.detach().to(stored).contiguous() for n, v in w.tensors.items()},
              os.path.join(path, "model.safetensors"), metadata={"format": "pt"})
    save_file({n: v.contiguous() for n, v in arrays.items()}, os.path.join(path, "reference.safetensors"))
    with open(os.path.join(path, "config.json"), "w") as file:
        json.dump(config, file, indent=1)
    with open(os.path.join(path, "reference.json"), "w") as file:
        json.dump(reference, file)
    print(name, f"{sum(v.numel() for v in w.tensors.values())} weights", f"{sum(os.path.getsize(os.path.join(path, f)) for f in os.listdir(path)) >> 10} KiB",
          "" if encoder else f"loss {reference['loss']:.4f}, logits' deviation {arrays['logits'].std().item():.2f}, {reference['continuation']}", flush=True)


def make_minilm(folder):
    """A sentence encoder in the layout of sentence-transformers: WordPiece, a BERT, the mean of its tokens, unit length."""
    letters = list("abcdefghijklmnopqrstuvwxyz")
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "cat", "dog", "sat", "##s"] + letters + ["##" + c for c in letters if c != "s"]
    ids = {token: i for i, token in enumerate(vocab)}
    config = dict(architectures=["BertModel"], model_type="bert", hidden_act="gelu", max_position_embeddings=24,
                  torch_dtype="float32") | sizes(hidden=16, inner=24, heads=2, vocab=len(vocab)) | dict(max_position_embeddings=24)
    del config["num_key_value_heads"]

    def pieces(word):
        out, at = [], 0
        while at < len(word):
            found = next((e for e in range(len(word), at, -1) if ("##" if at else "") + word[at:e] in ids), None)
            if found is None:
                return [ids["[UNK]"]]
            out.append(ids[("##" if at else "") + word[at:found]])
            at = found
        return out

    def encode(text):
        return [ids["[CLS]"]] + [i for word in text.lower().split() for i in pieces(word)] + [ids["[SEP]"]]
    w = Weights("minilm", torch.float32)
    texts = ["The cats sat", "the dog", "zebra dogs sat the cat", "the cat the dog the cat the dog the cat"]
    longest = 10
    rows = []
    for text in texts:
        tokens_of = encode(text)
        if len(tokens_of) > longest:
            tokens_of = tokens_of[:longest - 1] + tokens_of[-1:]
        rows.append(F.normalize(bert(w, config, tokens_of, None).mean(0), dim=0).tolist())
    path = os.path.join(folder, "minilm")
    os.makedirs(os.path.join(path, "1_Pooling"), exist_ok=True)
    special = [dict(id=i, content=vocab[i], single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
               for i in range(4)]
    files = {
        "config.json": config,
        "modules.json": [dict(idx=i, name=str(i), path=p, type="sentence_transformers.models." + t)
                         for i, (p, t) in enumerate([("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")])],
        "1_Pooling/config.json": dict(word_embedding_dimension=16, pooling_mode_cls_token=False, pooling_mode_mean_tokens=True,
                                      pooling_mode_max_tokens=False, pooling_mode_mean_sqrt_len_tokens=False),
        "sentence_bert_config.json": dict(max_seq_length=longest, do_lower_case=False),
        "tokenizer.json": {
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
            "normalizer": dict(type="BertNormalizer", clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True),
            "pre_tokenizer": dict(type="BertPreTokenizer"),
            "post_processor": dict(type="TemplateProcessing", single=[
                dict(SpecialToken=dict(id="[CLS]", type_id=0)), dict(Sequence=dict(id="A", type_id=0)),
                dict(SpecialToken=dict(id="[SEP]", type_id=0))], pair=[
                dict(SpecialToken=dict(id="[CLS]", type_id=0)), dict(Sequence=dict(id="A", type_id=0)),
                dict(SpecialToken=dict(id="[SEP]", type_id=0)), dict(Sequence=dict(id="B", type_id=1)),
                dict(SpecialToken=dict(id="[SEP]", type_id=1))],
                special_tokens={t: dict(id=t, ids=[ids[t]], tokens=[t]) for t in ("[CLS]", "[SEP]")}),
            "decoder": dict(type="WordPiece", prefix="##", cleanup=True),
            "model": dict(type="WordPiece", unk_token="[UNK]", continuing_subword_prefix="##", max_input_chars_per_word=100,
                          vocab=ids)},
        "tokenizer_config.json": dict(tokenizer_class="BertTokenizer", unk_token="[UNK]", pad_token="[PAD]",
                                      cls_token="[CLS]", sep_token="[SEP]"),
        "reference.json": dict(torch=torch.__version__, texts=texts, vectors=rows)}
    for name, content in files.items():
        with open(os.path.join(path, name), "w") as file:
            json.dump(content, file)
    save_file({n: v.detach().float().contiguous() for n, v in w.tensors.items()}, os.path.join(path, "model.safetensors"),
              metadata={"format": "pt"})
    print("minilm", len(vocab), "tokens")


if __name__ == "__main__":
    if len(sys.argv) < 3 or "minilm" in sys.argv[2:]:
        make_minilm(sys.argv[1])
    for name, model, config in cases():
        if len(sys.argv) < 3 or name in sys.argv[2:]:
            make(sys.argv[1], name, model, config)
