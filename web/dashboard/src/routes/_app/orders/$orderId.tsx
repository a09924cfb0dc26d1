import { createFileRoute, Link } from "@tanstack/react-router";
import { Ban } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/client";
import { ApiError } from "@/api/errors";
import { Elsewhere } from "@/features/elsewhere";
import { CancelOrderDialog } from "@/features/order-cancel";
import { PAYMENT_COLUMNS } from "@/features/payments-list";
import { DataTable } from "@/features/table";
import { money } from "@/lib/money";
import { fullTime } from "@/lib/time";
import { Allowed } from "@/session";
import { usePolling } from "@/shell/live";
import { Status } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Copyable } from "@/ui/copy";
import { Fact, Facts, Page } from "@/ui/page";
import { Empty, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/orders/$orderId")({ component: OrderPage });

function OrderPage() {
  const { orderId } = Route.useParams();
  const polling = usePolling();
  const [cancelling, setCancelling] = useState(false);
  const order = api.useQuery("get", "/api/v1/orders/{order_id}", { params: { path: { order_id: orderId } } });
  const payments = api.useQuery(
    "get",
    "/api/v1/payments",
    { params: { query: { order_id: orderId, limit: 50 } } },
    { refetchInterval: polling },
  );
  if (order.error instanceof ApiError && order.error.status === 404) return <Elsewhere what="order" id={orderId} />;
  const hidden = new Set(["gateway", "order", "id"]);
  return (
    <Page
      tab="Order"
      above={
        <Link to="/orders" className="text-[13px] text-subtle hover:underline">
          Orders
        </Link>
      }
      title={
        order.data ? (
          <span className="flex flex-wrap items-center gap-3">
            <span className="numeric">{money(order.data.amount, order.data.currency)}</span>
            <span className="text-sm font-normal tracking-normal">
              <Status value={order.data.status} />
            </span>
          </span>
        ) : (
          "Order"
        )
      }
      actions={
        (order.data?.status === "created" || order.data?.status === "attempted") && (
          <Allowed permission="payments:cancel">
            <Button look="danger" onClick={() => setCancelling(true)}>
              <Ban aria-hidden /> Cancel
            </Button>
          </Allowed>
        )
      }
    >
      {cancelling && <CancelOrderDialog orderId={orderId} onClose={() => setCancelling(false)} />}
      <Card title="Facts">
        <Loaded query={order}>
          {(found) => (
            <Facts>
              <Fact name="Order">
                <Copyable text={found.id} what="order id" />
              </Fact>
              <Fact name="Receipt">
                <span dir="auto">{found.receipt ?? "–"}</span>
              </Fact>
              <Fact name="Created">{fullTime(found.created_at)}</Fact>
              {found.expires_at && <Fact name="Ends">{fullTime(found.expires_at)}</Fact>}
              <Fact name="Last change">{fullTime(found.updated_at)}</Fact>
              {Object.entries(found.notes).map(([name, value]) => (
                <Fact key={name} name={name}>
                  <span dir="auto">{value}</span>
                </Fact>
              ))}
            </Facts>
          )}
        </Loaded>
      </Card>
      <Card title="Payments of this order" flush>
        <Loaded query={payments}>
          {({ data }) =>
            data.length === 0 ? (
              <Empty title="Nobody has tried to pay it">
                Send the customer to your checkout page with this order's id.
              </Empty>
            ) : (
              <DataTable
                label="Payments of this order"
                rows={data}
                columns={PAYMENT_COLUMNS}
                hidden={hidden}
                rowId={(payment) => payment.id}
                rowTo={(payment) => `/payments/${payment.id}`}
              />
            )
          }
        </Loaded>
      </Card>
    </Page>
  );
}
