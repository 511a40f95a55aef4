# What the parts of the image have in common. The Dockerfile and build.py both run the parts, as root,
# inside of the image to be and in the same order (system, requirements, tfjs, mltk), so that both give
# the same content. SOURCE is the folder with the files of this repository.
set -eu

SOURCE=${SOURCE:-/run/source}
HOME_OF_ALL=/opt/mltk
PYTHON=$HOME_OF_ALL/bin/python
PACKAGES=$HOME_OF_ALL/lib/python3.11/site-packages
export DEBIAN_FRONTEND=noninteractive PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

# Layers have one fixed time for all files, so bytecode must not be judged by the time of its source:
# the root file system is read-only, and what is found stale would be compiled at every start.
compile() {
    find "$2" -name __pycache__ -type d -prune -exec rm -rf {} +
    # Templates and code for other Pythons do not compile; nothing imports them.
    "$1" -m compileall -qq -j "${JOBS:-0}" --invalidation-mode unchecked-hash "$2" || true
}

install_packages() {
    if command -v uv > /dev/null; then
        uv pip install --quiet --python "$PYTHON" --link-mode copy "$@"
    else
        "$PYTHON" -m pip install --quiet "$@"
    fi
}
