"""Adapters for samples/models/tiny in the layout of Hugging Face's PEFT, and what PEFT's published formulas make of them.

An independent forward pass in double precision, which applies LoRA, rsLoRA and DoRA as the sources of PEFT do
(src/peft/tuners/lora/layer.py and dora.py, names and matching of src/peft/tuners/tuners_utils.py):
    LoRA    y = x W^T + s (x A^T) B^T,  s = alpha / r, for rsLoRA alpha / sqrt(r)
    DoRA    y += (m / ||W + s B A||_row - 1) x W^T + (m / ||...||_row - 1) s (x A^T) B^T

Usage: peft_reference.py make MODEL OUT     writes OUT/lora, OUT/rslora, OUT/dora with random values
       peft_reference.py apply MODEL ADAPTER...    prints the log-probability of each next token of IDS, by adapter
(made with PyTorch 2.6.0, safetensors 0.4.5)
"""
import json, os, re, sys, torch
from safetensors.torch import load_file, save_file

IDS = [0, 97, 300, 511, 2, 45, 77, 900, 13, 13, 640, 1, 0, 81, 333, 720, 5, 1000, 64, 1]


def targeted(c, key):
    t = c["target_modules"]
    if isinstance(t, str):
        return t == "all-linear" or re.fullmatch(t, key) is not None
    if not any(key == m or key.endswith("." + m) for m in t):
        return False
    layers = c.get("layers_to_transform")
    return layers is None or int(re.match(r".*?\.[^.]*\.(\d+)\.", key).group(1)) in layers


def pattern(patterns, key, otherwise):
    for p, value in (patterns or {}).items():
        if re.match(rf"(.*\.)?({p})$", key):
            return value
    return otherwise


def adapters(folder, weights):
    c = json.load(open(folder + "/adapter_config.json"))
    t = {k: v.double() for k, v in load_file(folder + "/adapter_model.safetensors").items()}
    sites = {}
    for name in weights:
        key = name.removesuffix(".weight")
        if name.endswith("_proj.weight") and targeted(c, key):
            r, alpha = pattern(c["rank_pattern"], key, c["r"]), pattern(c["alpha_pattern"], key, c["lora_alpha"])
            p = "base_model.model." + key
            a, b = t.pop(p + ".lora_A.weight"), t.pop(p + ".lora_B.weight")
            assert a.shape[0] == b.shape[1] == r, (key, a.shape, b.shape, r)
            m = t.pop(p + ".lora_magnitude_vector") if c["use_dora"] else None
            sites[key] = (a, b, alpha / (r ** 0.5 if c["use_rslora"] else r), m)
    assert not t and sites, list(t)
    return sites


def linear(w, sites, key, x):
    weight = w[key + ".weight"]
    y = x @ weight.T
    if key not in sites:
        return y
    a, b, s, m = sites[key]
    low = s * (x @ a.T) @ b.T
    if m is None:
        return y + low
    ratio = m / torch.linalg.norm(weight + s * b @ a, dim=1)
    return y + (ratio - 1) * y + ratio * low


def log_probabilities(model, sites):
    c = json.load(open(model + "/config.json"))
    w = {k: v.double() for k, v in load_file(model + "/model.safetensors").items()}
    heads, groups = c["num_attention_heads"], c["num_key_value_heads"]
    d, t = c["hidden_size"] // heads, len(IDS)
    norm = lambda x, g: g * x / torch.sqrt((x * x).mean(-1, keepdim=True) + c["rms_norm_eps"])
    angle = torch.arange(t).double()[:, None] * c["rope_theta"] ** (-torch.arange(d // 2).double() * 2 / d)[None]
    cos, sin = angle.cos()[:, None], angle.sin()[:, None]

    def rotate(x):
        p, q = x[..., :d // 2], x[..., d // 2:]
        return torch.cat((p * cos - q * sin, q * cos + p * sin), -1)

    x = w["model.embed_tokens.weight"][IDS]
    mask = torch.full((t, t), float("-inf")).double().triu(1)
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        lin = lambda module, v: linear(w, sites, p + module, v)
        y = norm(x, w[p + "input_layernorm.weight"])
        q = rotate(lin("self_attn.q_proj", y).view(t, heads, d))
        k = rotate(lin("self_attn.k_proj", y).view(t, groups, d))
        v = lin("self_attn.v_proj", y).view(t, groups, d)
        k, v = k.repeat_interleave(heads // groups, 1), v.repeat_interleave(heads // groups, 1)
        p_ = torch.softmax(torch.einsum("qhd,khd->hqk", q, k) / d ** 0.5 + mask, -1)
        x = x + lin("self_attn.o_proj", torch.einsum("hqk,khd->qhd", p_, v).reshape(t, heads * d))
        y = norm(x, w[p + "post_attention_layernorm.weight"])
        gate = lin("mlp.gate_proj", y)
        x = x + lin("mlp.down_proj", gate * torch.sigmoid(gate) * lin("mlp.up_proj", y))
    logits = norm(x, w["model.norm.weight"]) @ w["model.embed_tokens.weight"].T
    return torch.log_softmax(logits, -1)[torch.arange(t - 1), IDS[1:]].tolist()


def make(model, out):
    torch.manual_seed(20)
    w = load_file(model + "/model.safetensors")
    common = dict(peft_type="LORA", task_type="CAUSAL_LM", auto_mapping=None, base_model_name_or_path="tiny", bias="none",
                  fan_in_fan_out=False, inference_mode=True, init_lora_weights=True, layers_pattern=None, loftq_config={},
                  lora_dropout=0.05, megatron_config=None, megatron_core="megatron.core", modules_to_save=None,
                  revision=None, exclude_modules=None, layer_replication=None, eva_config=None, corda_config=None,
                  lora_bias=False, target_parameters=None, trainable_token_indices=None, peft_version="0.17.1",
                  layers_to_transform=None, rank_pattern={}, alpha_pattern={}, use_rslora=False, use_dora=False)
    kinds = {
        "lora": dict(r=4, lora_alpha=8, target_modules=["q_proj", "down_proj"], layers_to_transform=[1, 4],
                     rank_pattern={"down_proj": 2}, alpha_pattern={r"model\.layers\.4\.mlp\.down_proj": 3.5}),
        "rslora": dict(r=4, lora_alpha=2, target_modules=r".*\.[25]\.self_attn\.(k|v)_proj", use_rslora=True),
        "dora": dict(r=2, lora_alpha=4, target_modules=["layers.0.self_attn.o_proj", "model.layers.3.mlp.up_proj"],
                     use_dora=True),
    }
    for kind, own in kinds.items():
        c = common | own
        tensors = {}
        for name, weight in w.items():
            key = name.removesuffix(".weight")
            if name.endswith("_proj.weight") and targeted(c, key):
                r, (o, i) = pattern(c["rank_pattern"], key, c["r"]), weight.shape
                p = "base_model.model." + key
                tensors[p + ".lora_A.weight"] = torch.randn(r, i) / i ** 0.5
                tensors[p + ".lora_B.weight"] = torch.randn(o, r) * 0.2
                if c["use_dora"]:
                    tensors[p + ".lora_magnitude_vector"] = weight.float().norm(dim=1) * (1 + 0.3 * torch.randn(o))
        os.makedirs(f"{out}/{kind}", exist_ok=True)
        json.dump(c, open(f"{out}/{kind}/adapter_config.json", "w"), indent=2, sort_keys=True)
        save_file(tensors, f"{out}/{kind}/adapter_model.safetensors", metadata={"format": "pt"})


if sys.argv[1] == "make":
    make(sys.argv[2], sys.argv[3])
else:
    w = load_file(sys.argv[2] + "/model.safetensors")
    result = {"ids": IDS, "base": log_probabilities(sys.argv[2], {})}
    for folder in sys.argv[3:]:
        result[os.path.basename(folder.rstrip("/"))] = log_probabilities(sys.argv[2], adapters(folder, w))
    print(json.dumps(result))
