"""Teams come into being."""

from django.db import transaction

from fleet.actions.audit import record
from fleet.actions.services import checked_name
from fleet.models import Team


class TeamExists(ValueError):
    """There is a team of this name already."""


def create_team(*, name: str, actor: str, simulated: bool = False) -> Team:
    """A new team. Raises TeamExists, or InvalidName for an empty or long name."""
    with transaction.atomic():
        team, created = Team.objects.get_or_create(
            name=checked_name(name, "team", 100), defaults={"simulated": simulated}
        )
        if not created:
            raise TeamExists(f"there is a team called {team.name!r} already")
        record(actor=actor, action="team.created", object_type="team", object_id=str(team.pk), detail={"name": name})
    return team
