"""What an encoder can be trained for. A new objective is one file and one line in OBJECTIVES."""

from training.encoders.objectives.base import Objective
from training.encoders.objectives.classes import Classes
from training.encoders.objectives.tasks import Tasks
from vlm.unknown_name import check_name

OBJECTIVES: dict[str, type[Objective]] = {
    "classes": Classes,
    "tasks": Tasks,
}


def objective_class(name: str) -> type[Objective]:
    """Returns the class of a name in OBJECTIVES; ValueError with the known names for any other."""
    check_name("objective", name, OBJECTIVES)
    return OBJECTIVES[name]
