import { type ClassValue, clsx } from "clsx";

/** Properties of which one class counts, the last; and what each covers besides itself. */
const COVERS: Record<string, readonly string[]> = {
  size: ["h", "w"],
  p: ["px", "py", "pt", "pr", "pb", "pl"],
  px: ["pl", "pr"],
  py: ["pt", "pb"],
  m: ["mx", "my", "mt", "mr", "mb", "ml"],
  mx: ["ml", "mr"],
  my: ["mt", "mb"],
  gap: ["gap-x", "gap-y"],
};
const SINGLE =
  /^-?(size|h|w|min-h|max-h|min-w|max-w|p[xytrbl]?|m[xytrbl]?|gap|gap-x|gap-y|bg|rounded|justify|items|whitespace|z)-(?:\[.+\]|[^-[]+(?:-[a-z]+)*(?:\/\d+)?)$/;
const TEXT = /^text-(?:(xs|sm|base|lg|xl|\dxl|\[[\d.]+(?:px|rem|em)\])|(left|right|center)|.+)$/;
const DISPLAY = /^(?:inline-)?(?:flex|grid|block)$|^(?:hidden|inline)$/;

function propertyOf(name: string): string | null {
  if (DISPLAY.test(name)) return "display";
  const text = TEXT.exec(name);
  if (text) return text[1] ? "text-size" : text[2] ? "text-align" : "text-colour";
  return SINGLE.exec(name)?.[1] ?? null;
}

/** Joins classes. Of two for one property, under the same condition (`sm:`, `hover:`), the later one stays. */
export function cn(...classes: ClassValue[]): string {
  const kept: string[] = [];
  const taken = new Set<string>();
  for (const each of clsx(classes).split(/\s+/).filter(Boolean).reverse()) {
    const at = each.startsWith("[")
      ? 0
      : each.lastIndexOf(":", each.indexOf("[") > 0 ? each.lastIndexOf("[") : undefined) + 1;
    const condition = each.slice(0, at);
    const property = propertyOf(each.slice(at));
    if (property && taken.has(condition + property)) continue;
    if (property) for (const covered of [property, ...(COVERS[property] ?? [])]) taken.add(condition + covered);
    kept.push(each);
  }
  return kept.reverse().join(" ");
}
