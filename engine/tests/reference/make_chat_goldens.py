"""Renders chat templates with jinja2, set up as PyPI `transformers` sets it up, and writes the texts.

Usage: python make_chat_goldens.py ../data/chat-golden.json
The templates are written here, in the idioms of published ones: ChatML, Llama 3, Zephyr, a Mistral-like one that refuses roles out of
order, and one that uses what Python has for strings and lists.
"""

import json
import sys

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

TEMPLATES = {
    "chatml": """{%- if messages[0]['role'] != 'system' %}
    {{- '<|im_start|>system\\nYou help.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    "llama-3": """{% set loop_messages = messages %}{% for message in loop_messages %}
{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}
{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}
{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}
""",
    "zephyr": """{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>\n' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>\n' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>\n'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}""",
    "alternating": """{%- if messages[0]['role'] == 'system' -%}
    {%- set system = messages[0]['content'] -%}{%- set rest = messages[1:] -%}
{%- else -%}
    {%- set system = '' -%}{%- set rest = messages -%}
{%- endif -%}
{{ bos_token }}
{%- for message in rest -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception('roles must alternate') }}
    {%- endif -%}
    {%- if message['role'] == 'user' -%}
        {{ '[INST] ' ~ (system ~ '\n\n' if loop.first and system else '') ~ message['content'] ~ ' [/INST]' }}
    {%- else -%}
        {{ ' ' ~ message['content'].rstrip() ~ eos_token }}
    {%- endif -%}
{%- endfor -%}""",
    "methods": """{% set ns = namespace(seen=[], n=0) %}
{% for m in messages %}
{% set ns.n = ns.n + 1 %}
{% set ns.seen = ns.seen + [m.role] %}
{{ ns.n }}. {{ m.role.title() }}: {{ m.content.strip().split('\n')[-1].replace('a', 'b') }}{% if m.content.startswith(' ') %}!{% endif %}

{% endfor %}
{{ ns.seen | join(', ') }} {{ messages | length }} {{ messages[-1].content | tojson }} {{ {'a': [1, 'é'], 'b': {}} | tojson }}
{{ {'a': [1, []]} | tojson(indent=2) }} {{ tools is defined }}
{% for key, value in messages[0].items() %}{{ key }}={{ value | upper }};{% endfor %}
""",
}

CONVERSATIONS = [
    [("user", "Hello, who are you?")],
    [("system", "Be brief."), ("user", "  2 + 2?\n"), ("assistant", "4. "), ("user", "and <b>&amp; 'é' \"x\"</b>?")],
    [("user", ""), ("assistant", "a\nb"), ("user", " c")],
    [("user", "a"), ("user", "b")],
]


def environment():
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )

    def refuse(message):
        raise jinja2.exceptions.TemplateError(message)

    env.globals["raise_exception"] = refuse
    # As transformers: no escaping of HTML.
    env.filters["tojson"] = lambda value, indent=None: json.dumps(value, ensure_ascii=False, indent=indent)
    return env


def main(out):
    cases = []
    for name, source in TEMPLATES.items():
        template = environment().from_string(source)
        for conversation in CONVERSATIONS:
            messages = [{"role": role, "content": content} for role, content in conversation]
            try:
                text = template.render(
                    messages=messages, add_generation_prompt=True, bos_token="<s>", eos_token="</s>"
                )
            except jinja2.exceptions.TemplateError as error:
                text = None
                assert str(error) == "roles must alternate", error
            cases.append({"name": name, "template": source, "messages": messages, "text": text})
    with open(out, "w", encoding="utf-8") as file:
        json.dump(cases, file, ensure_ascii=False, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
