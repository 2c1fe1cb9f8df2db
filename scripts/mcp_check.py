"""Checks the tools from outside with the protocol's official Python client: it lists them, validates their schemas,
and calls every one, over standard input and output and over streamable HTTP.

Usage: python mcp_check.py PROGRAM [ARGUMENT ...]      (needs the packages mcp and jsonschema)

PROGRAM is started as `PROGRAM mcp ARGUMENT ...`, and once more with `--http 0`. What it finds is one line of JSON on
standard output; the first thing wrong ends it with a reason.
"""

import asyncio
import json
import os
import re
import sys

import jsonschema
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

try:
    from mcp.client.streamable_http import streamablehttp_client as http_client
except ImportError:
    from mcp.client.streamable_http import streamable_http_client as http_client

TOOLS = {
    "search_menu", "item_details", "recommend_menu_by_budget", "view_cart", "add_to_cart", "remove_from_cart",
    "place_order", "order_status", "store_info", "check_allergens", "open_ticket", "offer_remedy",
}
READERS = TOOLS - {"add_to_cart", "remove_from_cart", "place_order", "open_ticket", "offer_remedy"}


def value(result):
    """The structured result, whichever way this version of the client names it."""
    found = getattr(result, "structuredContent", None) or getattr(result, "structured_content", None)
    return found if found is not None else json.loads(result.content[0].text)


def failed(result):
    return bool(getattr(result, "isError", None) or getattr(result, "is_error", None))


class Check:
    def __init__(self, session):
        self.session = session
        self.called = set()
        self.schemas = {}

    async def list(self):
        for tool in (await self.session.list_tools()).tools:
            schema = getattr(tool, "inputSchema", None) or tool.input_schema
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["additionalProperties"] is False and tool.description, tool.name
            hints = tool.annotations
            reads = getattr(hints, "readOnlyHint", None)
            reads = hints.read_only_hint if reads is None else reads
            assert reads == (tool.name in READERS), (tool.name, hints)
            self.schemas[tool.name] = schema
        assert set(self.schemas) == TOOLS, set(self.schemas) ^ TOOLS

    async def call(self, name, **arguments):
        jsonschema.validate(arguments, self.schemas[name])
        result = await self.session.call_tool(name, arguments)
        assert not failed(result), (name, arguments, result)
        self.called.add(name)
        return value(result)

    async def refused(self, name, **arguments):
        try:
            result = await self.session.call_tool(name, arguments)
        except Exception:
            return
        assert failed(result), (name, arguments, result)

    async def run(self):
        await self.session.initialize()
        await self.list()
        items = self.schemas["item_details"]["properties"]["item"]["enum"]
        found = (await self.call("search_menu", query="something with potatoes"))["items"]
        assert found and all(item["id"] in items for item in found), found
        item = (await self.call("item_details", item=found[0]["id"]))
        assert item["price"] and item["name"], item
        plan = await self.call("recommend_menu_by_budget", limit="50", party=2)
        assert float(plan["total"]) + float(plan["left"]) == 50 and plan["lines"], plan
        hours = await self.call("store_info", topic="opening hours")
        assert hours["records"], hours
        assert "allergens" in await self.call("check_allergens", item=found[0]["id"])
        assert (await self.call("view_cart"))["lines"] == []
        cart = await self.call("add_to_cart", item=found[0]["id"], quantity=2)
        assert [line["quantity"] for line in cart["lines"]] == [2], cart
        cart = await self.call("remove_from_cart", item=found[0]["id"], quantity=1)
        assert [line["quantity"] for line in cart["lines"]] == [1], cart
        await self.refused("place_order", confirmed=False)
        order = await self.call("place_order", confirmed=True)
        assert order["order_number"] and order["total"] != "0.00", order
        state = await self.call("order_status")
        assert [order["order_number"]] == [order["number"] for order in state["orders"]], state
        remedy = await self.call("offer_remedy", kind="cold_food", item=found[0]["id"])
        assert remedy["words"], remedy
        assert (await self.call("open_ticket", kind="cold_food", order_number=order["order_number"]))["opened"]
        assert self.called == TOOLS, TOOLS - self.called
        # What is wrong is refused and changes nothing.
        await self.refused("add_to_cart", item="no-such-dish")
        await self.refused("add_to_cart", item=items[0], quantity=0)
        await self.refused("add_to_cart", item=items[0], price="0.01")
        await self.refused("recommend_menu_by_budget", limit="0")
        await self.refused("open_ticket", kind="cold_food", order_number=99_999)
        await self.refused("no_such_tool")
        assert (await self.call("view_cart"))["lines"] == []
        return order["order_number"]


async def over_stdio(program, arguments):
    # The child finds its own settings in the environment of this process.
    server = StdioServerParameters(command=program, args=["mcp", *arguments], env=dict(os.environ))
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        return await Check(session).run()


async def over_http(program, arguments):
    server = await asyncio.create_subprocess_exec(
        program, "mcp", "--http", "0", *arguments, stderr=asyncio.subprocess.PIPE
    )
    try:
        url = None
        async for line in server.stderr:
            found = re.search(rb"http://\S+", line)
            if found:
                url = found.group().decode()
                break
        assert url, "the program told no address"
        rest = asyncio.create_task(server.stderr.read())
        async with http_client(url) as streams, ClientSession(streams[0], streams[1]) as one:
            number = await Check(one).run()
            # Another connection is another guest: it sees nothing of the first one's orders.
            async with http_client(url) as others, ClientSession(others[0], others[1]) as other:
                await other.initialize()
                orders = value(await other.call_tool("order_status", {}))
                assert orders["orders"] == [], orders
        server.terminate()
        await rest
        return number
    finally:
        if server.returncode is None:
            server.kill()
        await server.wait()


async def main():
    program, *arguments = sys.argv[1:]
    first = await over_stdio(program, arguments)
    second = await over_http(program, arguments)
    print(json.dumps({"tools": len(TOOLS), "transports": ["stdio", "http"], "orders": [first, second]}))


asyncio.run(main())
