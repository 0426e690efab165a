"""What an encoder can be trained for. A new objective is one file and one line in OBJECTIVES."""

from training.encoders.objectives.base import Objective
from training.encoders.objectives.classes import Classes
from training.encoders.objectives.tasks import Tasks

OBJECTIVES: dict[str, type[Objective]] = {
    "classes": Classes,
    "tasks": Tasks,
}


def objective_class(name: str) -> type[Objective]:
    """Returns the class of a name in OBJECTIVES; ValueError with the known names for any other."""
    if name not in OBJECTIVES:
        raise ValueError(f'no objective "{name}"; there are {", ".join(OBJECTIVES)}')
    return OBJECTIVES[name]
