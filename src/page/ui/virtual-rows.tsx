/**
 * Rows of one height, of which only those near the window exist: a list of any length costs as much as a screen. Spacers
 * keep the length of the scroll bar. Rows that have the focus stay, so that the keyboard never loses its place.
 */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/** Beyond the window, so that a quick scroll shows no blank. */
const BEYOND = 12;
/** Shorter lists are drawn whole: they need no measuring, and the browser's own search finds every row. */
const WHOLE = 60;

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The rows that the window needs. Pure. */
export function spanOf(count: number, rowPx: number, topPx: number, heightPx: number): Span {
  if (count <= WHOLE || rowPx <= 0) return { from: 0, to: count };
  const from = Math.max(0, Math.floor(topPx / rowPx) - BEYOND);
  const to = Math.min(count, Math.ceil((topPx + heightPx) / rowPx) + BEYOND);
  return { from: Math.min(from, Math.max(0, count - 1)), to: Math.max(to, Math.min(count, 1)) };
}

interface VirtualRowsProps<T> {
  readonly rows: readonly T[];
  readonly columns: number;
  readonly children: (row: T, at: number) => ComponentChildren;
}

/** The body of a table. */
export function VirtualRows<T>({ rows, columns, children }: VirtualRowsProps<T>): JSX.Element {
  const body = useRef<HTMLTableSectionElement>(null);
  const [span, setSpan] = useState<Span>({ from: 0, to: Math.min(rows.length, WHOLE) });
  const [rowPx, setRowPx] = useState(0);
  useEffect(() => {
    const box = body.current;
    const main = box?.closest('main');
    if (box === null || main === null || main === undefined) return undefined;
    const measure = (): void => {
      const row = box.querySelector<HTMLElement>('tr:not(.spacer)')?.getBoundingClientRect().height ?? 0;
      setRowPx(row);
      const top = main.getBoundingClientRect().top - box.getBoundingClientRect().top;
      const next = spanOf(rows.length, row, Math.max(0, top), main.clientHeight);
      setSpan((old) => (old.from === next.from && old.to === next.to ? old : next));
    };
    measure();
    main.addEventListener('scroll', measure, { passive: true });
    const resize = new ResizeObserver(measure);
    resize.observe(main);
    return () => {
      main.removeEventListener('scroll', measure);
      resize.disconnect();
    };
  }, [rows.length]);
  const from = Math.min(span.from, rows.length);
  const to = Math.min(Math.max(span.to, from), rows.length);
  return (
    <tbody ref={body}>
      {from > 0 && (
        <tr class="spacer" aria-hidden="true">
          <td colSpan={columns} style={{ height: `${from * rowPx}px` }} />
        </tr>
      )}
      {rows.slice(from, to).map((row, at) => children(row, from + at))}
      {to < rows.length && (
        <tr class="spacer" aria-hidden="true">
          <td colSpan={columns} style={{ height: `${(rows.length - to) * rowPx}px` }} />
        </tr>
      )}
    </tbody>
  );
}
