"""Renders chat templates with Python's Jinja2 the way transformers sets it up, and writes template-cases.json.

Made with Jinja2 3.1.6. The templates are this project's own; between them they use what published ones use.
"""
import json
import os

from jinja2.exceptions import TemplateError
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def refuse(message):
    raise TemplateError(message)


environment = ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"]
)
environment.globals["raise_exception"] = refuse

TEMPLATES = {
    "one line": "{% for m in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nBe helpful.<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "indented": """{# every turn on its own lines #}
{% for message in messages %}
    {% if message.role == 'user' %}
        {{- '<u>' + message.content + '</u>' }}
    {%- elif message.role == 'system' -%}
        <s>{{ message.content }}</s>
    {%- else %}
    {{ message.content }}
    {% endif %}
{% endfor %}
{% if add_generation_prompt %}
<a>
{% endif %}
""",
    "plain text lines": """{{ bos_token }}
{% for message in messages %}
### {{ message['role'] | capitalize }}:
  {{ message['content'] | trim }}{{ eos_token if message['role'] == 'assistant' }}

{% endfor %}
{% if add_generation_prompt %}
### Assistant:
{% endif %}""",
    "system first, turns alternate": """{% if messages[0]['role'] == 'system' %}
{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'].strip() + '\n\n' %}
{% else %}
{% set loop_messages = messages %}{% set system_message = '' %}
{% endif %}
{% for message in loop_messages %}
{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
{% endif %}
{% if loop.index0 == 0 %}{% set content = system_message + message['content'] %}
{% else %}{% set content = message['content'] %}{% endif %}
{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}
{% elif message['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}
{% endfor %}""",
    "headers": "{% set loop_messages = messages %}{% for message in loop_messages %}"
    "{% set content = '<|start|>' + message['role'] + '<|end|>\n\n'+ message['content'] | trim + '<|eot|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant<|end|>\n\n' }}{% endif %}",
    "last marker": "{% for message in messages %}\n{% if message['role'] == 'user' %}\n"
    "{{ '<|user|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'system' %}\n"
    "{{ '<|system|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'assistant' %}\n"
    "{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n"
    "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}",
    "thoughts of earlier turns cut": """{%- set ns = namespace(last=messages|length - 1, found=false) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if not ns.found and message.role == "user" and message.content is string and not (message.content.startswith('<tool>') and message.content.endswith('</tool>')) %}
        {%- set ns.found = true %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>' + '\n' }}
    {%- elif message.role == "assistant" %}
        {%- set thought = '' %}
        {%- if message.thought is string %}
            {%- set thought = message.thought %}
        {%- elif '</think>' in content %}
            {%- set thought = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last and (loop.last or (not loop.last and thought)) %}
            {{- '<|im_start|>' + message.role + '\n<think>\n' + thought.strip('\n') + '\n</think>\n\n' + content.lstrip('\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\n' + content }}
        {%- endif %}
        {{- '<|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}
{%- endif %}""",
    "renamed role": "{{ bos_token }}{% if messages[0]['role'] == 'tool' %}{{ raise_exception('no tools') }}{% endif %}"
    "{% for message in messages %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}"
    "{% else %}{% set role = message['role'] %}{% endif %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}",
    "macro": """{%- macro turn(role, text, end='</t>') -%}
<{{ role }}>{{ text | replace('\n', ' / ') | upper }}{{ end }}
{%- endmacro -%}
{%- for message in messages %}
{{ turn(message.role, message.content) }}{{ turn(message.role[0], message.content[:3], end='!') }}
{%- endfor %}""",
    "break and continue": "{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}"
    "{% if m.role == 'assistant' %}{% break %}{% endif %}[{{ m.content }}]{% endfor %}",
    "generation": "{% for m in messages %}{% if m.role == 'assistant' %}A: {% generation %}{{ m.content }}</s>\n"
    "{% endgeneration %}{% else %}U: {{ m.content }}\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}A: {% endif %}",
    "filters and tests": "{{ messages | selectattr('role', 'equalto', 'user') | list | length }} "
    "{{ messages | map(attribute='role') | join(',') }} {{ (messages | last).role | length }} "
    "{{ messages[-1]['content'] ~ '|' ~ messages|length }} {{ messages | length > 1 and not false }} "
    "{% if bos_token is defined and bos_token is not none %}yes{% endif %} {{ nothing | default('none') }} "
    "{% if messages[0].name is not defined %}unnamed{% endif %} {{ 7 // 2 }} {{ 7 % 4 }} "
    "{{ messages[0].get('name', 'x') }} {{ 'a' in ['a', 'b'] }}{{ 'role' not in messages[0] }} "
    "{{ '-'.join(['x', 'y']) }} {% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}",
    "inline conditions": "{{- bos_token -}}\n\n  {%- for m in messages -%}\n\n  "
    "{{ '[' ~ (m.role if m.role in ('user', 'assistant') else 'other') ~ ']' }}   {{ m.content }}  \n\n"
    "{%- endfor -%}  \n",
    "conditional loops": "{% for m in messages if m.role == 'user' %}{{ loop.index }}/{{ loop.length }} {{ m.content }}"
    "{% if not loop.last %}, {% endif %}{% endfor %}|"
    "{% for m in messages if not m.role in ['user', 'system'] and m.content %}{{ m.role[0] }}{{ m.role[-1] }}"
    "{{ m.content[2:4] }}{% endfor %}",
    "comments and raw": "a {# one #} b\n{# two\nlines #}\nc {#- three -#} d\n   {# four #}\n"
    "{% raw %}\n {{ kept }} {% kept %} \n{% endraw %}\ne {%- raw -%} f {%- endraw +%}\n  {%+ if true %}g{% endif +%}\nh",
    "unless asked": "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}"
    "{% for m in messages %}{{ m['content'] }}{{ '\\n' if not loop.last else '' }}{% endfor %}"
    "{{ '>' if add_generation_prompt }}\n\n",
}

CONVERSATIONS = {
    "two turns": [
        {"role": "user", "content": "  What is 2 + 2?\n"},
        {"role": "assistant", "content": " It is 4. "},
        {"role": "user", "content": "And 'twice' \"that\" \\ \\n?"},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\n8\n\n* one\n* two 😀"},
    ],
    "system": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Print {{ 7 * 7 }} {% if x %} {# not a comment #} <b>&amp;</b>"},
        {"role": "assistant", "content": "{{ messages }} 名前 é"},
    ],
    "question": [{"role": "user", "content": "Hello"}],
    "odd characters": [
        {"role": "user", "content": "nul \0 bell \x07 escape \x1b delete \x7f \\u0041 \\n \t\f\x85 \u2028 \ufeff"},
        {"role": "assistant", "content": "\0\x1f \"quoted\" 'quoted' \\ \\\" <&> \u00ad \U0001f600\u200d"},
    ],
    "out of turn": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
}

cases = []
for template_name, template in TEMPLATES.items():
    for name, messages in CONVERSATIONS.items():
        for prompt in (False, True):
            case = {"name": f"{template_name} / {name} / {'prompt' if prompt else 'whole'}", "template": template,
                    "messages": messages, "addGenerationPrompt": prompt}
            try:
                case["expected"] = environment.from_string(template).render(
                    messages=messages, add_generation_prompt=prompt, bos_token="<s>", eos_token="</s>")
            except TemplateError as error:
                case["refusal"] = str(error)
            cases.append(case)

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "template-cases.json"), "w") as file:
    json.dump(cases, file, ensure_ascii=False, indent=1)
