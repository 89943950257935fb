/** A Querier over samples in memory that knows selectors, ranges, `== > <` with a number, time() and sum(): enough for rules. */
import type { Querier, QueryResult, QueryValue, SampleSource } from '../../../../src/model/ports.ts';
import { Labels } from '../../../../src/model/labels.ts';
import type { Expr, VectorSelector } from '../../../../src/monitor/promql/syntax/ast.ts';
import { parse } from '../../../../src/monitor/promql/syntax/parser.ts';

type Vector = QueryValue & { kind: 'vector' };

export class FakeQuerier implements Querier {
  readonly asked: { expr: string; atMs: number }[] = [];
  /** Queries that contain the text wait for this. */
  readonly gates = new Map<string, Promise<void>>();
  readonly #source: SampleSource;

  constructor(source: SampleSource) {
    this.#source = source;
  }

  async instant(expr: string, atMs: number): Promise<QueryResult> {
    this.asked.push({ expr, atMs });
    for (const [text, gate] of this.gates) if (expr.includes(text)) await gate;
    return { value: await this.#eval(parse(expr), atMs), warnings: [], infos: [] };
  }

  async #eval(expr: Expr, atMs: number): Promise<QueryValue> {
    switch (expr.kind) {
      case 'number':
        return { kind: 'scalar', t: atMs, v: expr.value };
      case 'string':
        return { kind: 'string', t: atMs, v: expr.value };
      case 'vector_selector':
        return this.#select(expr, atMs);
      case 'matrix_selector': {
        const rangeMs = expr.range.kind === 'ms' ? expr.range.ms : 0;
        const found = await this.#source.select(expr.selector.matchers, atMs - rangeMs + 1, atMs);
        const series = found.map(({ labels, samples: { t, v, stale } }) => {
          const keep = (_: number, i: number): boolean => stale?.[i] !== 1;
          return { labels, t: t.filter(keep), v: v.filter(keep) };
        });
        return { kind: 'matrix', series: series.filter(({ t }) => t.length > 0) };
      }
      case 'aggregate': {
        const { series } = (await this.#eval(expr.expr, atMs)) as Vector;
        const v = series.reduce((total, { point }) => total + point.v, 0);
        return { kind: 'vector', series: series.length === 0 ? [] : [{ labels: Labels.empty, point: { t: atMs, v } }] };
      }
      case 'binary': {
        const left = (await this.#eval(expr.left, atMs)) as Vector;
        const right = (await this.#eval(expr.right, atMs)) as QueryValue & { kind: 'scalar' };
        const holds = (v: number): boolean =>
          expr.op === '>' ? v > right.v : expr.op === '<' ? v < right.v : v === right.v;
        return { kind: 'vector', series: left.series.filter(({ point }) => holds(point.v)) };
      }
      default:
        throw new Error(`the fake does not know ${expr.kind}`);
    }
  }

  async #select({ matchers }: VectorSelector, atMs: number): Promise<Vector> {
    const found = await this.#source.select(matchers, atMs - 300_000 + 1, atMs);
    const series = found.flatMap(({ labels, samples: { v, stale } }) => {
      const last = v.length - 1;
      return stale?.[last] === 1 ? [] : [{ labels, point: { t: atMs, v: v[last] } }];
    });
    return { kind: 'vector', series };
  }

  range(): never {
    throw new Error('not asked by rules');
  }
  series(): never {
    throw new Error('not asked by rules');
  }
  labelNames(): never {
    throw new Error('not asked by rules');
  }
  labelValues(): never {
    throw new Error('not asked by rules');
  }
  metadata(): never {
    throw new Error('not asked by rules');
  }
  exemplars(): never {
    throw new Error('not asked by rules');
  }
}
