"""Reference numbers for samples/models/tiny, computed by PyTorch from the Hugging Face files alone.

An independent forward pass of the Llama architecture in double precision: RMSNorm, rotary embedding (rotate-half),
grouped-query causal attention, SwiGLU, tied head. Prints one JSON object: token ids, the log-probability of each next
token, the gradient of the mean negative log-likelihood (norm and first elements of some tensors), and a greedy
continuation of a prompt.

Usage: llama_reference.py MODEL_FOLDER > tiny-reference.json    (made with PyTorch 2.6.0, safetensors 0.4.5)
"""
import json, sys, torch
from safetensors.torch import load_file

folder = sys.argv[1]
c = json.load(open(folder + "/config.json"))
w = {k: v.double().requires_grad_() for k, v in load_file(folder + "/model.safetensors").items()}
H, KV = c["num_attention_heads"], c["num_key_value_heads"]
D = c.get("head_dim", c["hidden_size"] // H)


def norm(x, g):
    return g * x / torch.sqrt((x * x).mean(-1, keepdim=True) + c["rms_norm_eps"])


def rotate(x):
    t = x.shape[0]
    half = D // 2
    freq = c["rope_theta"] ** (-torch.arange(half).double() * 2 / D)
    ang = torch.arange(t).double()[:, None] * freq[None]
    cos, sin = ang.cos()[:, None], ang.sin()[:, None]
    a, b = x[..., :half], x[..., half:]
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def logits(ids):
    x = w["model.embed_tokens.weight"][ids]
    t = len(ids)
    mask = torch.full((t, t), float("-inf")).double().triu(1)
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        y = norm(x, w[p + "input_layernorm.weight"])
        q = rotate((y @ w[p + "self_attn.q_proj.weight"].T).view(t, H, D))
        k = rotate((y @ w[p + "self_attn.k_proj.weight"].T).view(t, KV, D))
        v = (y @ w[p + "self_attn.v_proj.weight"].T).view(t, KV, D)
        heads = []
        for h in range(H):
            g = h // (H // KV)
            heads.append(torch.softmax(q[:, h] @ k[:, g].T / D ** 0.5 + mask, -1) @ v[:, g])
        x = x + torch.cat(heads, -1) @ w[p + "self_attn.o_proj.weight"].T
        y = norm(x, w[p + "post_attention_layernorm.weight"])
        gate, up = y @ w[p + "mlp.gate_proj.weight"].T, y @ w[p + "mlp.up_proj.weight"].T
        x = x + (gate * torch.sigmoid(gate) * up) @ w[p + "mlp.down_proj.weight"].T
    return norm(x, w["model.norm.weight"]) @ w["model.embed_tokens.weight"].T


torch.manual_seed(0)
ids = torch.randint(0, c["vocab_size"], (48,)).tolist()
lp = torch.log_softmax(logits(ids), -1)
token = lp[torch.arange(47), torch.tensor(ids[1:])]
(-token.mean()).backward()
gradients = {k: {"norm": w[k].grad.norm().item(), "first": w[k].grad.flatten()[:4].tolist()} for k in sorted(w)}
prompt = ids[:6]
text = list(prompt)
with torch.no_grad():
    for _ in range(20):
        text.append(int(logits(text)[-1].argmax()))
print(json.dumps({"torch": torch.__version__, "ids": ids, "logProbabilities": token.tolist(), "gradients": gradients,
                  "prompt": prompt, "continuation": text[6:]}))
