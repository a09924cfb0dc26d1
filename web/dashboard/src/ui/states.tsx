import { AlertTriangle, RotateCw } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError, isPassing, messageOf, requestIdOf } from "@/api/errors";
import { cn } from "@/lib/cn";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy";

export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={cn("animate-pulse rounded-md bg-muted", className)} />;
}

/** Rows that stand for a list while it loads. */
export function SkeletonRows({ rows = 8 }: { rows?: number }) {
  return (
    <div role="status" aria-label="Loading" className="grid gap-3 p-4 sm:p-5">
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className="flex items-center gap-4">
          <Skeleton className="h-5 w-24" />
          <Skeleton className="h-5 w-20" />
          <Skeleton className="h-5 flex-1" />
          <Skeleton className="hidden h-5 w-28 sm:block" />
        </div>
      ))}
    </div>
  );
}

/** An empty list: why it is empty, what it is for, and the next step. */
export function Empty({
  icon,
  title,
  children,
  action,
}: {
  icon?: ReactNode;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="mx-auto flex max-w-md flex-col items-center px-6 py-12 text-center">
      {icon && (
        <div className="mb-3 grid size-11 place-items-center rounded-full bg-muted text-subtle [&_svg]:size-5">
          {icon}
        </div>
      )}
      <p className="text-[15px] font-semibold">{title}</p>
      {children && <div className="mt-1.5 text-[13px] text-pretty text-subtle">{children}</div>}
      {action && <div className="mt-4 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  );
}

/** What went wrong, the id of the request, and a way to try again where that may help. */
export function Failure({ error, retry, className }: { error: unknown; retry?: () => void; className?: string }) {
  const requestId = requestIdOf(error);
  const refused = error instanceof ApiError && !isPassing(error);
  return (
    <div role="alert" className={cn("flex flex-col items-start gap-3 p-4 sm:p-5", className)}>
      <div className="flex items-start gap-2.5">
        <AlertTriangle aria-hidden className="mt-0.5 size-4 shrink-0 text-danger" />
        <div className="min-w-0">
          <p className="font-medium">{titleOf(error)}</p>
          <p className="mt-0.5 max-w-prose text-[13px] text-subtle">{messageOf(error)}</p>
          {requestId && (
            <p className="mt-1.5 flex flex-wrap items-center gap-1 text-[13px] text-subtle">
              Request <code className="font-mono break-all">{requestId}</code>
              <CopyButton text={requestId} what="request id" />
            </p>
          )}
        </div>
      </div>
      {retry && !refused && (
        <Button size="sm" onClick={retry}>
          <RotateCw aria-hidden /> Try again
        </Button>
      )}
    </div>
  );
}

function titleOf(error: unknown): string {
  if (!(error instanceof ApiError)) return "This could not be loaded";
  if (error.status === 403) return "Your role does not allow this";
  if (error.status === 404) return "This does not exist here";
  return error.status >= 500 ? "The server has a problem" : "This could not be loaded";
}

type QueryLike<T> = { data: T | undefined; error: unknown; refetch: () => unknown };

/** A query's three states: a skeleton, an error with its request id, or the content. Old data stays while new data fails. */
export function Loaded<T>({
  query,
  skeleton,
  children,
}: {
  query: QueryLike<T>;
  skeleton?: ReactNode;
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />;
  return <>{skeleton ?? <SkeletonRows rows={4} />}</>;
}

type FirstAnswer = { isLoading: boolean; failureCount: number };

/** Parts whose heights depend on answers come at once, so that none moves the next. One that failed is not waited for. */
export function Together({
  queries,
  skeleton,
  children,
}: {
  queries: FirstAnswer[];
  skeleton: ReactNode;
  children: ReactNode;
}) {
  return queries.some((query) => query.isLoading && query.failureCount === 0) ? skeleton : children;
}
