# mltk itself.
. "$(dirname "$0")/common.sh"

export PYTHONDONTWRITEBYTECODE=1
# setuptools writes beside the sources, and those may be mounted read-only.
copy=$(mktemp -d)/mltk
cp -R "$SOURCE" "$copy"
install_packages --no-deps --no-build-isolation "$copy"
rm -rf "$copy"
# Where it was installed from, and when.
rm -f "$PACKAGES"/mltk-*.dist-info/direct_url.json "$PACKAGES"/mltk-*.dist-info/uv_*.json
# One process: what it compiled before must not show in the bytecode.
JOBS=1 compile "$PYTHON" "$PACKAGES/mltk"
