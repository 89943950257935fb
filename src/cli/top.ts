/** `vitrine top`: live figures as text, redrawn in place on a terminal, else one plain frame per interval. */
import { formatUptime } from '../base/units.ts';
import type { AlertsAnswer, CurrentFigures } from '../monitor/api/contract.ts';
import { ask, type ClientOptions } from './client.ts';
import { paint, print, visible } from './output.ts';

const RULE = '-----------------------------------';
const COMPONENTS: Readonly<Record<string, string>> = {
  server: 'HTTP Server',
  balancer: 'Load Balancer',
  cache: 'Cache',
  monitor: 'Monitor',
};

const ms = (seconds: number | null | undefined): string =>
  seconds === null || seconds === undefined ? '–' : `${Number((seconds * 1000).toPrecision(3))} ms`;
const percent = (ratio: number | null | undefined): string =>
  ratio === null || ratio === undefined ? '–' : `${Number((ratio * 100).toPrecision(3))}%`;
const rate = (value: number | null | undefined): string =>
  value === null || value === undefined ? '0' : String(Number(value.toPrecision(3)));

/** One frame: a title, one figure a line, a line above and below, and the active alerts. */
export function frameOf(figures: CurrentFigures, { alerts }: AlertsAnswer): string {
  const { balancer, server, cache } = figures;
  const lines = [
    paint('bold', 'Real-Time Metrics Dashboard:'),
    RULE,
    `Requests per second: ${rate(balancer?.requests_per_second)} (HTTP servers: ${rate(server?.requests_per_second)})`,
    `Average Response Time: ${ms(balancer?.average_seconds)} (p50 ${ms(balancer?.p50_seconds)}, p95 ${ms(balancer?.p95_seconds)}, p99 ${ms(balancer?.p99_seconds)})`,
    `Error Rate: ${percent(balancer?.error_ratio)}`,
    `Cache Hit Ratio: ${percent(cache?.hit_ratio)} (Cache Hits: ${cache?.hits ?? 0}, Cache Misses: ${cache?.misses ?? 0})`,
    `Request Queue: ${figures.queue_size ?? 0}`,
    ...figures.components.map(
      ({ component, uptime_seconds }) =>
        `${COMPONENTS[component] ?? component} Uptime: ${formatUptime(uptime_seconds).replaceAll(/(?<=[a-z]) (?=\d)/g, ', ')}`,
    ),
    ...figures.upstreams.map(
      ({ upstream, up, requests_per_second }) =>
        `Upstream ${visible(upstream)}: ${up ? 'up' : paint('red', 'DOWN')}, ${rate(requests_per_second)} req/s`,
    ),
    RULE,
    ...alerts
      .filter(({ state }) => state === 'firing')
      .map(({ severity, name, annotations, reason }) =>
        paint(
          severity === 'critical' ? 'red' : 'yellow',
          visible(`${severity}: ${name}: ${annotations['summary'] ?? reason}`),
        ),
      ),
  ];
  return lines.join('\n');
}

export interface TopOptions {
  readonly once: boolean;
  readonly json: boolean;
  readonly intervalMs: number;
  readonly signal: AbortSignal;
}

export async function top(client: ClientOptions, options: TopOptions): Promise<void> {
  const inPlace = process.stdout.isTTY && !options.once && !options.json;
  while (!options.signal.aborted) {
    const figures = (await ask(client, '/api/metrics')) as CurrentFigures;
    const alerts = (await ask(client, '/api/alerts')) as AlertsAnswer;
    const text = options.json ? JSON.stringify({ ...figures, alerts: alerts.alerts }) : frameOf(figures, alerts);
    print(inPlace ? `\u001b[H\u001b[2J${text}` : text);
    if (options.once) return;
    await pause(options.intervalMs, options.signal);
  }
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delayMs);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
