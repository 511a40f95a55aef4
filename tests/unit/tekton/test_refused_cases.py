"""The objects that no Tekton takes are not taken here, even where there is no Tekton to ask."""

from __future__ import annotations

import pytest

from mltk.errors import AdmissionError
from mltk.tekton.admission import admit
from tests.parity.cases import Case, refused


@pytest.mark.parametrize("case", refused(), ids=lambda case: case.name)
def test_a_refused_case_is_refused_at_a_place(case: Case) -> None:
    for obj in case.given:
        admit(obj)
    with pytest.raises(AdmissionError) as refusal:
        admit(case.run)
    assert (refusal.value.where or "").partition(": ")[2]
