/** Reads the limit from the expression of an alert rule. Pure. */

/** The number after the last `>` of an expression that ends with it; undefined for any other form. */
export function limitOf(expr: string): number | undefined {
  const found = />=?\s*([0-9.]+(?:e[+-]?\d+)?)\s*$/i.exec(expr);
  const limit = found === null ? Number.NaN : Number(found[1]);
  return Number.isFinite(limit) ? limit : undefined;
}
