import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layoutOf, type MapEdge } from '../../src/page/map/layout.ts';

const edge = (client: string, server: string, calls = 1): MapEdge => ({
  client,
  server,
  connection: '',
  calls,
  rate: calls,
  error_ratio: 0,
  p95_seconds: 0.1,
});
const nodesOf = (edges: readonly MapEdge[]) =>
  [...new Set(edges.flatMap(({ client, server }) => [client, server]))].map((name) => ({ name, kind: 'service' }));
const columns = (edges: readonly MapEdge[]): Record<string, number> =>
  Object.fromEntries([...layoutOf(nodesOf(edges), edges).placed].map(([name, { column }]) => [name, column]));

describe('the layout of the service map', () => {
  it('has each caller left of what it calls, by the longest way', () => {
    const edges = [edge('user', 'gate'), edge('gate', 'shop'), edge('shop', 'db'), edge('gate', 'db')];
    expect(columns(edges)).toEqual({ user: 0, gate: 1, shop: 2, db: 3 });
  });

  it('enters a circle where a caller enters it', () => {
    const edges = [edge('b', 'a'), edge('a', 'b'), edge('user', 'a'), edge('b', 'b')];
    expect(columns(edges)).toEqual({ user: 0, a: 1, b: 2 });
  });

  it('puts the busiest of a column on top, and counts columns and rows', () => {
    const edges = [edge('user', 'quiet', 1), edge('user', 'busy', 9)];
    const { placed, columns: wide, rows } = layoutOf(nodesOf(edges), edges);
    expect([placed.get('busy')?.row, placed.get('quiet')?.row, wide, rows]).toEqual([0, 1, 2, 2]);
    expect(layoutOf([], [])).toMatchObject({ columns: 1, rows: 1 });
  });

  it('gives every node a place of its own, whatever calls whom', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    fc.assert(
      fc.property(fc.array(fc.tuple(name, name), { maxLength: 20 }), (pairs) => {
        const edges = pairs.map(([client, server]) => edge(client, server));
        const { placed } = layoutOf(nodesOf(edges), edges);
        expect(placed.size).toBe(nodesOf(edges).length);
        expect(new Set([...placed.values()].map(({ column, row }) => `${column} ${row}`)).size).toBe(placed.size);
      }),
    );
  });
});
