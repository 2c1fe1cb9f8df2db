#!/usr/bin/env bash
# The whole test run, or one part of it: lint, unit, peers, mlflow, e2e.
# One build profile serves all parts, so that llama.cpp is compiled once.
set -euo pipefail
cd "$(dirname "$0")/.."
part=${1:-all}
target=${CARGO_TARGET_DIR:-target}
step() { printf '\n== %s\n' "$*"; }

if [ "$part" = all ] || [ "$part" = lint ]; then
  step "formatting"
  cargo fmt --all --check
  step "clippy"
  cargo clippy --release --locked --workspace --all-targets -- -D warnings
  step "documentation"
  RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --workspace --no-deps --quiet
  step "licences and sources"
  cargo deny check --hide-inclusion-graph bans licenses sources
fi

if [ "$part" = all ] || [ "$part" = unit ]; then
  step "models"
  cargo build --release --locked -p gemma-burger
  "$target/release/gemma-burger" model fetch
  step "tests"
  cargo test --release --locked --workspace
fi

if [ "$part" = all ] || [ "$part" = peers ]; then
  step "the vendors' own clients"
  # Their versions name the environment, so that another version makes another one.
  hub=2.4.0 pinecone=9.1.0
  peers=${GEMMA_BURGER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gemma-burger}/peers/hub-$hub-pinecone-$pinecone
  if [ ! -e "$peers/ready" ]; then
    rm -rf "$peers"
    python3 -m venv "$peers"
    timeout 300 "$peers/bin/pip" install --quiet "huggingface_hub==$hub" "pinecone==$pinecone"
    touch "$peers/ready"
  fi
  PEER_PYTHON="$peers/bin/python" timeout 1200 cargo test --release --locked --workspace --test it peers -- --ignored
fi

if [ "$part" = all ] || [ "$part" = mlflow ]; then
  step "a real server of MLflow"
  cargo build --release --locked -p gemma-burger
  venv=$(scripts/mlflow.sh --install)
  timeout 900 "$venv/bin/python" scripts/mlflow_check.py "$target/release/gemma-burger"
fi

if [ "$part" = all ] || [ "$part" = e2e ]; then
  step "a real browser"
  cargo build --release --locked -p gemma-burger
  python3 scripts/e2e.py --binary "$target/release/gemma-burger"
fi
