/**
 * Reads one line of the Prometheus text format 0.0.4 or of OpenMetrics 1.0
 * (prometheus.io/docs/instrumenting/exposition_formats, prometheus.io/docs/specs/om/open_metrics_spec): sample, metadata,
 * comment or end. Names in quotes inside the braces are read too.
 */
import { Labels, METRIC_NAME } from '../../../model/labels.ts';
import type { Exemplar, MetricType } from '../../../model/series.ts';

export type MetricLine =
  | { readonly kind: 'nothing' | 'end' }
  | { readonly kind: 'meta'; readonly name: string; readonly field: 'help' | 'type' | 'unit'; readonly text: string }
  | {
      readonly kind: 'sample';
      readonly labels: Labels;
      readonly value: number;
      /** In the unit of the format; undefined when the line has none. */
      readonly time: number | undefined;
      readonly exemplar: Exemplar | undefined;
    }
  | { readonly kind: 'error'; readonly reason: string };

const TYPES: readonly MetricType[] = ['counter', 'gauge', 'histogram', 'gaugehistogram', 'summary', 'info', 'stateset'];
const NUMBER = /^[-+]?(?:inf(?:inity)?|nan|(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)$/i;
const METRIC = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const QUOTED = /"((?:[^"\\\n]|\\["\\n])*)"/y;
const SPACE = /[ \t]*/y;
const WORD = /[^ \t]+/y;

class LineError extends Error {}

export function typeOf(text: string): MetricType {
  return TYPES.find((type) => type === text) ?? 'unknown';
}

/** Reads a line. A malformed line gives a result with the reason, not an exception. */
export function parseMetricLine(text: string): MetricLine {
  if (text.trim() === '') return { kind: 'nothing' };
  if (text.startsWith('#')) return comment(text);
  try {
    return sample(new Scanner(text));
  } catch (error) {
    if (error instanceof LineError) return { kind: 'error', reason: error.message };
    throw error;
  }
}

function comment(text: string): MetricLine {
  if (/^# EOF\s*$/.test(text)) return { kind: 'end' };
  const found = /^#[ \t]+(HELP|TYPE|UNIT)[ \t]+("(?:[^"\\]|\\.)*"|\S+)(?:[ \t]+(.*))?$/.exec(text);
  if (!found) return { kind: 'nothing' };
  const [, keyword, name, rest = ''] = found;
  const field = keyword.toLowerCase() as 'help' | 'type' | 'unit';
  return {
    kind: 'meta',
    name: name.startsWith('"') ? unescape(name.slice(1, -1)) : name,
    field,
    text: unescape(rest.trim()),
  };
}

class Scanner {
  readonly text: string;
  pos = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** Matches a sticky expression at the present position and moves behind the match. */
  match(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.pos;
    const found = expression.exec(this.text) ?? undefined;
    if (found) this.pos = expression.lastIndex;
    return found;
  }

  space(): void {
    this.match(SPACE);
  }

  next(char: string): boolean {
    if (this.text[this.pos] !== char) return false;
    this.pos += 1;
    return true;
  }

  fail(expected: string): LineError {
    return new LineError(`expected ${expected} at column ${this.pos + 1}`);
  }

  number(what: string): number {
    const start = this.pos;
    const word = this.match(WORD)?.[0] ?? '';
    if (NUMBER.test(word)) return Number(word.replace(/inf(?:inity)?/i, 'Infinity').replace(/nan/i, 'NaN'));
    this.pos = start;
    throw this.fail(what);
  }

  get atEnd(): boolean {
    return this.pos >= this.text.length;
  }
}

function sample(line: Scanner): MetricLine {
  line.space();
  const entries = new Map<string, string>();
  const name = line.match(METRIC)?.[0];
  if (name !== undefined) entries.set(METRIC_NAME, name);
  line.space();
  if (line.next('{')) labelSet(line, entries, name === undefined);
  if (!entries.has(METRIC_NAME)) throw line.fail('a metric name');
  line.space();
  const value = line.number('a value');
  line.space();
  const time = line.atEnd || line.text[line.pos] === '#' ? undefined : line.number('a timestamp');
  line.space();
  const exemplar = line.next('#') ? exemplarOf(line) : undefined;
  line.space();
  if (!line.atEnd) throw line.fail('the end of the line');
  return { kind: 'sample', labels: Labels.from(entries), value, time, exemplar };
}

/** Reads on after the opening brace. `nameless`: the metric's name may be inside the braces, in quotes. */
function labelSet(line: Scanner, entries: Map<string, string>, nameless: boolean): void {
  for (line.space(); !line.next('}'); line.space()) {
    const quotedName = line.match(QUOTED)?.[1];
    const name = quotedName === undefined ? line.match(LABEL)?.[0] : unescape(quotedName);
    if (name === undefined) throw line.fail('a label name');
    line.space();
    if (line.next('=')) {
      line.space();
      const value = line.match(QUOTED)?.[1];
      if (value === undefined) throw line.fail('a label value in quotes');
      if (entries.has(name)) throw new LineError(`label ${name} comes twice`);
      entries.set(name, unescape(value));
    } else if (quotedName !== undefined && nameless && !entries.has(METRIC_NAME)) entries.set(METRIC_NAME, name);
    else throw line.fail("'='");
    line.space();
    if (!line.next(',') && line.text[line.pos] !== '}') throw line.fail("',' or '}'");
  }
}

function exemplarOf(line: Scanner): Exemplar {
  line.space();
  if (!line.next('{')) throw line.fail("'{' of an exemplar");
  const entries = new Map<string, string>();
  labelSet(line, entries, false);
  line.space();
  const value = line.number('the value of an exemplar');
  line.space();
  const seconds = line.atEnd ? 0 : line.number('the timestamp of an exemplar');
  return { labels: Labels.from(entries), value, timestampMs: Math.round(seconds * 1000) };
}

function unescape(text: string): string {
  return text.includes('\\') ? text.replace(/\\(["\\n])/g, (_, char: string) => (char === 'n' ? '\n' : char)) : text;
}
