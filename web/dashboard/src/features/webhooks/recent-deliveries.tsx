import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { api } from "@/api/client";
import { DataTable } from "@/features/table";
import { DELIVERY_COLUMNS } from "@/features/webhooks/delivery-columns";
import { usePolling } from "@/shell/live";
import { Card } from "@/ui/card";
import { Loaded } from "@/ui/states";

/** The newest deliveries to an endpoint. */
export function RecentDeliveries({ endpointId, action }: { endpointId: string; action: ReactNode }) {
  const query = api.useQuery(
    "get",
    "/api/v1/webhooks",
    { params: { query: { endpoint_id: endpointId, limit: 10 } } },
    { refetchInterval: usePolling() },
  );
  return (
    <Card title="Newest deliveries" action={action} flush>
      <Loaded query={query}>
        {({ data, has_more }) =>
          data.length === 0 ? (
            <p className="px-4 pb-4 text-[13px] text-subtle sm:px-5">
              Nothing was sent yet. Send a test event, or make a payment.
            </p>
          ) : (
            <>
              <DataTable
                label="Newest deliveries"
                rows={data}
                columns={DELIVERY_COLUMNS}
                rowId={(delivery) => delivery.id}
                rowTo={(delivery) => `/webhooks/deliveries/${delivery.id}`}
              />
              {has_more && (
                <p className="px-4 py-3 text-[13px] sm:px-5">
                  <Link
                    to={"/webhooks/deliveries" as string}
                    search={{ endpoint_id: endpointId } as never}
                    className="text-primary hover:underline"
                  >
                    All deliveries to this endpoint
                  </Link>
                </p>
              )}
            </>
          )
        }
      </Loaded>
    </Card>
  );
}
