"""Pinecone's own Python client against a control plane: `ADDRESS KEY`.

Creates an index, fills, searches and empties it, and prints one line of JSON. It belongs to the test `peers` of
crates/connect, which gives it a stand-in of Pinecone.
"""
import json
import sys

from pinecone import Pinecone, ServerlessSpec

address, key = sys.argv[1:]
client = Pinecone(api_key=key, host=address)
client.create_index(name="peer", dimension=3, metric="cosine", spec=ServerlessSpec(cloud="aws", region="us-east-1"))
described = client.describe_index("peer")
index = client.Index(host=described.host)
vectors = [
    {"id": f"menu#{at}", "values": [1.0, float(at), 0.5], "metadata": {"kept_by": "peer", "diets": ["vegan"] if at % 2 else ["halal"], "price_cents": at}}
    for at in range(8)
]
upserted = index.upsert(vectors=vectors, namespace="n").upserted_count
found = index.query(
    vector=[1.0, 0.0, 0.5], top_k=2, namespace="n", include_metadata=True,
    filter={"$and": [{"diets": {"$in": ["vegan"]}}, {"price_cents": {"$lte": 5}}]},
)
stats = index.describe_index_stats()
listed = sorted(item if isinstance(item, str) else item.id for page in index.list(namespace="n", limit=3) for item in (getattr(page, "vectors", None) or page))
fetched = index.fetch(ids=["menu#1"], namespace="n")
index.delete(ids=["menu#1", "menu#3"], namespace="n")
left = index.query(vector=[1.0, 0.0, 0.5], top_k=10, namespace="n")
wrong = None
try:
    Pinecone(api_key="wrong", host=address).describe_index("peer")
except Exception as error:
    wrong = type(error).__name__
print(json.dumps({
    "ready": described.status.ready, "dimension": described.dimension, "upserted": upserted,
    "found": [match.id for match in found.matches], "price": found.matches[0].metadata["price_cents"],
    "count": stats.namespaces["n"].vector_count, "listed": listed, "values": list(fetched.vectors["menu#1"].values),
    "left": len(left.matches), "wrong_key": wrong,
}))
