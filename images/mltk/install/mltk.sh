# mltk itself.
. "$(dirname "$0")/common.sh"

export PYTHONDONTWRITEBYTECODE=1
# setuptools writes beside the sources, and those may be mounted read-only.
copy=$(mktemp -d)/mltk
cp -R "$SOURCE" "$copy"
install_packages --no-deps --no-build-isolation "$copy"
rm -rf "$copy"
# Where it was installed from, and when, is not content.
cd "$PACKAGES"/mltk-*.dist-info
rm -f direct_url.json uv_*.json
sed -i -e '/\/direct_url\.json,/d' -e '/\/uv_[a-z]*\.json,/d' RECORD
cd /
# One process: what it compiled before must not show in the bytecode.
JOBS=1 compile "$PYTHON" "$PACKAGES/mltk"
