/**
 * Where the nodes and edges of the service map lie: callers left, called right, in layers by the longest way from a caller.
 * Calls that go round in a circle are drawn back. Within a layer, nodes lie near those that call them, so few lines cross.
 * Pure.
 */
import type { MapAnswer } from '../../monitor/api/records/contract.ts';

export type MapEdge = MapAnswer['edges'][number];

export interface PlacedNode {
  readonly name: string;
  readonly kind: string;
  readonly x: number;
  readonly y: number;
}

export interface PlacedEdge {
  readonly edge: MapEdge;
  /** SVG path data. */
  readonly path: string;
  readonly labelX: number;
  readonly labelY: number;
}

export interface MapLayout {
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
  readonly width: number;
  readonly height: number;
  /** Nodes that are only in the table, because more would not be readable. */
  readonly left: number;
}

export const NODE_WIDTH = 156;
export const NODE_HEIGHT = 40;
const COLUMN = 300;
const ROW = 66;
const PAD = 16;
const MOST_NODES = 40;

/** The nodes with the most calls. */
function chosen({ nodes, edges }: MapAnswer): MapAnswer['nodes'] {
  if (nodes.length <= MOST_NODES) return nodes;
  const calls = new Map<string, number>();
  for (const { client, server, calls: count } of edges) {
    for (const name of [client, server]) calls.set(name, (calls.get(name) ?? 0) + count);
  }
  return nodes.toSorted((a, b) => (calls.get(b.name) ?? 0) - (calls.get(a.name) ?? 0)).slice(0, MOST_NODES);
}

/** Each node one layer after the last of its callers; an edge back into the way that led here counts for nothing. */
function layersOf(names: readonly string[], edges: readonly MapEdge[]): ReadonlyMap<string, number> {
  const called = new Map<string, string[]>();
  for (const { client, server } of edges) called.set(client, [...(called.get(client) ?? []), server]);
  const layer = new Map(names.map((name) => [name, 0]));
  const way = new Set<string>();
  const done = new Set<string>();
  const order: string[] = [];
  const back = new Set<string>();
  // Depth first without recursion: the order of leaving, turned round, has each caller before those it calls.
  const visit = (root: string): void => {
    const stack: { readonly name: string; at: number }[] = [{ name: root, at: 0 }];
    way.add(root);
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      const next = called.get(top.name)?.[top.at];
      top.at += 1;
      if (next === undefined) {
        way.delete(top.name);
        done.add(top.name);
        order.push(top.name);
        stack.pop();
      } else if (way.has(next)) back.add(`${top.name}\n${next}`);
      else if (!done.has(next)) {
        way.add(next);
        stack.push({ name: next, at: 0 });
      }
    }
  };
  const isCalled = new Set(edges.filter(({ client, server }) => client !== server).map(({ server }) => server));
  for (const name of [...names.filter((one) => !isCalled.has(one)), ...names]) if (!done.has(name)) visit(name);
  for (const name of order.toReversed()) {
    for (const next of called.get(name) ?? []) {
      if (back.has(`${name}\n${next}`)) continue;
      layer.set(next, Math.max(layer.get(next) ?? 0, (layer.get(name) ?? 0) + 1));
    }
  }
  return layer;
}

/** Rows within each layer: by the mean row of the callers, then by name. */
function rowsOf(
  names: readonly string[],
  edges: readonly MapEdge[],
  layer: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const row = new Map<string, number>();
  const last = Math.max(0, ...layer.values());
  for (let at = 0; at <= last; at += 1) {
    const mean = (name: string): number => {
      const callers = edges.filter(({ client, server }) => server === name && row.has(client));
      const sum = callers.reduce((total, { client }) => total + (row.get(client) ?? 0), 0);
      return callers.length === 0 ? Infinity : sum / callers.length;
    };
    const own = names.filter((name) => layer.get(name) === at).map((name) => ({ name, mean: mean(name) }));
    own.sort((a, b) => (a.mean === b.mean ? (a.name < b.name ? -1 : 1) : a.mean - b.mean));
    for (const [place, { name }] of own.entries()) row.set(name, place);
  }
  return row;
}

/** A point of a cubic curve. */
function pointAt(t: number, a: number, b: number, c: number, d: number): number {
  const u = 1 - t;
  return u * u * u * a + 3 * u * u * t * b + 3 * u * t * t * c + t * t * t * d;
}

/** Lines of one caller are apart from each other near their ends, lines to one server near their begins. */
function labelPlace(edge: MapEdge, edges: readonly MapEdge[]): number {
  const comes = edges.filter(({ server }) => server === edge.server).length;
  const goes = edges.filter(({ client }) => client === edge.client).length;
  if (comes > 1 && goes > 1) return 0.5;
  return comes > 1 ? 0.3 : 0.72;
}

function edgeOf(edge: MapEdge, from: PlacedNode, to: PlacedNode, edges: readonly MapEdge[]): PlacedEdge {
  const [y0, y1] = [from.y + NODE_HEIGHT / 2, to.y + NODE_HEIGHT / 2];
  if (to.x <= from.x) {
    // Back, or to itself: below both nodes.
    const [x0, x1] = [from.x + NODE_WIDTH * 0.6, to.x + NODE_WIDTH * 0.4];
    const low = Math.max(from.y, to.y) + NODE_HEIGHT;
    const path = `M${x0} ${from.y + NODE_HEIGHT} C${x0} ${low + 28} ${x1} ${low + 28} ${x1} ${to.y + NODE_HEIGHT}`;
    return { edge, path, labelX: (x0 + x1) / 2, labelY: low + 20 };
  }
  const [x0, x1] = [from.x + NODE_WIDTH, to.x];
  const bend = Math.min(80, (x1 - x0) / 2);
  const path = `M${x0} ${y0} C${x0 + bend} ${y0} ${x1 - bend} ${y1} ${x1} ${y1}`;
  const t = labelPlace(edge, edges);
  const [labelX, labelY] = [pointAt(t, x0, x0 + bend, x1 - bend, x1), pointAt(t, y0, y0, y1, y1)];
  return { edge, path, labelX, labelY: labelY - 4 };
}

export function layoutOf(map: MapAnswer): MapLayout {
  const shown = chosen(map);
  const names = shown.map(({ name }) => name);
  const isShown = new Set(names);
  const edges = map.edges.filter(({ client, server }) => isShown.has(client) && isShown.has(server));
  const layer = layersOf(names, edges);
  const row = rowsOf(names, edges, layer);
  const tallest = Math.max(0, ...row.values()) + 1;
  const sizes = new Map<number, number>();
  for (const at of layer.values()) sizes.set(at, (sizes.get(at) ?? 0) + 1);
  const nodes = shown.map(({ name, kind }): PlacedNode => {
    const at = layer.get(name) ?? 0;
    // Each layer is centred, so that a caller lies beside the middle of what it calls.
    const first = ((tallest - (sizes.get(at) ?? 1)) * ROW) / 2;
    return { name, kind, x: PAD + at * COLUMN, y: PAD + first + (row.get(name) ?? 0) * ROW };
  });
  const byName = new Map(nodes.map((node) => [node.name, node]));
  return {
    nodes,
    edges: edges.flatMap((edge) => {
      const [from, to] = [byName.get(edge.client), byName.get(edge.server)];
      return from === undefined || to === undefined ? [] : [edgeOf(edge, from, to, edges)];
    }),
    width: PAD * 2 + Math.max(0, ...layer.values()) * COLUMN + NODE_WIDTH,
    height: PAD * 2 + tallest * ROW - (ROW - NODE_HEIGHT) + 24,
    left: map.nodes.length - shown.length,
  };
}
