import { describe, expect, it } from 'vitest';
import type { MapAnswer } from '../../src/monitor/api/records/contract.ts';
import { layoutOf, NODE_HEIGHT, NODE_WIDTH, type MapLayout } from '../../src/page/services/map-layout.ts';

function mapOf(...pairs: readonly (readonly [client: string, server: string, calls?: number])[]): MapAnswer {
  const names = [...new Set(pairs.flatMap(([client, server]) => [client, server]))];
  const map: MapAnswer = {
    nodes: names.map((name) => ({ name, kind: 'service' })),
    edges: pairs.map(([client, server, calls = 1]) => ({
      client,
      server,
      connection: '',
      calls,
      rate: calls,
      error_ratio: 0,
      p95_seconds: 0.1,
      network_seconds: null,
    })),
    spans: 0,
    omitted: 0,
    complete: true,
    reached_ms: 0,
    scanned: { records: 0, bytes: 0 },
    lost: 0,
  };
  return map;
}

const xOf = (layout: MapLayout, name: string): number => layout.nodes.find((node) => node.name === name)?.x ?? NaN;

describe('the layout of the map', () => {
  it('puts each service to the right of all that call it', () => {
    const layout = layoutOf(
      mapOf(['user', 'gate'], ['gate', 'shop'], ['gate', 'bank'], ['shop', 'bank'], ['bank', 'db']),
    );
    const order = ['user', 'gate', 'shop', 'bank', 'db'].map((name) => xOf(layout, name));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(new Set(order).size).toBe(5);
  });

  it('draws circles back, also a service that calls itself', () => {
    const layout = layoutOf(mapOf(['a', 'b'], ['b', 'c'], ['c', 'a'], ['b', 'b']));
    expect(xOf(layout, 'a')).toBeLessThan(xOf(layout, 'b'));
    expect(xOf(layout, 'b')).toBeLessThan(xOf(layout, 'c'));
    expect(layout.edges.length).toBe(4);
    expect(layout.edges.every(({ path }) => !path.includes('NaN'))).toBe(true);
  });

  it('lets no two nodes overlap and keeps all inside', () => {
    const pairs = Array.from({ length: 35 }, (_, at) => [`s${at % 7}`, `s${at % 11}x${at}`] as const);
    const { nodes, width, height } = layoutOf(mapOf(...pairs));
    for (const [at, a] of nodes.entries()) {
      expect([a.x >= 0, a.y >= 0, a.x + NODE_WIDTH <= width, a.y + NODE_HEIGHT <= height]).not.toContain(false);
      for (const b of nodes.slice(at + 1)) {
        expect(Math.abs(a.x - b.x) >= NODE_WIDTH || Math.abs(a.y - b.y) >= NODE_HEIGHT).toBe(true);
      }
    }
  });

  it('draws the forty nodes with the most calls, and says how many it left out', () => {
    const pairs = Array.from({ length: 60 }, (_, at) => ['hub', `s${at}`, 60 - at] as const);
    const layout = layoutOf(mapOf(...pairs));
    expect([layout.nodes.length, layout.left]).toEqual([40, 21]);
    expect(layout.nodes.some(({ name }) => name === 's0')).toBe(true);
    expect(layout.nodes.some(({ name }) => name === 's59')).toBe(false);
  });

  it('is nothing without nodes', () => {
    expect(layoutOf(mapOf())).toMatchObject({ nodes: [], edges: [], left: 0 });
  });
});
