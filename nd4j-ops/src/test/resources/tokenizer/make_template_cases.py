"""Renders chat templates with Python's Jinja2 the way transformers sets it up.

Without an argument it writes template-cases.json for the templates below and those in families/, which are this project's
own. With a folder of *.jinja files (published templates, which are not kept here) and the name of a JSON file it writes that;
PublishedTemplatesTest compares ours with it. Made with Jinja2 3.1.6.
"""
import datetime
import functools
import glob
import json
import os
import sys

from jinja2.exceptions import TemplateError
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        from jinja2 import nodes
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        # As in transformers, what is enclosed runs as a caller with a scope of its own.
        return nodes.CallBlock(self.call_method("support"), [], [], body).set_lineno(line)

    def support(self, caller):
        return caller()


class Refused(TemplateError):
    pass


def refuse(message):
    raise Refused(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def strftime_now(format):
    return datetime.datetime(2024, 7, 26).strftime(format)


environment = ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"]
)
environment.filters["tojson"] = tojson
environment.globals["raise_exception"] = refuse
environment.globals["strftime_now"] = strftime_now

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


def tool(name, description, parameters, required):
    return {"type": "function", "function": {"name": name, "description": description, "parameters": {
        "type": "object", "properties": parameters, "required": required}}}


def call(name, arguments, id=None):
    made = {"type": "function", "function": {"name": name, "arguments": arguments}}
    return {"id": id, **made} if id else made


WEATHER = tool("get_weather", "Tells the weather of a place.", {
    "place": {"type": "string", "description": "The place, such as \"Zürich\"."},
    "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "description": "The unit."}}, ["place"])
ADD = tool("add", "Adds <numbers> & 'more'.", {
    "numbers": {"type": "array", "items": {"type": "number"}, "description": "What to add."},
    "exact": {"type": "boolean", "description": "Whether to be exact.", "default": True}}, ["numbers"])
NOTHING = tool("now", "Tells the time.", {}, [])

CONVERSATIONS = {
    "question": {"messages": [{"role": "user", "content": "Hello"}]},
    "one turn": {"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi, there."}]},
    "two turns": {"messages": [
        {"role": "user", "content": "  What is 2 + 2?\n"},
        {"role": "assistant", "content": " It is 4. "},
        {"role": "user", "content": "And 'twice' \"that\" \\ \\n?"},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\n8\n\n* one\n* two \U0001f600"},
    ]},
    "system": {"messages": [
        {"role": "system", "content": "Be brief. "},
        {"role": "user", "content": "Print {{ 7 * 7 }} {% if x %} {# not a comment #} <b>&amp;</b>"},
        {"role": "assistant", "content": "{{ messages }} \u540d\u524d \u00e9"},
        {"role": "user", "content": "/no_think Again"},
    ], "variables": {"enable_thinking": False}},
    "odd characters": {"messages": [
        {"role": "user", "content": "nul \0 bell \x07 escape \x1b delete \x7f \\u0041 \\n \t\f\x85 \u2028 \ufeff"},
        {"role": "assistant", "content": "\0\x1f \"quoted\" 'quoted' \\ \\\" <&> \u00ad \U0001f600\u200d"},
    ]},
    "out of turn": {"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]},
    "assistant first": {"messages": [{"role": "assistant", "content": "Welcome."}, {"role": "user", "content": "Hi"}]},
    "unknown role": {"messages": [{"role": "narrator", "content": "a"}, {"role": "user", "content": "b"}]},
    "empty": {"messages": [{"role": "system", "content": ""}, {"role": "user", "content": ""},
                           {"role": "assistant", "content": ""}]},
    "reasoning": {"messages": [
        {"role": "system", "content": "Think.\n/think"},
        {"role": "user", "content": "Why?"},
        {"role": "assistant", "content": "Because.", "reasoning_content": "\nFirst,\nthen.\n"},
        {"role": "user", "content": "Truly?"},
        {"role": "assistant", "content": "\n\nYes.", "reasoning_content": "It is so."},
    ], "variables": {"enable_thinking": True, "add_vision_id": False}},
    "parts": {"messages": [
        {"role": "system", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}]},
        {"role": "user", "content": [{"type": "text", "text": "One "}, {"type": "text", "text": " two"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "three"}]},
    ]},
    "tools": {"messages": [{"role": "system", "content": "Use tools."}, {"role": "user", "content": "Weather?"}],
              "tools": [WEATHER, ADD, NOTHING]},
    "tools without system": {"messages": [{"role": "user", "content": "Weather?"}], "tools": [WEATHER],
                             "variables": {"tools_in_user_message": False, "date_string": "1 Jan 2025"}},
    "tool call": {"messages": [
        {"role": "user", "content": "Weather in Z\u00fcrich?"},
        {"role": "assistant", "content": None, "tool_calls": [
            call("get_weather", {"place": "Z\u00fcrich", "unit": "celsius"}, "abcdef123")]},
        {"role": "tool", "content": "{\"celsius\": 21.5}", "tool_call_id": "abcdef123", "name": "get_weather"},
        {"role": "assistant", "content": "It is 21.5 \u00b0C."},
    ], "tools": [WEATHER, ADD]},
    "two calls": {"messages": [
        {"role": "system", "content": "Be exact."},
        {"role": "user", "content": "Add and tell."},
        {"role": "assistant", "content": "I will.", "reasoning_content": "Two calls.", "tool_calls": [
            call("add", {"numbers": [1, 2.5, -3e20, 12345678901234567890], "exact": False}, "000000001"),
            call("now", {}, "000000002")]},
        {"role": "tool", "content": "0.5", "tool_call_id": "000000001", "name": "add"},
        {"role": "tool", "content": "noon", "tool_call_id": "000000002", "name": "now"},
        {"role": "assistant", "content": "0.5 at noon.", "reasoning_content": "Both came."},
        {"role": "user", "content": "Thanks"},
    ], "tools": [ADD, NOTHING]},
    "call without content": {"messages": [
        {"role": "user", "content": "Add."},
        {"role": "assistant", "content": "", "tool_calls": [call("add", {"numbers": [], "note": "a\n\"b\" <c>"})]},
    ], "tools": [ADD]},
    "variables": {"messages": [{"role": "user", "content": "Hi"}], "variables": {
        "date_string": "3 Mar 2025", "custom_instructions": "Rhyme.", "thinking": True, "reasoning_effort": "high",
        "xml_tools": ["<a>"], "documents": [{"doc_id": 1, "title": "T", "text": "Body"}]}},
}
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}


# One expression or statement each, rendered for one conversation only.
EXPRESSIONS = [
    "{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ -2 ** 2 }} {{ 1e3 }}",
    "{{ 1.0 }} {{ 0.1 + 0.2 }} {{ 1e16 }} {{ 1e-5 }} {{ 123456789.123 }} {{ 1 == 1.0 }} {{ true + 1 }} {{ 10 ** 30 }}",
    "{{ [1, 'a', none, true, 2.5, (1,), {'k': [1]}] }} {{ ('x', \"it's\") }} {{ 'tab\\t' ~ none ~ [] ~ 1.5 }}",
    "{{ 'abcdef'[1:4] }} {{ 'abcdef'[::-1] }} {{ 'abcdef'[-2:] }} {{ 'abcdef'[::2] }} {{ [1, 2, 3][:-1] }} {{ 'ab'[5] }}",
    "{{ '\U0001f600ab'[0] }} {{ '\U0001f600ab' | length }} {{ '\U0001f600ab'[1:] }} {{ 'a\U0001f600b' | reverse }}",
    "{{ '  a b  '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'xxaxx'.lstrip('x') }}|{{ 'xyaxy'.rstrip('yx') }}|{{ ' \u00a0a\u3000'.strip() }}",
    "{{ 'a,b,,c'.split(',') }} {{ ' a  b c '.split() }} {{ 'a b c'.split(' ', 1) }} {{ 'a.b.c'.rsplit('.', 1) }} {{ 'a b  c'.split(None, 1) }}",
    "{{ 'Hello'.startswith('He') }} {{ 'Hello'.endswith(('x', 'lo')) }} {{ 'Hello'.find('l') }} {{ 'Hello'.rfind('l') }} {{ 'x'.find('y') }} {{ 'aXbX'.count('X') }}",
    "{{ 'aaa'.replace('a', 'b', 2) }} {{ 'abc'.replace('', '-') }} {{ 'hello wORLD'.capitalize() }} {{ \"they're bill's\".title() }} {{ 'aBc'.swapcase() }}",
    "{{ 'a\\nb\\r\\nc'.splitlines() }} {{ 'k=v=w'.partition('=') }} {{ 'k=v=w'.rpartition('=') }} {{ '7'.zfill(3) }} {{ 'a'.center(4, '*') }} {{ 'ab'.ljust(4) }}|",
    "{{ 'ab1'.isalnum() }} {{ '12'.isdigit() }} {{ ''.isdigit() }} {{ 'ab'.isalpha() }} {{ 'AB'.isupper() }} {{ 'a b'.islower() }} {{ 'prefix-a'.removeprefix('prefix-') }}",
    "{{ '%s is %d or %5.2f or %05d or %r, 100%%' % ('a', 3, 2.345, 42, 'x') }} {{ '{} {1}'.format(1, 2) }}",
    "{{ '{} and {}'.format('a', 2) }} {{ '{0}{1}{0} {name}'.format('a', 'b', name='n') }} {{ '{{}} {:>5} {:.2f}'.format('ab', 1.005) }} {{ '%(a)s' % {'a': 1} }}",
    "{{ [3, 1, 2] | sort }} {{ ['b', 'A', 'c'] | sort }} {{ ['b', 'A'] | sort(case_sensitive=true) }} {{ [1, 2] | sort(reverse=true) }} {{ messages | sort(attribute='role') | map(attribute='role') | list }}",
    "{{ {'b': 1, 'A': 2} | dictsort }} {{ {'b': 1, 'a': 2} | dictsort(by='value') }} {{ {'b': 1, 'a': 2} | dictsort(reverse=true) }} {{ {'a': 1} | items | list }}",
    "{{ [1, 2, 3, 4, 5] | batch(2) | list }} {{ [1, 2, 3] | batch(2, 'x') | list }} {{ [1, 2, 3, 4, 5] | slice(3) | list }} {{ [1, 2, 3, 4] | slice(3, 'x') | list }}",
    "{{ [1, 1, 2] | unique | list }} {{ ['a', 'A'] | unique | list }} {{ [1, 5, 3] | max }} {{ [1, 5, 3] | min }} {{ [] | max }}| {{ [1, 2] | sum }}",
    "{{ [1, 2, 3, 4] | select('odd') | list }} {{ [1, 2, 3] | reject('gt', 2) | list }} {{ messages | selectattr('role', 'in', ['user']) | map(attribute='content') | list }} {{ none | select | list }}",
    "{{ ['a', 'b'] | map('upper') | join('-') }} {{ [[1], [2]] | map('first') | list }} {{ messages | map(attribute='name', default='x') | list }} {{ messages | rejectattr('name') | list | length }}",
    "{{ '5' | int + 1 }} {{ 'x' | int(7) }} {{ '4.7' | int }} {{ '0x1f' | int(0, 16) }} {{ '2.5' | float }} {{ 2.5 | round }} {{ 3.14159 | round(2) }} {{ 2.1 | round(0, 'ceil') }} {{ -5 | abs }}",
    "{{ 'a\\nb\\n\\nc' | indent }} {{ 'a\\nb' | indent(2, true) }} {{ 'a\\n\\nb' | indent('> ', blank=true) }}",
    "{{ 'a long text that is cut' | truncate(12) }} {{ 'abcdefghij' | truncate(5, true, '~', 0) }} {{ 'one two three' | wordcount }} {{ 'hello there-you (all)' | title }}",
    "{{ nothing | default('d') }} {{ '' | default('d') }}| {{ '' | default('d', true) }} {{ nothing }}| {{ nothing is defined }} {{ nothing | length }} {{ none | default('d') }} {{ messages[9] is undefined }}",
    "{{ {'a': [1, 2.0, none, true], 'b': '\u00e9\\n\"'} | tojson }} {{ {'a': {}, 'b': []} | tojson(indent=2) }} {{ {'b': 1, 'a': 2} | tojson(sort_keys=true, separators=(',', ':')) }} {{ '\u00e9<' | tojson(ensure_ascii=true) }}",
    "{{ 'a' is string }}{{ 1 is string }} {{ {} is mapping }}{{ [] is mapping }} {{ 'a' is iterable }}{{ 1 is iterable }} {{ {} is sequence }}{{ 'a' is sequence }} {{ 1 is number }}{{ true is number }}{{ true is integer }}{{ true is boolean }}{{ 1.5 is float }}",
    "{{ none is none }} {{ 4 is even }} {{ 4 is divisibleby 2 }} {{ 4 is eq 4 }} {{ 'a' is in ['a'] }} {{ 1 is not none and 2 is odd or true }} {{ not 1 is string }} {{ 'A' is upper }} {{ 1 is sameas true }}",
    "{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ 'x' not in 'abc' }} {{ not 'a' in 'abc' }} {{ 'a' in {'a': 1} }} {{ 1 in (1, 2) }} {{ none == none }} {{ {} == {} }} {{ [1] == [1.0] }}",
    "{{ 'y' if true }}{{ 'y' if false }}|{{ 1 if false else 2 if false else 3 }} {{ (1, 2) | first }} {{ 'a' 'b' }} {{ [] or 'e' }} {{ 0 and x.y.z }} {{ '' or none }}",
    "{{ range(5) | list }} {{ range(1, 10, 3) | list }} {{ range(3, 0, -1) | list }} {{ range(0) | list }} {{ dict(a=1, b=2) }} {{ joiner('|')() }} {{ {'a': 1}.items() | list }} {{ {'a': 1}.get('b', 2) }} {{ {'a': 1}.get('b') }}",
    "{% set a, b = (1, 2) %}{{ a }}{{ b }} {% set x %}in {{ a }}{% endset %}{{ x | upper }} {% set y | upper | trim %} up {% endset %}{{ y }}| {% with a = 5, c = a %}{{ a }}{{ c }}{% endwith %}{{ a }}",
    "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = i * 10 %}{{ x }}{% endfor %}{{ x }}{% if true %}{% set x = 9 %}{% endif %}{{ x }}",
    "{% set ns = namespace(a=1, b=[]) %}{% for i in range(3) %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }} {{ ns.c is defined }} {% set ns.c = 5 %}{{ ns.c }}",
    "{% for i in [1, 2, 3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a', 'b') }}{{ loop.changed(i // 2) }} {% endfor %}",
    "{% for i in [] %}a{% else %}none{% endfor %} {% for i in [1, 2, 3] if i > 5 %}a{% else %}none{% endfor %} {% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %} {% for i in 'ab' %}{{ i }}.{% endfor %}",
    "{% for i in [[1, [2, [3]]]] recursive %}({% for j in i %}{% if j is iterable %}{{ loop.depth }}{% else %}{{ j }}{% endif %}{% endfor %}){% endfor %} {% for n in [{'v': 1, 'c': [{'v': 2, 'c': []}]}] recursive %}<{{ n.v }}{{ loop(n.c) }}{{ loop.depth }}>{% endfor %}",
    "{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% for j in range(9) %}{% if j == 1 %}{% break %}{% endif %}.{% endfor %}{% endfor %}",
    "{% macro m(a, b=2, c=a) %}[{{ a }}{{ b }}{{ c }}{{ varargs }}{{ kwargs }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(1, c=4) }}{{ m(1, 2, 3, 4, d=5) }}{{ m() }}",
    "{% macro box() %}<{{ caller('x') }}>{% endmacro %}{% call(a) box() %}in {{ a }}{% endcall %} {% filter upper %}abc{{ 'd' }}{% endfilter %} {% macro r(n) %}{{ n }}{{ r(n - 1) if n > 0 }}{% endmacro %}{{ r(3) }}",
    "{% macro v() %}{{ later }}{% endmacro %}{% set later = 5 %}{{ v() }} {% for later in [1] %}{{ v() }}{% endfor %}",
    "{{ '<a>' | safe }} {{ ('<a>' | safe) + '<b>' }} {{ ('<a>' | safe) ~ '<b>' }} {{ '<a>' | e }} {{ 'a b/c' | urlencode }} {{ 'x' | string | length }}",
    "{{ strftime_now('%Y-%m-%d %B %b %A %a %j %H:%M:%S %I %p %y %-d %e %%') }}",
    "{{ {'items': 5, 'a': 1}['items'] }} {{ {'a': 1}.b }}| {{ {'a': 1}['b'] }}| {{ none.x }}| {{ messages[0]['role'][0] }} {{ messages.0.role }} {{ messages[-1].role }}",
    "{{ 0x1F }} {{ 0b11 }} {{ 1_000 }} {{ 'a\\x41\\u00e9\\'\\\\' }} {{ 'q\\q' }} {{ [1, 2,] }} {{ {'a': 1,} }} {{ (1) }} {{ () }}",
    "{{ messages | length if messages else 0 }}{%- if messages is iterable and messages is not mapping and messages -%} y {%- endif %}",
    "{{ x.y }}", "{{ nothing + 'a' }}", "{{ nothing() }}", "{{ 'a' + 1 }}", "{{ 1 + none }}", "{{ 1 / 0 }}", "{{ messages.append(1) }}",
    "{{ messages[0].update({'a': 1}) }}", "{{ [1, 2] | select('nope') | list }}", "{{ 1 | nope }}", "{{ 'a' | selectattr('b') | length }}",
    "{{ {}.a.b }}", "{{ 'a' < 1 }}", "{{ 'abc'.index('x') }}", "{% set a, b = [1] %}", "{% set messages.x = 1 %}", "{{ [1] | tojson(indent='\t') }}",
    "{{ ''.__class__ }}|{{ ''.__class__.__mro__ }}", "{{ messages.__class__.x }}", "{{ 1 in none }}", "{{ none | length }}", "{{ 'a' * 3 }} {{ [0] * 2 }} {{ 3 * 'b' }} {{ 'a' * -1 }}|",
    "{% for a, b in [[1, 2], [3, 4]] %}{{ a + b }}{% endfor %}", "{{ range(200000) | list | length }}", "{{ raise_exception('no: ' ~ 1) }}",
]


def with_text_arguments(message):
    calls = [{**c, "function": {**c["function"], "arguments": json.dumps(c["function"]["arguments"], ensure_ascii=False)}} for c in message.get("tool_calls", [])]
    return {**message, "tool_calls": calls} if calls else message


@functools.lru_cache(maxsize=None)
def compiled(template):
    return environment.from_string(template)


def render(template, conversation, prompt, messages):
    return compiled(template).render(**{**SPECIAL, "documents": None, "tools": conversation.get("tools"),
        **conversation.get("variables", {}), "messages": messages, "add_generation_prompt": prompt})


def outcome(template, conversation, prompt):
    messages = conversation["messages"]
    try:
        return {"expected": render(template, conversation, prompt, messages)}
    except Refused as error:
        return {"refusal": str(error)}
    except Exception as error:
        # A template that takes arguments as text only gets them so.
        if any("tool_calls" in message for message in messages):
            try:
                return {"expected": render(template, conversation, prompt, [with_text_arguments(m) for m in messages])}
            except Exception:
                pass
        return {"failure": str(error)}


def write(templates, expressions, path):
    cases = [{"template": name, "conversation": other, "prompt": prompt, **outcome(template, conversation, prompt)}
             for name, template in templates.items() for other, conversation in CONVERSATIONS.items()
             for prompt in (False, True)]
    for expression in expressions:
        templates[expression] = expression
        cases.append({"template": expression, "conversation": "two turns", "prompt": False,
                      **outcome(expression, CONVERSATIONS["two turns"], False)})
    with open(path, "w") as file:
        json.dump({"specialTokens": SPECIAL, "conversations": CONVERSATIONS, "templates": templates, "cases": cases}, file,
                  ensure_ascii=False, indent=1)
    print(len(templates), "templates,", len(cases), "cases:", path)


def read(folder):
    texts = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.jinja"))):
        with open(path, newline="") as file:
            texts[os.path.basename(path)[:-len(".jinja")]] = file.read()
    return texts


here = os.path.dirname(os.path.abspath(__file__))
if len(sys.argv) > 1:
    write(read(sys.argv[1]), [], sys.argv[2])
else:
    write({**TEMPLATES, **read(os.path.join(here, "families"))}, EXPRESSIONS, os.path.join(here, "template-cases.json"))
