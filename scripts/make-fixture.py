#!/usr/bin/env python3
"""Makes crates/training/tests/fixture/llama.safetensors: what PyTorch says about a small Llama.

    pip install torch transformers safetensors numpy
    python3 scripts/make-fixture.py

Hugging Face's LlamaForCausalLM with odd sizes, grouped-query heads, several documents in a window and tokens without
weight: its weights, logits, per-token losses, every gradient of the weighted mean loss, and the losses of twenty AdamW
steps with a global-norm clip. The Rust tests hold every CPU backend to these numbers. Takes seconds.
"""

import pathlib

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

BATCH, TIME, VOCABULARY = 3, 16, 61
STEPS, RATE, DECAY, CLIP = 20, 3e-3, 0.1, 0.5

torch.manual_seed(20)
config = LlamaConfig(
    vocab_size=VOCABULARY, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, head_dim=6, max_position_embeddings=TIME, rms_norm_eps=1e-5, rope_theta=10000.0,
    tie_word_embeddings=True, attention_bias=False, mlp_bias=False, attn_implementation="eager",
)
model = LlamaForCausalLM(config)
for name, parameter in model.named_parameters():
    # Far from the initial values, so that every term matters.
    torch.nn.init.normal_(parameter, 1.0 if "norm" in name else 0.0, 0.2)

# Documents of 16, of 5 + 11, and of 7 + 1 + 8 positions; the last two positions of the second window have no weight.
lengths = [[16], [5, 11], [7, 1, 8]]
starts = torch.tensor([[s for i, n in enumerate(row) for s in [sum(row[:i])] * n] for row in lengths])
inputs = torch.randint(0, VOCABULARY, (BATCH, TIME))
targets = torch.randint(0, VOCABULARY, (BATCH, TIME))
weights = torch.ones(BATCH, TIME)
weights[1, -2:] = 0.0
weights[2, 3] = 0.5

position = torch.arange(TIME)
seen = (position[None, None, :] <= position[None, :, None]) & (position[None, None, :] >= starts[:, :, None])
mask = torch.where(seen, 0.0, torch.finfo(torch.float32).min)[:, None]


def forward():
    logits = model(input_ids=inputs, attention_mask=mask, position_ids=position[None] - starts).logits
    losses = torch.nn.functional.cross_entropy(logits.view(-1, VOCABULARY), targets.view(-1), reduction="none")
    return logits, losses, (losses * weights.view(-1)).sum() / weights.sum()


out = {f"weight.{n}": p.detach().clone() for n, p in model.named_parameters()}
logits, losses, loss = forward()
loss.backward()
out |= {f"gradient.{n}": p.grad.detach().clone() for n, p in model.named_parameters()}
out |= {
    "logits": logits.detach().reshape(-1, VOCABULARY).contiguous(), "losses": losses.detach(), "loss": loss.detach()[None],
    "inputs": inputs.int(), "targets": targets.int(), "weights": weights, "starts": starts.int(),
}

groups = [
    {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": DECAY},
    {"params": [p for p in model.parameters() if p.dim() == 1], "weight_decay": 0.0},
]
optimizer = torch.optim.AdamW(groups, RATE, betas=(0.9, 0.95), eps=1e-8)
trajectory, norms = [], []
for _ in range(STEPS):
    optimizer.zero_grad()
    loss = forward()[2]
    loss.backward()
    norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP).item())
    optimizer.step()
    trajectory.append(loss.item())
out |= {"trajectory": torch.tensor(trajectory), "norms": torch.tensor(norms)}

path = pathlib.Path(__file__).parent.parent / "crates/training/tests/fixture/llama.safetensors"
save_file({k: v.contiguous() for k, v in out.items()}, path)
print(path, path.stat().st_size, "bytes; losses", trajectory[0], "to", trajectory[-1], "norm", norms[0])
