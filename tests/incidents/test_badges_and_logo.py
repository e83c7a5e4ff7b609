"""Badges, and what of an operator's logo is shown."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pontlevis.incidents.badges import badge
from pontlevis.incidents.logo import MOST_BYTES, BadLogo, drawing, load_logo

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">{}</svg>'


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=80), st.text("<&\">'M", max_size=20))
def test_a_badge_is_a_picture_whatever_it_says(label: str, message: str) -> None:
    """Well-formed, wide enough for both halves, with its words for who cannot see it."""
    root = ElementTree.fromstring(badge(label, message, "#123456"))
    left, right = root.findall(".//{http://www.w3.org/2000/svg}g/{http://www.w3.org/2000/svg}rect")
    assert int(root.attrib["width"]) == int(left.attrib["width"]) + int(right.attrib["width"])
    assert root.attrib["role"] == "img"


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        '<g onload="alert(1)"/>',
        "<style>*{background:url(http://192.0.2.1/)}</style>",
        '<image href="http://192.0.2.1/x.png"/>',
        '<use xlink:href="http://192.0.2.1/x.svg#a"/>',
        "<foreignObject><body onload='alert(1)'/></foreignObject>",
        '<a xlink:href="javascript:alert(1)"><path d="M0 0"/></a>',
        '<rect fill="url(http://192.0.2.1/#a)"/>',
        '<rect style="fill:url(http://192.0.2.1/)"/>',
        '<set attributeName="href" to="javascript:alert(1)"/>',
        '<animate attributeName="x" values="javascript:alert(1)"/>',
    ],
)
def test_of_an_svg_only_what_draws_is_kept(evil: str) -> None:
    """By a list of what may stay."""
    made = drawing(SVG.format(f'<path d="M0 0L9 9" fill="url(#g)"/>{evil}').encode()).decode()
    assert '<path d="M0 0L9 9" fill="url(#g)"' in made
    for word in ("script", "alert", "192.0.2.1", "onload", "href", "style", "foreignObject", "animate"):
        assert word not in made


def test_what_is_no_logo_is_refused_with_a_reason(tmp_path: Path) -> None:
    """Too large, missing, another format, or with entities."""
    file = tmp_path / "logo"
    with pytest.raises(BadLogo, match="cannot be read"):
        load_logo(file)
    for data, reason in (
        (b"GIF89a", "neither PNG nor SVG"),
        (b"<html/>", "neither PNG nor SVG"),
        (b'<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG.encode(), "DOCTYPE"),
        (b"\x89PNG\r\n\x1a\n" + bytes(MOST_BYTES), "more than"),
    ):
        file.write_bytes(data)
        with pytest.raises(BadLogo, match=reason):
            load_logo(file)
    file.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert (load_logo(file).media_type, load_logo(file).suffix) == ("image/png", "png")
