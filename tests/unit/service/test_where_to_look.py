"""A camera without frames is told with what its kind needs."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from monitor.settings.camera import CameraSettings

KINDS: dict[str, tuple[dict[str, Any], str]] = {
    "folder": (
        {"kind": "folder", "folder": "/mnt/share"},
        "the folder /mnt/share is there, its network share",
    ),
    "video": ({"kind": "video", "source": 0}, "cable and power"),
    "plugin": ({"kind": "plugin", "name": "cable"}, "cable and power"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_remedy(kind: str) -> None:
    tree, remedy = KINDS[kind]
    camera: CameraSettings = TypeAdapter(CameraSettings).validate_python(tree)
    assert remedy in camera.where_to_look
    assert ("cable" in camera.where_to_look) is (kind != "folder")
