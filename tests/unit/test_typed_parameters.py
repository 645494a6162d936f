"""Typed parameters: text stays as typed, other values are read as declared; what YAML would change is refused."""

import click
import pytest
from click.testing import CliRunner

from whosame.app.config.parameter_files import check_parameter_files
from whosame.app.config.typed_parameters import read_typed
from whosame.cli import cli
from whosame.configuration import Configuration
from whosame.errors import ParameterError
from whosame.parameters import parse

TEXTS = [
    "1.10", "12e4567", "0123", "1_000", "0x1F", "1:30", "007", "inf", ".5", "yes", "no", "on", "True", "null", "~", "2024-01-01",
]  # fmt: skip
PATTERN = r"^(?P<identity>\d{1,3}) #(?P<camera>\d+): [a,b]{2,} 'x' \"y\" = $"


@pytest.mark.parametrize("text", TEXTS)
def test_text_stays_as_it_is_typed(text):
    assert parse(Configuration, read_typed(f"run={text}", Configuration)).run == text
    assert read_typed(f"compare.name=a,run={text},budget=5", Configuration)["run"] == text
    wanted = None if text == "null" else text  # where null is a value, it is null
    assert read_typed(f"images={text}", Configuration) == {"images": wanted}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("images", "/d/crops #2"),
        ("images", "/d/crops: new, and old"),
        ("images", "C:\\crops\\"),
        ("images", " /d/a "),
        ("folder.pattern", PATTERN),
        ("folder.train", r"^train/.*\.png$"),
        ("database", "postgresql://u:p%40@h:5432/d?options=-csearch_path=a"),
        ("network.weights", "/w/1e5"),
    ],
)
def test_a_value_ends_where_the_next_name_begins(name, value):
    wanted = read_typed(f"rounds=3,{name}={value}, seed=4", Configuration)
    *groups, last = name.split(".")
    found = wanted
    for group in groups:
        found = found[group]
    assert found[last] == value
    assert (wanted["rounds"], wanted["seed"]) == (3, 4)


def test_quotes_hold_a_value_together():
    typed = """images="/d/a,b=c",folder.train='x,y=z',run="1.10",folder.query="""
    assert read_typed(typed + "null", Configuration) == {
        "images": "/d/a,b=c",
        "folder": {"train": "x,y=z", "query": None},
        "run": "1.10",
    }
    assert read_typed('''folder.train="a"|"b"''', Configuration) == {"folder": {"train": '"a"|"b"'}}


def test_other_values_are_read_as_they_are_declared():
    typed = (
        "budget=0500,seed=10,clustering.eps=0.50,clustering.reuse=false,round=null,omniglot.train=[Balinese, 1.10],"
        "network.widths=[8,16],training.learning_rate=2e-3,native.dcps.clustering.eps=0.4,strategies.mine.far=0.5"
    )
    assert read_typed(typed, Configuration) == {
        "budget": 500,
        "seed": 10,
        "clustering": {"eps": 0.5, "reuse": False},
        "round": None,
        "omniglot": {"train": ["Balinese", "1.10"]},
        "network": {"widths": [8, 16]},
        "training": {"learning_rate": 0.002},
        "native": {"dcps": {"clustering": {"eps": 0.4}}},
        "strategies": {"mine": {"far": 0.5}},
    }
    assert read_typed("", Configuration) == read_typed("  ", Configuration) == {}


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("demo", "'demo' is no parameter: write name=value"),
        ("run=a,images=", "images= has no value: type images=null"),
        ("images=${HOME}/crops", "a variable of the shell is replaced between double quotes"),
        ("images=???", "a missing value"),
    ],
)
def test_what_would_not_arrive_is_refused_with_the_reason(typed, named):
    with pytest.raises(ParameterError, match=r"(?i)" + named.replace("?", r"\?").replace("$", r"\$")):
        read_typed(typed, Configuration)


@pytest.mark.parametrize("value", [1.1, 7, True, None])
def test_a_number_for_a_text_in_a_file_is_refused_with_the_reason(value):
    with pytest.raises(ParameterError, match=f"'run' is {value}, but takes text: a text that YAML reads as a number"):
        parse(Configuration, {"run": value})


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("images: /d/crops #2", "YAML takes '#2' for a comment: put the value of images in quotes"),
        (r"folder: {layout: x}" + "\n" + r"  pattern: ^(\d+) #(\d+)$ # the camera", "line 2: YAML takes '#"),
        ("seed: 010", "YAML reads 010 in base 8 or 60: write the value of seed in base 10"),
        ("rounds: 1:30  # of them", "YAML reads 1:30 in base 8 or 60"),
    ],
)
def test_what_yaml_would_cut_or_change_is_refused(tmp_path, line, problem):
    (tmp_path / "parameters.yml").write_text(line)
    with pytest.raises(ParameterError) as error:
        check_parameter_files([tmp_path / "parameters.yml"])
    assert str(error.value).startswith(f"{tmp_path / 'parameters.yml'}, line ")
    assert problem in str(error.value)


def test_comments_and_quoted_text_are_taken(tmp_path):
    lines = ["run: demo # see #2", "images: '/d/crops #2'", "rounds: 5 #10", 'run: "0123"', "# images: a #b", "seed: 0"]
    (tmp_path / "parameters.yml").write_text("\n".join(lines))
    check_parameter_files([tmp_path / "parameters.yml"])


def commands(group):
    for command in group.commands.values():
        yield from commands(command) if isinstance(command, click.Group) else [command]


def test_every_command_reads_parameters_alike():
    options = {c.name: option for c in commands(cli) for option in c.params if option.name == "params"}
    assert {"run", "rounds", "compare", "params", "annotate", "export", "list"} <= options.keys()
    for name, option in options.items():
        context = click.Context(cli)
        assert option.process_value(context, "run=1.10,seed=010") == {"run": "1.10", "seed": 10}, name
        assert option.process_value(context, {"run": "1.10"}) == {"run": "1.10"}, name  # of kedro run --config


@pytest.mark.parametrize("command", ["run", "rounds", "compare --strategies=random --budgets=5"])
def test_a_value_that_the_shell_cuts_at_a_space_is_refused_with_the_reason(command):
    done = CliRunner().invoke(cli, [*command.split(), "--params=images=/my", "crops,layout=folder"])
    assert done.exit_code == 2
    assert "Got unexpected extra argument" in done.output
    assert "put it in quotes: --params='images=/my crops'" in done.output


def test_what_cannot_be_read_is_an_error_of_the_option():
    done = CliRunner().invoke(cli, ["rounds", "--params=run"])
    assert done.exit_code == 2
    assert "Invalid value for '--params': 'run' is no parameter: write name=value" in done.output
