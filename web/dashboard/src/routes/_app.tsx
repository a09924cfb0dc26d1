import { createFileRoute, Outlet, redirect } from "@tanstack/react-router";
import { ApiError } from "@/api/errors";
import { chooseMerchant, chosenMerchant } from "@/lib/merchant";
import { mayBeSignedIn, meQuery, merchantFor, SessionProvider, useSession } from "@/session";
import { Broken } from "@/shell/broken";
import { Layout } from "@/shell/layout";
import { LiveProvider } from "@/shell/live";
import { Empty, Skeleton } from "@/ui/states";

/** Everything behind the log-in. */
export const Route = createFileRoute("/_app")({
  beforeLoad: async ({ context, location }) => {
    const logIn = () => redirect({ to: "/login", search: location.href === "/" ? {} : { next: location.href } });
    if (!mayBeSignedIn()) throw logIn();
    try {
      const me = await context.queryClient.ensureQueryData(meQuery);
      // Before the first request about a merchant: each of them names one.
      chooseMerchant(merchantFor(me, chosenMerchant())?.merchant.id ?? null);
    } catch (error) {
      throw error instanceof ApiError && error.status === 401 ? logIn() : error;
    }
  },
  component: App,
  errorComponent: Broken,
  pendingComponent: () => (
    <div role="status" aria-label="Loading" className="grid gap-4 p-6">
      <Skeleton className="h-10 w-full" />
      <Skeleton className="h-64 w-full" />
    </div>
  ),
});

function App() {
  return (
    <SessionProvider>
      <LiveProvider>
        <Layout>
          <Content />
        </Layout>
      </LiveProvider>
    </SessionProvider>
  );
}

function Content() {
  const { me, merchant } = useSession();
  if (merchant === null && !me.is_operator) {
    return (
      <Empty title="You belong to no business yet">
        Ask an owner or an administrator to invite {me.email}. The link in the invitation brings you here.
      </Empty>
    );
  }
  return <Outlet />;
}
