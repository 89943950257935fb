/** The queries that were run in this browser, newest first. */
const KEY = 'vitrine.queries';
const MAX_QUERIES = 50;
const MAX_LENGTH = 4_096;

/** The list with `expr` first. Pure. */
export function remembered(list: readonly string[], expr: string): string[] {
  const text = expr.trim();
  if (text === '' || text.length > MAX_LENGTH) return [...list];
  return [text, ...list.filter((one) => one !== text)].slice(0, MAX_QUERIES);
}

export function queryHistory(): readonly string[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(list)
      ? list.filter((one): one is string => typeof one === 'string').slice(0, MAX_QUERIES)
      : [];
  } catch {
    return [];
  }
}

export function rememberQuery(expr: string): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(remembered(queryHistory(), expr)));
  } catch {
    // Storage may be forbidden or full: the history then ends with the page.
  }
}
