/** The order of a table: a column and a direction, as the address writes them (`-rate` is largest first). Pure. */

export interface Order<C extends string> {
  readonly column: C;
  readonly descending: boolean;
}

/** The order that `text` names; `fallback` when it names no column. */
export function orderOf<C extends string>(text: string, columns: readonly C[], fallback: Order<C>): Order<C> {
  const descending = text.startsWith('-');
  const column = columns.find((one) => one === (descending ? text.slice(1) : text));
  return column === undefined ? fallback : { column, descending };
}

export const orderText = <C extends string>({ column, descending }: Order<C>): string =>
  `${descending ? '-' : ''}${column}`;

/** The order after a click on the head of `column`: numbers begin with the largest, words with the first letter. */
export function nextOrder<C extends string>(order: Order<C>, column: C, isText: boolean): Order<C> {
  return order.column === column ? { column, descending: !order.descending } : { column, descending: !isText };
}

/** Sorted by one value of each row; rows without a value are last in either direction. Equal rows keep their order. */
export function sortedBy<T>(
  rows: readonly T[],
  valueOf: (row: T) => string | number | null,
  descending: boolean,
): readonly T[] {
  const sign = descending ? -1 : 1;
  return rows.toSorted((a, b) => {
    const [x, y] = [valueOf(a), valueOf(b)];
    if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1;
    if (typeof x === 'string' || typeof y === 'string') return sign * String(x).localeCompare(String(y), 'en');
    return sign * (x - y);
  });
}
