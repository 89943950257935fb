/** Where the nodes of the service map are: callers left of what they call, whatever circles the calls make. Pure. */
import type { MapAnswer } from '../../monitor/api/records/contract.ts';

export type MapEdge = MapAnswer['edges'][number];
export type MapNode = MapAnswer['nodes'][number];

export interface Placed {
  readonly node: MapNode;
  readonly column: number;
  /** Within its column, from 0. */
  readonly row: number;
}

export interface Layout {
  readonly placed: ReadonlyMap<string, Placed>;
  readonly columns: number;
  /** Of the longest column. */
  readonly rows: number;
}

/** The longest way from a caller to each node, without the calls that close a circle. */
function columnsOf(names: readonly string[], edges: readonly MapEdge[]): ReadonlyMap<string, number> {
  const called = Map.groupBy(edges, ({ client }) => client);
  const state = new Map<string, 'open' | 'done'>();
  const forward: MapEdge[] = [];
  const order: string[] = [];
  const visit = (start: string): void => {
    const stack: { name: string; left: MapEdge[] }[] = [{ name: start, left: [...(called.get(start) ?? [])] }];
    state.set(start, 'open');
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      const edge = top.left.pop();
      if (edge === undefined) {
        state.set(top.name, 'done');
        order.unshift(top.name);
        stack.pop();
      } else if (state.get(edge.server) !== 'open') {
        forward.push(edge);
        if (state.get(edge.server) === undefined) {
          state.set(edge.server, 'open');
          stack.push({ name: edge.server, left: [...(called.get(edge.server) ?? [])] });
        }
      }
    }
  };
  const servers = new Set(edges.filter(({ client, server }) => client !== server).map(({ server }) => server));
  // Those that nobody calls first: a circle is then entered where a caller enters it.
  for (const name of [...names.filter((one) => !servers.has(one)), ...names]) if (!state.has(name)) visit(name);
  const columns = new Map<string, number>(names.map((name) => [name, 0]));
  const after = Map.groupBy(forward, ({ client }) => client);
  for (const name of order) {
    for (const { server } of after.get(name) ?? []) {
      columns.set(server, Math.max(columns.get(server) ?? 0, (columns.get(name) ?? 0) + 1));
    }
  }
  return columns;
}

export function layoutOf(nodes: readonly MapNode[], edges: readonly MapEdge[]): Layout {
  const columns = columnsOf(
    nodes.map(({ name }) => name),
    edges,
  );
  const calls = new Map<string, number>();
  for (const { client, server, calls: count } of edges) {
    for (const name of [client, server]) calls.set(name, (calls.get(name) ?? 0) + count);
  }
  const placed = new Map<string, Placed>();
  const used = new Map<number, number>();
  // The busiest of a column is on top.
  for (const node of nodes.toSorted((a, b) => (calls.get(b.name) ?? 0) - (calls.get(a.name) ?? 0))) {
    const column = columns.get(node.name) ?? 0;
    const row = used.get(column) ?? 0;
    used.set(column, row + 1);
    placed.set(node.name, { node, column, row });
  }
  return { placed, columns: Math.max(0, ...used.keys()) + 1, rows: Math.max(1, ...used.values()) };
}
