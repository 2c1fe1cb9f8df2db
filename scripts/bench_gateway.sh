#!/usr/bin/env bash
# The gateway against a NestJS relay, over the same stub, in turns: `gemma-burger bench gateway` with a peer.
# Needs Node.js and npm; what it installs lies in the user's cache folder.
#
#   scripts/bench_gateway.sh [flags of `bench gateway`]
set -euo pipefail
cd "$(dirname "$0")/.."
binary=${CARGO_TARGET_DIR:-target}/release/gemma-burger
peer=${XDG_CACHE_HOME:-$HOME/.cache}/gemma-burger/peers/nest
stub_port=${STUB_PORT:-8099} peer_port=${PEER_PORT:-3100}

command -v npm >/dev/null || { echo "npm is missing: install Node.js 20 or newer to time the NestJS peer" >&2; exit 1; }
mkdir -p "$peer"
if [ ! -d "$peer/node_modules/@nestjs/core" ]; then
  (cd "$peer" && npm init -y >/dev/null && npm install --silent --no-fund --no-audit \
    @nestjs/core@11 @nestjs/common@11 @nestjs/platform-express@11 axios@1 rxjs@7 reflect-metadata@0.2 typescript@5 @types/node@20)
fi
cp scripts/peers/nest_relay.ts "$peer/relay.ts"
(cd "$peer" && npx tsc --experimentalDecorators --emitDecoratorMetadata --esModuleInterop --skipLibCheck \
  --target es2022 --module commonjs --moduleResolution node relay.ts)

UPSTREAM=http://127.0.0.1:$stub_port PORT=$peer_port NODE_ENV=production node "$peer/relay.js" &
trap 'kill $! 2>/dev/null' EXIT
for _ in $(seq 50); do
  curl -s -o /dev/null "http://127.0.0.1:$peer_port/" && break
  sleep 0.2
done
"$binary" bench gateway --stub-port "$stub_port" --peer "http://127.0.0.1:$peer_port" "$@"
