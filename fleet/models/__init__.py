"""Relational models, one subject a file."""

from fleet.models.access import ApiToken
from fleet.models.audit import AuditEvent
from fleet.models.costs import AllocationVersion, Budget, CostImport, CostPart, PriceSheet
from fleet.models.decisions import DependencyPolicyText, FindingDecision, RiskAcceptance
from fleet.models.dependencies import (
    Advisory,
    AdvisoryAlias,
    AdvisoryFeed,
    AffectedPackage,
    AuditReport,
    Component,
    Finding,
)
from fleet.models.jobs import Job
from fleet.models.limits import ServiceLimit
from fleet.models.log_care import RedactionPattern, RedactionSwitch, SamplingRule
from fleet.models.log_deletions import LogDeletion
from fleet.models.logs import LoggedError, SavedSearch
from fleet.models.retention import RetentionRule
from fleet.models.rules import RuleFile, RuleGroup, RuleState
from fleet.models.scaling import Backtest, ScalingPolicy, ScalingPolicyVersion
from fleet.models.scrape_jobs import ScrapeJob, ScrapeSnapshot, ScrapeWorker
from fleet.models.service import Deployment, Environment, MappingRule, Service, Team
from fleet.models.targets import Target
from fleet.models.threats import ExploitPrediction, KnownExploited

__all__ = [
    "Advisory",
    "AdvisoryAlias",
    "AdvisoryFeed",
    "AffectedPackage",
    "AllocationVersion",
    "ApiToken",
    "AuditEvent",
    "AuditReport",
    "Backtest",
    "Budget",
    "Component",
    "CostImport",
    "CostPart",
    "DependencyPolicyText",
    "Deployment",
    "Environment",
    "ExploitPrediction",
    "Finding",
    "FindingDecision",
    "Job",
    "KnownExploited",
    "LogDeletion",
    "LoggedError",
    "MappingRule",
    "PriceSheet",
    "RedactionPattern",
    "RedactionSwitch",
    "RetentionRule",
    "RiskAcceptance",
    "RuleFile",
    "RuleGroup",
    "RuleState",
    "SamplingRule",
    "SavedSearch",
    "ScalingPolicy",
    "ScalingPolicyVersion",
    "ScrapeJob",
    "ScrapeSnapshot",
    "ScrapeWorker",
    "Service",
    "ServiceLimit",
    "Target",
    "Team",
]
