/**
 * `/federate?match[]=…`: the newest sample of every matching series in the text format 0.0.4. Each sample has its own time,
 * so that a Prometheus server that scrapes it stores the time of the measurement. Series without a recent sample are left
 * out.
 */
import type { Labels } from '../../../model/labels.ts';
import { METRIC_NAME } from '../../../model/labels.ts';
import { VitrineError } from '../../../base/errors.ts';
import { formatGeneral } from '../../../model/go-float.ts';
import { answer } from './answer.ts';
import { selectorsOf } from './catalog.ts';
import type { Handler, PrometheusApi } from './handler.ts';

const TEXT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
/** The greatest age of a sample: Prometheus' lookback. */
const LOOKBACK = '5m';
const LEGACY_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

interface Line {
  readonly name: string;
  readonly text: string;
}

const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');

function lineOf(labels: Labels, value: number, timeMs: number): Line {
  const { name } = labels;
  const pairs: string[] = LEGACY_NAME.test(name) ? [] : [`"${escaped(name)}"`];
  for (const [label, text] of labels) {
    if (label === METRIC_NAME) continue;
    const shown = LEGACY_NAME.test(label) && !label.includes(':') ? label : `"${escaped(label)}"`;
    pairs.push(`${shown}="${escaped(text)}"`);
  }
  // Prometheus refuses federated series without an instance, unless the label is present and empty.
  if (labels.get('instance') === '') pairs.push('instance=""');
  const head = LEGACY_NAME.test(name) ? name : '';
  return { name, text: `${head}{${pairs.join(',')}} ${formatGeneral(value)} ${Math.trunc(timeMs)}\n` };
}

async function newest(api: PrometheusApi, selector: string, nowMs: number): Promise<Map<string, Line>> {
  const [fresh, samples] = await Promise.all([
    api.querier.instant(selector, nowMs),
    api.querier.instant(`${selector}[${LOOKBACK}]`, nowMs),
  ]);
  const times = new Map<string, number>();
  if (samples.value.kind === 'matrix') {
    for (const { labels, t } of samples.value.series) times.set(labels.key, t[t.length - 1]);
  }
  const lines = new Map<string, Line>();
  if (fresh.value.kind !== 'vector') return lines;
  for (const { labels, point } of fresh.value.series) {
    // The text format has no native histograms.
    if (point.h !== undefined) continue;
    lines.set(labels.key, lineOf(labels, point.v, times.get(labels.key) ?? point.t));
  }
  return lines;
}

export const federate: Handler = async (ctx, params, api) => {
  const selectors = selectorsOf(params);
  if (selectors.length === 0) throw new VitrineError('bad_request', 'no match[] parameter provided');
  const nowMs = api.clock.now();
  const lines = new Map<string, Line>();
  for (const selector of selectors) for (const [key, line] of await newest(api, selector, nowMs)) lines.set(key, line);
  const sorted = [...lines.values()].sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
  let body = '';
  let lastName: string | undefined;
  for (const { name, text } of sorted) {
    if (name !== lastName) body += `# TYPE ${LEGACY_NAME.test(name) ? name : `"${escaped(name)}"`} untyped\n`;
    lastName = name;
    body += text;
  }
  await answer(ctx, body, 200, TEXT_TYPE);
};
