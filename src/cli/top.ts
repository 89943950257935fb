/**
 * `vitrine top`: live figures as text, redrawn in place on a terminal, else one plain frame per interval. It goes on when the
 * monitor is restarted.
 */
import { VitrineError } from '../base/errors.ts';
import { formatUptime } from '../base/units.ts';
import type { AlertsAnswer, CurrentFigures } from '../monitor/api/contract.ts';
import { ask, type ClientOptions } from './client.ts';
import { pause } from './follow.ts';
import { paint, print, tell, visibleLine } from './output.ts';
import { drawn, type ScreenLine } from './screen.ts';

const RULE = '-----------------------------------';
const COMPONENTS: Readonly<Record<string, string>> = {
  server: 'HTTP Server',
  balancer: 'Load Balancer',
  cache: 'Cache',
  monitor: 'Monitor',
};

/** Milliseconds below a second, then seconds. */
function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return '–';
  return seconds < 1 ? `${Number((seconds * 1000).toPrecision(3))} ms` : `${Number(seconds.toPrecision(3))} s`;
}
const percent = (ratio: number | null | undefined): string =>
  ratio === null || ratio === undefined ? '–' : `${Number((ratio * 100).toPrecision(3))}%`;
const rate = (value: number | null | undefined): string =>
  value === null || value === undefined ? '0' : String(Number(value.toPrecision(3)));

/** One frame: a title, one figure a line, a line above and below, and the active alerts. */
export function frameOf(figures: CurrentFigures, { alerts }: AlertsAnswer): ScreenLine[] {
  const { balancer, server, cache } = figures;
  const plain = (text: string): ScreenLine => ({ text });
  return [
    { text: 'Real-Time Metrics Dashboard:', paint: (text) => paint('bold', text) },
    plain(RULE),
    plain(
      `Requests per second: ${rate(balancer?.requests_per_second)} (HTTP servers: ${rate(server?.requests_per_second)})`,
    ),
    plain(
      `Average Response Time: ${duration(balancer?.average_seconds)} (p50 ${duration(balancer?.p50_seconds)}, p95 ${duration(balancer?.p95_seconds)}, p99 ${duration(balancer?.p99_seconds)})`,
    ),
    plain(`Error Rate: ${percent(balancer?.error_ratio)}`),
    plain(
      `Cache Hit Ratio: ${percent(cache?.hit_ratio)} (Cache Hits: ${cache?.hits ?? 0}, Cache Misses: ${cache?.misses ?? 0})`,
    ),
    plain(`Request Queue: ${figures.queue_size ?? 0}`),
    ...figures.components.map(({ component, uptime_seconds }) =>
      plain(
        `${COMPONENTS[component] ?? visibleLine(component)} Uptime: ${formatUptime(uptime_seconds).replaceAll(/(?<=[a-z]) (?=\d)/g, ', ')}`,
      ),
    ),
    ...figures.upstreams.map(({ upstream, up, requests_per_second }) => ({
      text: `Upstream ${visibleLine(upstream)}: ${up ? 'up' : 'DOWN'}, ${rate(requests_per_second)} req/s`,
      paint: up ? undefined : (text: string) => paint('red', text),
    })),
    plain(RULE),
    ...alerts
      .filter(({ state }) => state === 'firing')
      .map(({ severity, name, annotations, reason }) => ({
        text: visibleLine(`${severity}: ${name}: ${annotations['summary'] ?? reason}`.replaceAll(/[\n\t]/g, ' ')),
        paint:
          severity === 'info' ? undefined : (text: string) => paint(severity === 'critical' ? 'red' : 'yellow', text),
      })),
  ];
}

export interface TopOptions {
  readonly once: boolean;
  readonly json: boolean;
  readonly intervalMs: number;
  readonly signal: AbortSignal;
}

export async function top(client: ClientOptions, options: TopOptions): Promise<void> {
  const inPlace = process.stdout.isTTY && !options.once && !options.json;
  let seen = false;
  let lost = false;
  while (!options.signal.aborted) {
    try {
      const figures = (await ask(client, '/api/metrics')) as CurrentFigures;
      const alerts = (await ask(client, '/api/alerts')) as AlertsAnswer;
      show(figures, alerts, inPlace, options.json);
      [seen, lost] = [true, false];
    } catch (error) {
      // Without a first answer the address is probably wrong. Later the monitor is being restarted.
      if (!seen || options.once || !isPassing(error)) throw error;
      if (!lost) tell(`${client.url} does not answer; the figures go on when it does.`);
      lost = true;
    }
    if (options.once) return;
    await pause(options.intervalMs, options.signal);
  }
}

const isPassing = (error: unknown): boolean =>
  error instanceof VitrineError && ['unreachable', 'query_failed', 'overloaded', 'draining'].includes(error.code);

function show(figures: CurrentFigures, alerts: AlertsAnswer, inPlace: boolean, json: boolean): void {
  if (json) {
    print(JSON.stringify({ ...figures, alerts: alerts.alerts }));
    return;
  }
  const lines = frameOf(figures, alerts);
  const { columns, rows } = process.stdout;
  // Some terminals give 0.
  if (inPlace) process.stdout.write(drawn(lines, { columns: columns || 80, rows: rows || 24 }));
  else print(lines.map(({ text, paint: painted }) => painted?.(text) ?? text).join('\n'));
}
