"""What merchants send and read about routing. A program of rules is `clearway.domain.routing_program.Program`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints
from sqlalchemy import Row

from api.http.fields import Amount, Body, Country, CurrencyCode, Flag, NotesField, PlainText, Time
from clearway.domain.ids import PAYMENT, new_id
from clearway.domain.payment import CaptureMethod, PaymentMethod
from clearway.domain.resources import Moment, Resource
from clearway.domain.routing import ChosenBy, Decision, Why
from clearway.domain.routing_conditions import BIN_FORM, CardBrand, PaymentFacts
from clearway.domain.routing_explained import Considered
from clearway.domain.routing_program import Program
from clearway.domain.routing_version import NOTE_LENGTH_MAX, VersionStatus
from clearway.routing.trying import Trial

PAYMENTS_TRIED_MAX = 5_000

CardBin = Annotated[PlainText, StringConstraints(pattern=BIN_FORM), Field(json_schema_extra={"pattern": BIN_FORM})]
Number = Annotated[int, Field(strict=True, ge=1, description="The number of one of your versions.")]


class VersionCreate(Body):
    """Routing rules to save as a draft."""

    program: Program
    note: Annotated[PlainText, StringConstraints(min_length=1, max_length=NOTE_LENGTH_MAX)] | None = None


class ProgramCheck(Body):
    """Routing rules to check. Nothing is saved."""

    program: dict[str, Any] = Field(description="The rules as you would save them. The answer lists their errors.")


class DryRun(Body):
    """How many of your last payments to try a version on."""

    payments: Annotated[int, Field(strict=True, ge=1, le=PAYMENTS_TRIED_MAX)] = 1_000


class Activation(Body):
    """force: activate it even if some recent payments would find no gateway."""

    force: Flag = False


class Explain(Body):
    """A hypothetical payment. version: the rules to evaluate; left out: the active ones."""

    method: PaymentMethod
    currency: CurrencyCode
    amount: Amount
    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC
    country: Country | None = None
    card_brand: CardBrand | None = None
    card_bin: Annotated[CardBin | None, Field(description="The first 4 to 8 digits, no more.")] = None
    customer: Annotated[PlainText, StringConstraints(min_length=1, max_length=128)] | None = None
    notes: NotesField = Field(default_factory=dict)
    at: Annotated[Time | None, Field(description="When the payment would be made. Left out: now.")] = None
    version: Number | None = None

    def facts(self) -> PaymentFacts:
        """Return the facts that rules can test."""
        return PaymentFacts(
            payment_id=new_id(PAYMENT),
            method=self.method,
            currency=self.currency,
            amount_minor=self.amount,
            capture_method=self.capture_method,
            at=self.at or datetime.now(UTC),
            country=self.country,
            card_brand=self.card_brand,
            card_bin=self.card_bin,
            customer_id=self.customer,
            notes=self.notes,
        )


class VersionResource(Resource):
    """A version of routing rules. It never changes."""

    id: str
    object: Literal["routing_version"] = "routing_version"
    number: int
    status: VersionStatus
    program: dict[str, Any] = Field(description="The rules, in the form in which they are sent.")
    note: str | None
    created_by: str
    created_at: Moment
    activated_at: Moment | None
    retired_at: Moment | None


class RoutingResource(Resource):
    """How new payments are routed. version null: by the priority of your gateways alone."""

    object: Literal["routing"] = "routing"
    version: VersionResource | None


class ProgramChecked(Resource):
    """Errors and warnings of routing rules."""

    object: Literal["routing_check"] = "routing_check"
    valid: bool
    problems: list[str] = Field(description="Each names a place and says what to change.")
    warnings: list[str]


class LeftOutResource(Resource):
    """A gateway that is not tried, and why."""

    gateway_id: str
    why: Why
    reason: str


class ConsideredResource(Resource):
    """A rule that was evaluated."""

    rule: str
    fits: bool
    failed: list[str] = Field(description="The first condition of each statement that was not met.")


class AlternativeResource(Resource):
    """A gateway that a payment may be tried at next."""

    gateway: str
    gateway_id: str


class RateResource(Resource):
    """Success rate of a gateway for this method and currency."""

    gateway_id: str
    rate: float | None = Field(description="approved / (approved + declined by an issuer), from 0 to 1.")
    samples: int = Field(description="Payments that were approved, or declined by an issuer.")
    put_last: bool
    reason: str | None = Field(description="Why it is put last.")


class ByRateResource(Resource):
    """The order by success rate."""

    explored: str | None = Field(
        description="The gateway that is first to measure it: this payment is one of `explore_percent`."
    )
    gateways: list[RateResource] = Field(description="Gateways with a known success rate, in the order of trying.")


class DecisionResource(Resource):
    """Which gateways a payment is sent to, and why."""

    object: Literal["routing_decision"] = "routing_decision"
    gateways: list[str] = Field(description="In the order in which they are tried. Empty: the payment is refused.")
    by: ChosenBy
    version: int | None
    rule: str | None = Field(description="The first rule that matched.")
    fell_back: bool = Field(description="No gateway of the rule could take the payment.")
    despite_breaker: bool = Field(description="All suitable gateways had an open breaker, so it was ignored.")
    success_rate: ByRateResource | None = Field(
        default=None,
        description="null: rates did not change the order. The rules have no `success_rate`, the rule has a fixed "
        "order, the payment has a card token, or the request named the gateway.",
    )
    left_out: list[LeftOutResource]
    alternatives: list[AlternativeResource] = Field(
        default_factory=list,
        description="Gateways for failover, in order, if an attempt certainly took nothing. Empty: no failover, as "
        "with a card token, which belongs to one gateway.",
    )
    inputs: dict[str, Any] = Field(description="The inputs of the decision, without personal data.")


class Explanation(DecisionResource):
    """A decision for a hypothetical payment, with the rules that were evaluated."""

    considered: list[ConsideredResource]


class GatewayShare(Resource):
    """How many payments go to a gateway first."""

    gateway_id: str
    before: int
    after: int


class RuleShare(Resource):
    """How many payments a rule matched. rule null: no rule."""

    rule: str | None
    payments: int


class MovedResource(Resource):
    """A payment that would go to another gateway."""

    payment_id: str
    rule: str | None
    before: list[str]
    after: list[str]


class TrialResource(Resource):
    """What a version would have done with your last payments."""

    object: Literal["routing_dry_run"] = "routing_dry_run"
    payments: int
    moved: int
    refused: int = Field(description="Payments that would find no gateway.")
    gateways: list[GatewayShare]
    rules: list[RuleShare]
    examples: list[MovedResource]
    not_asked: list[str] = Field(
        description="Fields of the rules that are not stored with past payments: conditions on them counted as not met."
    )


def version_resource(row: Row[Any]) -> VersionResource:
    """Render a row of `routing_versions`."""
    return VersionResource(
        id=row.id,
        number=row.number,
        status=row.status,
        program=row.program,
        note=row.note,
        created_by=row.created_by,
        created_at=row.created_at,
        activated_at=row.activated_at,
        retired_at=row.retired_at,
    )


def explanation(decision: Decision, considered: tuple[Considered, ...]) -> Explanation:
    """Render a decision with the rules that were evaluated."""
    asked = [ConsideredResource(rule=each.rule, fits=each.fits, failed=list(each.failed)) for each in considered]
    return Explanation(**decision.to_json(), considered=asked)


def trial_resource(trial: Trial) -> TrialResource:
    """Render what a version would have done."""
    return TrialResource(
        payments=trial.payments,
        moved=trial.moved,
        refused=trial.refused,
        gateways=[
            GatewayShare(gateway_id=each, before=before, after=after)
            for each, (before, after) in trial.by_gateway.items()
        ],
        rules=[RuleShare(rule=rule, payments=count) for rule, count in trial.by_rule.items()],
        examples=[
            MovedResource(payment_id=each.payment_id, rule=each.rule, before=list(each.before), after=list(each.after))
            for each in trial.examples
        ],
        not_asked=list(trial.not_asked),
    )
