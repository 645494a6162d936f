"""The commands of the project beside Kedro's, a module each in ``app/commands``."""

import click

from whosame.app.commands.annotate import annotate
from whosame.app.commands.annotators import annotators
from whosame.app.commands.answers import answers
from whosame.app.commands.audit import audit
from whosame.app.commands.compare import compare
from whosame.app.commands.identities import identities
from whosame.app.commands.look import look
from whosame.app.commands.params import params
from whosame.app.commands.pictures import pictures
from whosame.app.commands.rounds import rounds
from whosame.app.commands.run import run
from whosame.app.commands.runs import runs
from whosame.app.commands.search import search


@click.group(name="whosame")
def cli() -> None:
    """Commands of whosame."""


OF_A_RUN = (run, rounds, runs, identities, pictures, search, audit)
OTHERS = (look, params, compare, annotate, annotators, answers)

for command in (*OF_A_RUN, *OTHERS):
    cli.add_command(command)
