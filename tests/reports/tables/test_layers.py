from reports.tables.layers import build_layer_table
from tests.reports.conftest import Factory


def test_papers_shapes_at_the_papers_size(factory: type[Factory]) -> None:
    table = build_layer_table(image_size=224, classes=6)
    outputs = [(row[2].text, row[4].text) for row in table.rows]

    assert outputs[:6] == [
        ("3×224×224", "3×224×224"),
        ("64×112×112", "64×112×112"),
        ("128×56×56", "128×56×56"),
        ("256×28×28", "256×28×28"),
        ("512×14×14", "512×14×14"),
        ("512×7×7", "512×7×7"),
    ]
    assert outputs[6:] == [("512×7×7", "512×1×1"), ("6", "6")]
    assert factory.column(table, "VGG16")[3] == "3×Conv3-256, max-pool"
    assert factory.column(table, "Improved network")[3] == "3×ResBlock-256, max-pool"
    assert factory.column(table, "VGG16")[-1] == "FC 4096, ReLU, dropout, FC 4096, ReLU, dropout, FC 6"
    assert table.paper_items == ("Table 1",)


def test_shapes_follow_size_and_width() -> None:
    table = build_layer_table(image_size=48, width=0.25)

    assert table.rows[5][4].text == "128×1×1"
    assert table.rows[-1][1].text == "FC 1024, ReLU, dropout, FC 1024, ReLU, dropout, FC n"
    assert table.rows[-1][3].text == "FC 128, ReLU, dropout, FC n"
