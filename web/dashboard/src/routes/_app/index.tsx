import { createFileRoute, Link } from "@tanstack/react-router";
import { api } from "@/api/client";
import { GoLiveChecklist, useChecklist } from "@/features/home/checklist";
import { Failures } from "@/features/home/failures";
import { Figures } from "@/features/home/figures";
import { Gateways } from "@/features/home/gateways";
import { useVolume, Volume } from "@/features/home/volume";
import { useSession } from "@/session";
import { usePolling } from "@/shell/live";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Page } from "@/ui/page";
import { Failure, Loaded, Skeleton, Together } from "@/ui/states";

export const Route = createFileRoute("/_app/")({ component: Home });

/** One payment, of today or not: whether there is any decides what Home begins with. */
function useFirstPayment() {
  const { can } = useSession();
  return api.useQuery(
    "get",
    "/api/v1/payments",
    { params: { query: { limit: 1 } } },
    { enabled: can("payments:read"), refetchInterval: usePolling() },
  );
}

function useOverview() {
  const { can } = useSession();
  return api.useQuery(
    "get",
    "/api/v1/statistics/overview",
    {},
    { enabled: can("statistics:read"), refetchInterval: usePolling() },
  );
}

/** What a member sees of a business that requires a second factor, until they have one. */
function SecondFactorNeeded() {
  return (
    <Card title="Turn on your second factor">
      <p>This business requires one of every member. Until you have it, you see nothing here.</p>
      <Button asChild look="primary" className="mt-4">
        <Link to="/account" search={{ tab: "security" }}>
          Set it up
        </Link>
      </Button>
    </Card>
  );
}

function Home() {
  const { me, membership } = useSession();
  const isShut = membership?.totp_required && !me.totp_enabled;
  return (
    <Page title="Home" tab="Home">
      {isShut ? <SecondFactorNeeded /> : <Content />}
    </Page>
  );
}

function Content() {
  const { can } = useSession();
  const [payment, overview, volume, checklist] = [useFirstPayment(), useOverview(), useVolume(), useChecklist()];
  const hasPayments = payment.data && payment.data.data.length > 0;
  const missing = can("gateways:read") ? <GoLiveChecklist /> : null;
  return (
    <Together queries={[payment, overview, volume, ...(hasPayments ? [] : [checklist])]} skeleton={<Outline />}>
      {hasPayments === false && missing}
      {can("statistics:read") ? (
        <Statistics overview={overview} />
      ) : (
        <Card>
          <p>Your role does not show figures. The navigation has what it shows.</p>
        </Card>
      )}
      {hasPayments && missing}
    </Together>
  );
}

/** Where figures, chart and cards will be. */
function Outline() {
  return (
    <div role="status" aria-label="Loading" className="grid gap-4 sm:gap-5">
      <div className="grid grid-cols-2 gap-3 sm:gap-4 lg:grid-cols-4">
        {Array.from({ length: 8 }, (_, index) => (
          <Skeleton key={index} className="h-32 rounded-xl" />
        ))}
      </div>
      <Skeleton className="h-96 rounded-xl" />
      <div className="grid gap-4 sm:gap-5 lg:grid-cols-2">
        <Skeleton className="h-48 rounded-xl" />
        <Skeleton className="h-48 rounded-xl" />
      </div>
    </div>
  );
}

function Statistics({ overview }: { overview: ReturnType<typeof useOverview> }) {
  if (overview.error && !overview.data) {
    return (
      <Card>
        <Failure error={overview.error} retry={() => void overview.refetch()} />
      </Card>
    );
  }
  return (
    <>
      <Loaded query={overview}>{(data) => <Figures overview={data} />}</Loaded>
      <Volume />
      {overview.data && (
        <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-4 sm:gap-5 lg:grid-cols-2">
          <Failures failures={overview.data.today.failures} />
          <Gateways gateways={overview.data.now.gateways} />
        </div>
      )}
    </>
  );
}
