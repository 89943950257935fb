/**
 * The process of one payments service. The stack starts it (`fork`, with `--import vitrine/register`), or a user by hand:
 * `node src/sample/entry.ts --port 8081 --data DIR`. All log lines go to files (with `--logs DIR`) and to OpenTelemetry; the
 * console shows those from `--console-level`. The process sends `{ kind: 'ready', port }` to its parent and drains on SIGTERM
 * and SIGINT. It ends at once on a second signal, on the message `{ kind: 'end' }` of its parent, and when its parent ends.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { systemClock } from '../base/clock.ts';
import { VitrineError } from '../base/errors.ts';
import { createLogs, LOG_LEVELS, type LogLevel } from '../telemetry/logs/logs.ts';
import type { PaymentsService } from './service.ts';
import { startPayments } from './service.ts';

const { values: flags } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '8081' },
    data: { type: 'string', default: './vitrine-data/sample' },
    'cache-url': { type: 'string', default: 'memory://' },
    /** File with the token for drills; without it there are no drills. */
    'drill-token-file': { type: 'string' },
    /** ambient: a preload creates the server spans. own: the server kit does. */
    telemetry: { type: 'string', default: 'ambient' },
    service: { type: 'string', default: 'payments' },
    'log-level': { type: 'string', default: 'info' },
    'console-level': { type: 'string', default: 'debug' },
    /** Directory of the log files; without it there are none. */
    logs: { type: 'string' },
    /** Part of the file names, for services that share a directory. */
    name: { type: 'string', default: 'payments' },
    /** Milliseconds for which /readyz answers 503 before the listener closes. */
    'drain-notice': { type: 'string', default: '1000' },
  },
});

const INTERRUPTED = 130;
const { stderr } = process;
const levelOf = (text: string): LogLevel => LOG_LEVELS.find((level) => level === text) ?? 'info';
const logs = createLogs({
  level: levelOf(flags['log-level']),
  ...(flags.logs === undefined ? {} : { directory: flags.logs, name: flags.name }),
  console: {
    kind: stderr.isTTY ? 'pretty' : 'json',
    out: stderr,
    colour: stderr.isTTY && stderr.hasColors(),
    level: levelOf(flags['console-level']),
  },
  base: { service: flags.service },
});
const { logger } = logs;

async function main(): Promise<void> {
  const service = await startPayments({
    host: flags.host,
    port: Number(flags.port),
    dataDir: flags.data,
    cacheUrl: flags['cache-url'],
    drillToken:
      flags['drill-token-file'] === undefined ? undefined : readFileSync(flags['drill-token-file'], 'utf8').trim(),
    telemetry: flags.telemetry === 'own' ? 'own' : 'ambient',
    clock: systemClock,
    logger,
    timeouts: { drainNoticeMs: Number(flags['drain-notice']) },
  });
  logger.info({ host: service.host, port: service.port }, 'payments service ready');
  endWell(service);
  if (process.connected) process.send?.({ kind: 'ready', port: service.port }, undefined, undefined, () => {});
}

/** The process ends when nothing is left to do, so that telemetry can be flushed first. */
function endWell(service: PaymentsService): void {
  let ending = false;
  const end = (reason: string, noticeMs?: number): void => {
    if (ending) process.exit(INTERRUPTED);
    ending = true;
    logger.info({ reason }, 'payments service ends');
    void (async () => {
      try {
        await service.drain(noticeMs);
      } finally {
        await logs.close();
        if (process.connected) process.disconnect();
      }
    })();
  };
  process.on('SIGTERM', () => end('SIGTERM'));
  // Ctrl-C in a terminal reaches all processes of the group; the parent decides when this one ends.
  process.on('SIGINT', () => {
    if (!process.connected) end('SIGINT');
  });
  // Sent by a stack whose balancer has drained: no more requests arrive.
  process.on('message', (message: { kind?: unknown }) => {
    if (message.kind === 'end' && !ending) end('the stack ends', 0);
  });
  // A parent that has ended cannot send a second signal.
  const orphaned = (): void => {
    if (!ending) end('the parent is gone');
  };
  process.on('disconnect', orphaned);
  // It may have ended while this process was still starting.
  if (process.send !== undefined && !process.connected) orphaned();
}

try {
  await main();
} catch (error) {
  const known = error instanceof VitrineError ? error : undefined;
  logger.error(
    { err: error, code: known?.code, hint: known?.hint },
    known?.message ?? 'the payments service cannot start',
  );
  process.exitCode = known?.exitCode ?? 1;
  await logs.close();
  if (process.connected) process.disconnect();
}
