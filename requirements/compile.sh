#!/bin/sh
# Resolves each .in file to pins with hashes, for every platform and Python from 3.11 on. Pins that
# still fit stay; with --upgrade all become the newest.
set -eu
cd "$(dirname "$0")"
python -m pip install --quiet --disable-pip-version-check uv
options=$*
compile() {
    # shellcheck disable=SC2086  # the options are words
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes $options \
        --no-emit-index-url --no-strip-extras --no-annotate --no-header "$1" -o "$2"
}
compile layer.in ../layers/connector/requirements.txt
compile dev.in dev.txt
compile emulator.in emulator.txt
compile security.in security.txt
compile docs.in docs.txt
