import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createRouter, RouterProvider } from "@tanstack/react-router";
import { lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { isPassing } from "@/api/errors";
import { followActs } from "@/lib/activity";
import { parseSearch, stringifySearch } from "@/lib/search";
import { followSystem } from "@/lib/theme";
import { routeTree } from "@/routeTree.gen";
import { mayBeSignedIn } from "@/session";
import { Broken } from "@/shell/broken";
import "@/styles.css";

const queryClient = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 10_000, retry: (failures, error) => isPassing(error) && failures < 2 },
    mutations: { retry: false },
  },
});

const router = createRouter({
  routeTree,
  context: { queryClient },
  defaultPreload: "intent",
  defaultPreloadStaleTime: 0,
  scrollRestoration: true,
  parseSearch,
  stringifySearch,
  defaultErrorComponent: Broken,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

const Toaster = lazy(() => import("@/shell/toaster"));

// The code of the page comes while the session is asked for, not after it. What fails here is loaded again.
if (mayBeSignedIn()) {
  for (const route of router.getMatchedRoutes(window.location.pathname)[0]) {
    router.loadRouteChunk(route)?.catch(() => {});
  }
}

followSystem();
followActs();

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
      <Suspense>
        <Toaster />
      </Suspense>
    </QueryClientProvider>
  </StrictMode>,
);
