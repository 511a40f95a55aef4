"""libyaml and PyYAML read the same nodes, and nothing that nests too deep reaches libyaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mltk.errors import ConfigError
from mltk.project import yaml12
from mltk.project.load import parse

REPOSITORY = Path(__file__).parents[3]


def _told(node: yaml.Node) -> list[Any]:
    """Tags, places and values, the way a complaint and the key see them."""
    here = [node.tag, node.start_mark.line, node.start_mark.column]
    if isinstance(node, yaml.MappingNode):
        return [*here, [(_told(key), _told(value)) for key, value in node.value]]
    if isinstance(node, yaml.SequenceNode):
        return [*here, [_told(item) for item in node.value]]
    return [*here, node.value]


@pytest.mark.parametrize("file", ["mltk.yaml", "examples/*/mltk.yaml"])
def test_both_read_the_same(file: str) -> None:
    found = list(REPOSITORY.glob(file))
    assert found
    for path in found:
        text = path.read_text(encoding="utf-8")
        ours, plain = yaml12.compose(text), yaml.compose(text, Loader=yaml12.Loader)
        assert ours is not None
        assert plain is not None
        assert _told(ours) == _told(plain)


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "a: " + "{b: " * 100_000])
def test_what_nests_too_deep_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="nested too deeply"):
        parse(text)


@pytest.mark.parametrize("text", ["a:\t1\n", "a: {b: 1,\tc: 2}\n"])
def test_a_tab_is_no_blank_whatever_reads_it(text: str) -> None:
    with pytest.raises(yaml.YAMLError, match="cannot start any token"):
        yaml12.compose(text)
