"""What people decided about findings: bulk decisions that can be undone, acceptances, and the policy behind them."""

from django.db import models

from fleet.models.dependencies import Finding


class FindingDecision(models.Model):
    """One bulk decision, with what was there before, so that it can be undone."""

    decided_at = models.DateTimeField()
    decided_by = models.CharField(max_length=200)
    before = models.JSONField(help_text="finding id -> the fields before")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"decision {self.pk} by {self.decided_by}"


class RiskAcceptance(models.Model):
    """A risk that somebody takes until a day, and only while a condition holds."""

    class State(models.TextChoices):
        REQUESTED = "requested", "waits for approval"
        ACTIVE = "active", "in force"
        REJECTED = "rejected", "rejected"
        BROKEN = "broken", "condition broken"
        UNPROVEN = "unproven", "condition could not be evaluated"
        EXPIRED = "expired", "expired"
        ENDED = "ended", "ended"

    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="acceptances")
    condition = models.TextField(blank=True, help_text="PromQL comparisons; empty: bound to the date alone")
    expires_at = models.DateTimeField()
    reason = models.CharField(max_length=500)
    requested_by = models.CharField(max_length=200)
    requested_at = models.DateTimeField()
    approved_by = models.CharField(max_length=200, blank=True)
    approved_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=20, choices=State, default=State.REQUESTED, db_index=True)
    ended_at = models.DateTimeField(null=True)
    evaluated_at = models.DateTimeField(null=True)
    evidence = models.CharField(max_length=500, blank=True, help_text="values of the last evaluation that succeeded")
    last_error = models.CharField(max_length=500, blank=True)
    failing_since = models.DateTimeField(null=True, help_text="first failure to evaluate in a row")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"acceptance {self.pk} of finding {self.finding_id}"


class DependencyPolicyText(models.Model):
    """A version of the dependency policy; the newest is in force, the others are its history."""

    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=200)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"dependency policy {self.pk}"
