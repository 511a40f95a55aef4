# TensorFlow.js for the verify step, where mltk.tfjs.node looks for it (MLTK_CACHE in the image).
. "$(dirname "$0")/common.sh"

PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$SOURCE MLTK_CACHE=$HOME_OF_ALL/cache "$PYTHON" -c \
    'from mltk.tfjs.node import find_node, packages; print(packages(find_node()))'
rm -f "$HOME_OF_ALL"/cache/*.lock
chmod -R go+rX "$HOME_OF_ALL/cache"
