#!/usr/bin/env bash
# Installs what the build needs and what is missing: by apt as root on Debian and Ubuntu, otherwise it says what to do.
# With --test also what the tests need (a browser and its driver, cargo-deny).
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }

wanted=() # Debian's package names
has cargo || { say "Rust is missing. Install it as https://rustup.rs says, then run make again."; exit 1; }
has python3 || wanted+=(python3)
has python3 && python3 -m pip --version >/dev/null 2>&1 || wanted+=(python3-pip)
has cmake || wanted+=(cmake)
has c++ || wanted+=(g++)
has make || wanted+=(make)
if [ "$(uname)" = Linux ]; then
  has clang || wanted+=(clang)
  # bindgen loads libclang at build time.
  ls /usr/lib/llvm-*/lib/libclang.so* /usr/lib/*/libclang*.so* /usr/lib64/libclang.so* >/dev/null 2>&1 || wanted+=(libclang-dev)
fi
if [ "${1:-}" = --test ] && [ "$(uname)" = Linux ]; then
  has chromium || has google-chrome || wanted+=(chromium)
  has chromedriver || wanted+=(chromium-driver)
fi

if [ ${#wanted[@]} -gt 0 ]; then
  if has apt-get && [ "$(id -u)" = 0 ]; then
    say "Installing: ${wanted[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null
    apt-get install -y -qq "${wanted[@]}" >/dev/null
  elif has apt-get; then
    say "Missing: ${wanted[*]}"
    say "Run this, then make again:  sudo apt-get install -y ${wanted[*]}"
    exit 1
  elif has brew; then
    say "Missing: ${wanted[*]}"
    say "Run this, then make again:  xcode-select --install; brew install cmake python3"
    exit 1
  else
    say "Missing: ${wanted[*]} (Debian's names). Install them with your system's package manager, then run make again."
    exit 1
  fi
fi

if [ "${1:-}" = --test ] && ! has cargo-deny; then
  say "Installing cargo-deny (once, some minutes)"
  cargo install --quiet --locked cargo-deny
fi
