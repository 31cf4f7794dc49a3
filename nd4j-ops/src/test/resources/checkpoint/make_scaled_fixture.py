"""Weights of 8 bits in the layouts that published checkpoints use, each with what PyTorch makes of it as expected.NAME.

Usage: make_scaled_fixture.py > scaled.safetensors    (made with PyTorch 2.6.0, safetensors 0.4.5)
"""
import sys, torch
from safetensors.torch import save

torch.manual_seed(8)
t = {}


def put(name, stored, value, **companions):
    t[name + ".weight"], t["expected." + name] = stored.clone(), value.float().contiguous()
    for suffix, tensor in companions.items():
        t[name + "." + suffix] = tensor.clone()


patterns = torch.arange(256, dtype=torch.int16).to(torch.uint8).reshape(2, 128)
for name, kind in (("e4m3", torch.float8_e4m3fn), ("e5m2", torch.float8_e5m2)):
    put("every." + name, patterns.view(kind), patterns.view(kind).float())

w = torch.randn(130, 140).to(torch.float8_e4m3fn)
blocks = torch.rand(2, 2) + 0.1
whole = blocks.repeat_interleave(128, 0)[:130].repeat_interleave(128, 1)[:, :140]
put("deepseek", w, w.float() * whole, weight_scale_inv=blocks, input_scale=torch.rand(1))
w = torch.randn(6, 10).to(torch.float8_e5m2)
put("tensor", w, w.float() * 0.25, weight_scale=torch.tensor(0.25))
rows = (torch.rand(6, 1) + 0.1).bfloat16()
put("rows", w, w.float() * rows.float(), weight_scale=rows)
q = torch.randint(-127, 128, (6, 10), dtype=torch.int8)
put("bytes", q, q.float() * rows.float(), weight_scale=rows)
scb = torch.rand(6) + 0.5
put("bits", q, q.float() * (scb / 127)[:, None], SCB=scb, weight_format=torch.tensor(0, dtype=torch.uint8))
sys.stdout.buffer.write(save(t))
