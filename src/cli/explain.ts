/** `vitrine explain request CODE`: the row, the spans and the lines of a request that a user names by its support code. */
import type { RequestAnswer, RequestView } from '../monitor/api/records/contract.ts';
import type { LogView, SpanView } from '../monitor/api/contract.ts';
import { ask, type ClientOptions } from './client.ts';
import { print, table, visibleLine, visibleLines } from './output.ts';

const LINES_MAX = 200;

export async function explainRequest(client: ClientOptions, code: string, json: boolean): Promise<void> {
  const answer = (await ask(client, `/api/requests/${encodeURIComponent(code)}`)) as RequestAnswer;
  if (json) {
    print(JSON.stringify(answer));
    return;
  }
  for (const [at, one] of answer.requests.entries()) {
    if (at > 0) print('');
    print(rowText(one.request));
    if (one.trace === null) {
      print('\nNo span and no line of this trace is here: the services have sent none, or they have left the store.');
      continue;
    }
    print(`\nSpans, of ${visibleLine(one.services.join(', ')) || 'no service'}:`);
    print(spanTable(one.trace.spans));
    print(`\nLines: ${one.trace.logs.length}`);
    for (const line of one.trace.logs.slice(0, LINES_MAX)) print(lineText(line));
  }
}

const ms = (value: number): string => `${Math.round(value * 1000) / 1000} ms`;

function rowText(row: RequestView): string {
  const phases = Object.entries(row.phases).map(([phase, value]) => `${phase} ${ms(value)}`);
  const facts: (readonly [string, string])[] = [
    ['code', row.support_code],
    ['time', new Date(row.time_ms).toISOString()],
    ['request', `${row.method} ${row.path}`],
    ['route', row.route],
    ['status', row.status === null ? 'no answer' : String(row.status)],
    ['reason', row.reason ?? '-'],
    ['duration', ms(row.duration_ms)],
    ['phases', phases.join(', ') || '-'],
    ['upstream', row.upstream === null ? 'none was asked' : `${row.upstream}, ${row.tries} tried`],
    ['cache', row.cache ?? '-'],
    ['user', row.user ?? '-'],
    ['trace', row.trace_id],
  ];
  return facts.map(([name, value]) => `${name.padEnd(9)} ${visibleLine(value)}`).join('\n');
}

function spanTable(spans: readonly SpanView[]): string {
  const depths = new Map<string, number>();
  const rows = spans.map((span) => {
    const depth = (depths.get(span.parentSpanId) ?? -1) + 1;
    depths.set(span.spanId, depth);
    const failed = span.status === 'error' ? 'error' : '';
    return [
      `+${ms(span.startOffsetMs)}`,
      ms(span.durationMs),
      span.service,
      `${'  '.repeat(Math.min(depth, 20))}${span.name}`,
      failed,
    ];
  });
  return table(['start', 'duration', 'service', 'span', ''], rows);
}

function lineText(line: LogView): string {
  const time = new Date(line.timeMs).toISOString();
  return `${time} ${visibleLine(`${line.severity} ${line.service}`)}: ${visibleLines(line.message)}`;
}
