"""What happens to log records before they are stored: what is redacted, and of which services a share is kept."""

from django.db import models


class RedactionPattern(models.Model):
    """A rule of one's own beside the built-in ones; switched on for services by its name."""

    name = models.CharField(max_length=60, unique=True)
    pattern = models.CharField(max_length=2000, help_text="RE2")
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class RedactionSwitch(models.Model):
    """One rule, switched on for one service or for every one (`*`)."""

    service = models.CharField(max_length=200, help_text="name, or * for every service")
    rule = models.CharField(max_length=60, help_text="name of a built-in rule or of a pattern")
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["service", "rule"]
        constraints = [models.UniqueConstraint(fields=["service", "rule"], name="one_switch_a_service_and_rule")]

    def __str__(self) -> str:
        return f"{self.rule} for {self.service}"


class SamplingRule(models.Model):
    """Of the matching log records of a service, one in `keep_one_in` is stored."""

    class Severity(models.IntegerChoices):
        DEBUG = 8, "debug and less"
        INFO = 12, "info and less"
        WARN = 16, "warnings and less"
        ALL = 255, "everything, errors too"

    service = models.CharField(max_length=200)
    severity_max = models.PositiveSmallIntegerField(choices=Severity.choices, default=Severity.WARN)
    pattern = models.CharField(max_length=2000, blank=True, help_text="RE2 on the line; empty for every line")
    keep_one_in = models.PositiveIntegerField()
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["service", "pk"]

    def __str__(self) -> str:
        lines = f" that match {self.pattern}" if self.pattern else ""
        return f"1 in {self.keep_one_in} kept of {self.service}: {self.get_severity_max_display()}{lines}"
