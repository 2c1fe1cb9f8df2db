#!/usr/bin/env bash
# Starts a server of MLflow at http://localhost:5001. Its Python lives in the user's cache folder, what it keeps in
# DATA_DIR/mlflow. With --install it only makes the environment and prints its folder.
#
#   MLFLOW_PORT=5002 scripts/mlflow.sh
set -euo pipefail
cd "$(dirname "$0")/.."
version=3.17.2
venv="${XDG_CACHE_HOME:-$HOME/.cache}/gemma-burger/mlflow-$version"

if ! "$venv/bin/python" -c "import mlflow, sys; sys.exit(mlflow.__version__ != '$version')" 2>/dev/null; then
  echo "Installing MLflow $version (once, a minute or two) …" >&2
  "${PYTHON:-python3}" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet "mlflow[auth]==$version" >&2
fi
if [ "${1:-}" = --install ]; then
  echo "$venv"
  exit
fi

data="$(realpath -m "${DATA_DIR:-data}/mlflow")"
port="${MLFLOW_PORT:-5001}"
mkdir -p "$data"
cd "$data"
echo "MLflow at http://localhost:$port, its data in $data. Then: MLFLOW_TRACKING_URI=http://localhost:$port" >&2
export MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
exec "$venv/bin/mlflow" server --backend-store-uri "sqlite:///$data/mlflow.db" --artifacts-destination "$data/artifacts" \
  --host 127.0.0.1 --port "$port" --workers 1
