"""Checks `/v1` with OpenAI's own Python client: models, replies whole and in a stream, their ends and their counts, the
restaurant itself as a model, refusals; a client's functions are called, whole and in a stream, under each tool_choice,
with arguments that fit their schemas, and their results are taken back.

Usage: python openai_check.py BASE_URL MODEL [--rounds N]      (needs the packages openai and jsonschema)

BASE_URL ends in /v1; MODEL is one of the bare models that it lists. What it finds is one line of JSON on standard
output; the first thing wrong ends it with a reason.
"""

import argparse
import json

import jsonschema
import openai

WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 1, "maxLength": 40},
        "days": {"type": "integer", "minimum": 1, "maximum": 14},
        "unit": {"enum": ["celsius", "fahrenheit"]},
    },
    "required": ["city", "unit"],
    "additionalProperties": False,
}
BOOKING = {
    "type": "object",
    "properties": {
        "party": {"type": "integer", "minimum": 1, "maximum": 120},
        "guest": {"$ref": "#/$defs/guest"},
        "notes": {"type": "array", "items": {"type": "string", "maxLength": 20}, "maxItems": 3},
        "price": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "terrace": {"type": ["boolean", "null"]},
    },
    "required": ["party", "guest"],
    "additionalProperties": False,
    "$defs": {
        "guest": {
            "type": "object",
            "properties": {"name": {"type": "string", "maxLength": 30}, "regular": {"type": "boolean"}},
            "required": ["name", "regular"],
            "additionalProperties": False,
        }
    },
}
SCHEMAS = {"get_weather": WEATHER, "book_table": BOOKING}
TOOLS = [
    {"type": "function", "function": {"name": name, "description": about, "parameters": SCHEMAS[name], "strict": True}}
    for name, about in [("get_weather", "The weather of a city."), ("book_table", "Books a table.")]
]
QUESTIONS = [
    "What is the weather in Rome, in celsius?",
    "Book a table for four for Ann, a regular.",
    'call get_weather {"city":"Rome","unit":"celsius"}',
    "Hello!",
]


def check(call):
    """Arguments of a call as JSON that fits its schema."""
    arguments = json.loads(call.function.arguments)
    jsonschema.validate(arguments, SCHEMAS[call.function.name])
    assert call.id and call.type == "function", call
    return arguments


def talk(client, model, words):
    """Replies without functions: whole and in a stream they are the same, end as they should, and are counted."""
    ask = dict(model=model, messages=[{"role": "user", "content": words}], temperature=0.0, seed=1, max_tokens=40)
    whole = client.chat.completions.create(**ask)
    said, usage = whole.choices[0].message.content, whole.usage
    assert said and whole.choices[0].finish_reason in ("stop", "length"), whole
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens and usage.completion_tokens > 1, usage
    chunks = list(client.chat.completions.create(stream=True, stream_options={"include_usage": True}, **ask))
    pieces = [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.delta.content]
    assert "".join(pieces) == said, (said, pieces)
    assert len(pieces) > 1 and chunks[-1].usage.completion_tokens == usage.completion_tokens, chunks[-1]
    assert len({chunk.id for chunk in chunks}) == 1, "the chunks of a reply have one id"
    short = client.chat.completions.create(**{**ask, "max_tokens": 2}).choices[0]
    assert short.finish_reason == "length", short
    stop = said.split()[1]
    ended = client.chat.completions.create(**ask, stop=[stop]).choices[0]
    assert ended.finish_reason == "stop" and ended.message.content == said[: said.index(stop)], (said, ended)
    history = [*ask["messages"], {"role": "assistant", "content": said}, {"role": "user", "content": words}]
    system = {"role": "system", "content": "Be brief."}
    assert client.chat.completions.create(**{**ask, "messages": [system, *history]}).choices[0].message.content
    # The restaurant itself.
    dish = "two double stacks, please"
    for stream in (False, True):
        answer = client.chat.completions.create(
            model="gemma-burger", messages=[{"role": "user", "content": dish}], stream=stream
        )
        text = "".join(c.choices[0].delta.content or "" for c in answer if c.choices) if stream else None
        assert text or answer.choices[0].message.content, answer
    for wrong, error in [({"model": "nobody"}, openai.NotFoundError), ({"messages": []}, openai.BadRequestError)]:
        try:
            client.chat.completions.create(**{**ask, **wrong})
        except error as refusal:
            assert refusal.message and refusal.body["type"], refusal
        else:
            raise AssertionError(f"{wrong} was taken")
    return len(pieces)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("base_url")
    parser.add_argument("model")
    parser.add_argument("--rounds", type=int, default=1)
    # A scripted model calls what it is told to call, and nothing else.
    parser.add_argument("--scripted", action="store_true")
    options = parser.parse_args()
    questions = QUESTIONS[2:3] if options.scripted else QUESTIONS
    client = openai.OpenAI(base_url=options.base_url, api_key="none", max_retries=0)
    assert options.model in [model.id for model in client.models.list()], options.model
    assert client.models.retrieve(options.model).id == options.model
    pieces = talk(client, options.model, "count 9" if options.scripted else "Tell me about a harbour in winter.")
    counts = {"pieces": pieces, "required": 0, "named": 0, "auto_calls": 0, "auto_words": 0, "streamed": 0, "results": 0}
    ask = dict(model=options.model, tools=TOOLS, max_tokens=300)
    for number in range(options.rounds):
        for question in questions:
            messages = [{"role": "user", "content": question}]
            ask.update(messages=messages, seed=number, temperature=1.0 if number else 0.0)
            whole = client.chat.completions.create(tool_choice="required", **ask).choices[0]
            if whole.finish_reason != "length":
                assert whole.finish_reason == "tool_calls" and whole.message.content is None, whole
                check(whole.message.tool_calls[0])
                counts["required"] += 1
                # What the function returned is taken back.
                back = {"role": "tool", "tool_call_id": whole.message.tool_calls[0].id, "content": "It is sunny."}
                said = client.chat.completions.create(
                    **{**ask, "messages": [*messages, whole.message, back], "tool_choice": "none"}
                )
                assert said.choices[0].message.content and not said.choices[0].message.tool_calls, said
                counts["results"] += 1
            named = {"type": "function", "function": {"name": "get_weather"}}
            one = client.chat.completions.create(tool_choice=named, **ask).choices[0]
            if one.finish_reason != "length":
                assert one.message.tool_calls[0].function.name == "get_weather", one
                check(one.message.tool_calls[0])
                counts["named"] += 1
            free = client.chat.completions.create(**ask).choices[0]
            if free.message.tool_calls:
                if free.finish_reason != "length":
                    check(free.message.tool_calls[0])
                counts["auto_calls"] += 1
            else:
                assert free.finish_reason in ("stop", "length") and free.message.content is not None, free
                counts["auto_words"] += 1
            # The client's own helper puts the pieces together; it refuses any that do not fit.
            try:
                with client.chat.completions.stream(tool_choice="required", **ask) as stream:
                    kinds = {event.type for event in stream}
                    last = stream.get_final_completion().choices[0]
                check(last.message.tool_calls[0])
                assert "tool_calls.function.arguments.done" in kinds, kinds
                counts["streamed"] += 1
            except openai.LengthFinishReasonError:
                pass
    for wrong in [{"tools": [{"type": "function", "function": {"name": "no spaces"}}]}, {"tool_choice": "always"}]:
        try:
            client.chat.completions.create(**{**ask, **wrong})
        except openai.BadRequestError as error:
            assert error.param in ("tools", "tool_choice"), error
        else:
            raise AssertionError(f"{wrong} was taken")
    print(json.dumps(counts))


main()
