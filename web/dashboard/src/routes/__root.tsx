import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, Link, Outlet } from "@tanstack/react-router";
import { Button } from "@/ui/button";
import { Empty } from "@/ui/states";

export const Route = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  component: Outlet,
  notFoundComponent: () => (
    <main className="pt-[15dvh]">
      <Empty
        title="There is no page at this address"
        action={
          <Button look="primary" asChild>
            <Link to="/">Go to Home</Link>
          </Button>
        }
      >
        The link may be old, or a part of it was lost.
      </Empty>
    </main>
  ),
});
