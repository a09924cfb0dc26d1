import { createFileRoute, Link } from "@tanstack/react-router";
import { Ban, CircleDollarSign, Undo2 } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/client";
import { ApiError } from "@/api/errors";
import { Elsewhere } from "@/features/elsewhere";
import { instrumentOf } from "@/features/instrument";
import { Attempts } from "@/features/payment/attempts";
import { CancelPaymentDialog, CaptureDialog } from "@/features/payment/command-dialogs";
import { Deliveries } from "@/features/payment/deliveries";
import { Captures, Ledger, Refunds } from "@/features/payment/money";
import { OperatorLinks } from "@/features/payment/operator-links";
import { PublicLink } from "@/features/payment/public-link";
import { RefundDialog } from "@/features/payment/refund-dialog";
import { Routing } from "@/features/payment/routing";
import { type Payment, PaymentStatus } from "@/features/payment/status";
import { Timeline } from "@/features/payment/timeline";
import { money } from "@/lib/money";
import { refundable } from "@/lib/refundable";
import { fullTime } from "@/lib/time";
import { named } from "@/lib/words";
import { Allowed, useSession } from "@/session";
import { usePolling } from "@/shell/live";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Copyable, CopyButton } from "@/ui/copy";
import { ApiErrorNote } from "@/ui/note";
import { Fact, Facts, Page } from "@/ui/page";
import { Failure, Skeleton } from "@/ui/states";

export const Route = createFileRoute("/_app/payments/$paymentId")({ component: PaymentPage });

const CANCELLABLE = new Set(["pending", "requires_action", "processing", "authorized", "retrying"]);

function PaymentPage() {
  const { paymentId } = Route.useParams();
  const polling = usePolling();
  const query = api.useQuery(
    "get",
    "/api/v1/payments/{payment_id}",
    { params: { path: { payment_id: paymentId } } },
    { refetchInterval: polling },
  );
  if (query.data) return <Loaded payment={query.data} />;
  if (query.error instanceof ApiError && query.error.status === 404) return <Elsewhere what="payment" id={paymentId} />;
  return (
    <Page title="Payment" tab="Payment">
      <Card>
        {query.error ? (
          <Failure error={query.error} retry={() => void query.refetch()} />
        ) : (
          <div role="status" aria-label="Loading" className="grid gap-4">
            <Skeleton className="h-8 w-40" />
            <Skeleton className="h-32 w-full" />
          </div>
        )}
      </Card>
    </Page>
  );
}

function Loaded({ payment }: { payment: Payment }) {
  const { can } = useSession();
  const [dialog, setDialog] = useState<"refund" | "capture" | "cancel" | null>(null);
  const refunds = api.useQuery(
    "get",
    "/api/v1/payments/{payment_id}/refunds",
    { params: { path: { payment_id: payment.id }, query: { limit: 100 } } },
    { enabled: can("refunds:read"), refetchInterval: usePolling() },
  );
  const left = refundable(payment, refunds.data?.data ?? []);
  const close = () => setDialog(null);
  return (
    <Page
      tab={`Payment ${money(payment.amount, payment.currency)}`}
      above={
        <Link to="/payments" className="text-[13px] text-subtle hover:underline">
          Transactions
        </Link>
      }
      title={
        <span className="flex flex-wrap items-center gap-3">
          <span className="numeric">{money(payment.amount, payment.currency)}</span>
          <span
            className="text-sm font-normal tracking-normal"
            data-testid="payment-status"
            data-status={payment.status}
          >
            <PaymentStatus payment={payment} />
          </span>
        </span>
      }
      actions={
        <>
          {payment.status === "authorized" && (
            <Allowed permission="payments:capture">
              <Button look="primary" onClick={() => setDialog("capture")}>
                <CircleDollarSign aria-hidden /> Capture
              </Button>
            </Allowed>
          )}
          {CANCELLABLE.has(payment.status) && (
            <Allowed permission="payments:cancel">
              <Button look="danger" onClick={() => setDialog("cancel")}>
                <Ban aria-hidden /> Cancel
              </Button>
            </Allowed>
          )}
          {left > 0 && refunds.data && (
            <Allowed permission="refunds:write">
              <Button onClick={() => setDialog("refund")}>
                <Undo2 aria-hidden /> Refund
              </Button>
            </Allowed>
          )}
        </>
      }
    >
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-4 sm:gap-5 lg:grid-cols-[minmax(0,1fr)_22rem]">
        <div className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-4 sm:gap-5">
          <FactsCard payment={payment} />
          <Timeline paymentId={payment.id} />
          <Attempts paymentId={payment.id} />
          <Allowed permission="deliveries:read">
            <Deliveries paymentId={payment.id} />
          </Allowed>
        </div>
        <div className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-4 sm:gap-5">
          <Captures paymentId={payment.id} />
          <Allowed permission="refunds:read">
            <Refunds refunds={refunds.data?.data ?? []} left={left} currency={payment.currency} />
          </Allowed>
          <Allowed permission="gateways:read">
            <Routing paymentId={payment.id} />
          </Allowed>
          <Ledger paymentId={payment.id} />
          <PublicLink orderId={payment.order_id} />
          <OperatorLinks paymentId={payment.id} />
        </div>
      </div>
      {dialog === "refund" && <RefundDialog payment={payment} left={left} onClose={close} />}
      {dialog === "capture" && <CaptureDialog payment={payment} onClose={close} />}
      {dialog === "cancel" && <CancelPaymentDialog payment={payment} onClose={close} />}
    </Page>
  );
}

function FactsCard({ payment }: { payment: Payment }) {
  const customer = payment.customer;
  const notes = Object.entries(payment.notes);
  return (
    <Card title="Facts">
      {payment.error_code && (
        <div className="mb-4">
          <ApiErrorNote code={payment.error_code} text={payment.error_description ?? null} />
        </div>
      )}
      <Facts>
        <Fact name="Payment">
          <Copyable text={payment.id} what="payment id" />
        </Fact>
        <Fact name="Order">
          <span className="flex min-w-0 items-center gap-1">
            <Link
              to={`/orders/${payment.order_id}` as string}
              className="min-w-0 truncate font-mono text-[13px] text-primary hover:underline"
            >
              {payment.order_id}
            </Link>
            <CopyButton text={payment.order_id} what="order id" />
          </span>
        </Fact>
        <Fact name="Paid with">
          <span dir="auto">{instrumentOf(payment)}</span>
          {instrumentOf(payment) !== named(payment.method) && (
            <span className="text-subtle"> ({named(payment.method)})</span>
          )}
        </Fact>
        <Fact name="Gateway">{named(payment.gateway)}</Fact>
        <Fact name="Captured">
          <span className="numeric">{money(payment.amount_captured, payment.currency)}</span>
          {payment.capture_method === "manual" && <span className="text-subtle"> (by hand)</span>}
        </Fact>
        <Fact name="Refunded">
          <span className="numeric">{money(payment.amount_refunded, payment.currency)}</span>
        </Fact>
        {payment.settlement && (
          <Fact name="Settles">
            <span className="numeric">{money(payment.settlement.amount, payment.settlement.currency)}</span>{" "}
            <span className="text-subtle">at {payment.settlement.rate}</span>
          </Fact>
        )}
        {customer?.name && (
          <Fact name="Customer">
            <span dir="auto">{customer.name}</span>
          </Fact>
        )}
        {customer?.email && (
          <Fact name="E-mail">
            <Link
              to="/customers"
              search={{ q: customer.email } as never}
              className="break-all text-primary hover:underline"
            >
              {customer.email}
            </Link>
          </Fact>
        )}
        {customer?.phone && (
          <Fact name="Phone">
            <bdi dir="ltr">{customer.phone}</bdi>
          </Fact>
        )}
        {customer?.id && (
          <Fact name="Your customer id">
            <Copyable text={customer.id} what="customer id" />
          </Fact>
        )}
        {payment.forgotten_at && <Fact name="Personal data">Removed on {fullTime(payment.forgotten_at)}</Fact>}
        <Fact name="Created">{fullTime(payment.created_at)}</Fact>
        <Fact name="Last change">{fullTime(payment.updated_at)}</Fact>
        {payment.next_attempt_at && <Fact name="Next attempt">{fullTime(payment.next_attempt_at)}</Fact>}
        {notes.map(([name, value]) => (
          <Fact key={name} name={name}>
            <span dir="auto" className="break-words">
              {value}
            </span>
          </Fact>
        ))}
      </Facts>
    </Card>
  );
}
