from architectures.catalogue import get_architecture
from architectures.spec import VGG16_STAGES
from reports.tables.costs import build_block_cost_table, build_cost_table, build_named_cost_table
from studies.cost import compute_block_costs
from studies.paper.published import PUBLISHED_RESULTS
from tests.reports.conftest import Factory

SIZES = {name: row.mib for name, row in PUBLISHED_RESULTS["casme2"].scores.items()}


def test_lists_every_column_of_the_count(factory: type[Factory]) -> None:
    spec = get_architecture("vgg16")

    table = build_cost_table([(spec, factory.cost(spec))])

    (row,) = table.rows
    assert [cell.text for cell in row] == [
        "vgg16",
        "1,310,720",
        "5.00",
        "5,000,000",
        "50",
        "40",
        "30",
        "20",
        "10",
    ]
    assert any("aten::exp (2×) in vgg16" in note for note in table.notes)


def test_sizes_that_are_not_the_papers_are_named(factory: type[Factory]) -> None:
    names = ("vgg16", "proposed")
    rows = [(name, get_architecture(name), factory.cost(get_architecture(name)), ("key",)) for name in names]

    table = build_named_cost_table(rows, paper_sizes=SIZES, num_classes=6)

    assert factory.column(table, "Paper's MB") == ["512.26", "9.05"]
    assert "vgg16 (5.00, paper 512.26), proposed (8.00, paper 9.05)" in table.notes[-1]
    assert table.rows[0][1].run_keys == ("key",)


def test_sizes_for_other_classes_are_not_compared_with_the_paper(factory: type[Factory]) -> None:
    row = ("vgg16", get_architecture("vgg16"), factory.cost(get_architecture("vgg16")), ())

    assert (
        "for 6 classes, these for 7"
        in build_named_cost_table([row], paper_sizes=SIZES, num_classes=7).notes[-1]
    )


def test_block_costs_match_the_equations_and_list_the_papers(factory: type[Factory]) -> None:
    table = build_block_cost_table(compute_block_costs(VGG16_STAGES, 224))
    rows = {row[0].text: [cell.text for cell in row[2:]] for row in table.rows}

    assert len(rows) == 13 + 3
    assert rows["block 1.1"] == ["86,704,128", "10,988,544", "12.67"]
    assert rows["stage 1"] == ["1,936,392,192", "245,410,816", "12.67"]
    assert rows["all blocks"] == ["15,346,630,656", "1,786,917,888", "11.64"]
    assert rows['paper, "first block"'] == ["463,371,520", "14,166,144", "3.06"]
