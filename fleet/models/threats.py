"""How likely a vulnerability is exploited, and whether it is known to be."""

from django.db import models


class ExploitPrediction(models.Model):
    """The EPSS score of a CVE (https://www.first.org/epss/)."""

    cve = models.CharField(max_length=30, unique=True)
    score = models.FloatField(help_text="probability of exploitation within 30 days, 0 to 1")
    percentile = models.FloatField(null=True, help_text="0 to 1")

    def __str__(self) -> str:
        return f"{self.cve} {self.score}"


class KnownExploited(models.Model):
    """A CVE of CISA's catalogue of known exploited vulnerabilities."""

    cve = models.CharField(max_length=100, unique=True)
    name = models.CharField(max_length=300, blank=True)
    added_on = models.DateField()
    due_on = models.DateField(null=True)
    ransomware = models.BooleanField(default=False, help_text="known to be used by ransomware")

    class Meta:
        verbose_name_plural = "known exploited"

    def __str__(self) -> str:
        return self.cve
