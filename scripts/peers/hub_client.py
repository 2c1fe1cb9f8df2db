"""The Hub's own Python client against the address in HF_ENDPOINT: `upload FOLDER REPOSITORY` or `download REPOSITORY FOLDER`.

Prints one line of JSON. It belongs to the test `peers` of crates/connect, which gives it a stand-in of the Hub.
"""
import json
import sys

from huggingface_hub import HfApi, ModelCard, snapshot_download

action, first, second = sys.argv[1:]
api = HfApi()
if action == "upload":
    repository = api.create_repo(second, private=True, exist_ok=True).repo_id
    commit = api.upload_folder(repo_id=repository, folder_path=first, commit_message="From Python")
    print(json.dumps({"repository": repository, "commit": commit.oid}))
else:
    snapshot_download(first, local_dir=second)
    files = sorted(api.list_repo_files(first))
    card = ModelCard.load(f"{second}/README.md")
    print(json.dumps({"files": files, "license": card.data.license, "private": api.model_info(first).private}))
