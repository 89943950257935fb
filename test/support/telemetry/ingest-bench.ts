/** An intake over memory sinks with a clock that stands still, and the HTTP port in front of it. */
import type { AddressInfo } from 'node:net';
import { metrics } from '@opentelemetry/api';
import type { Clock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { closeHttpPort, openHttpPort } from '../../../src/app/process/http-port.ts';
import { ingestHttp, ingestOnly, type IngestHttpOptions } from '../../../src/monitor/ingest/http.ts';
import { IngestCounters } from '../../../src/monitor/ingest/checks/counters.ts';
import type { IntakeOptions } from '../../../src/monitor/ingest/request/intake.ts';
import { Intake } from '../../../src/monitor/ingest/request/intake.ts';
import type { MemorySinks } from './memory-sinks.ts';
import { memorySinks } from './memory-sinks.ts';

/** 2026-11-20T12:00:00Z. */
export const NOW_MS = 1_795_176_000_000;
export const NOW_NANOS = BigInt(NOW_MS) * 1_000_000n;

export interface StillClock extends Clock {
  nowMs: number;
}

export function stillClock(nowMs = NOW_MS): StillClock {
  return {
    nowMs,
    now() {
      return this.nowMs;
    },
    monotonic() {
      return this.nowMs;
    },
    after: (delayMs, callback) => {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  };
}

export interface IngestRig {
  readonly intake: Intake;
  readonly sinks: MemorySinks;
  readonly clock: StillClock;
  readonly counters: IngestCounters;
}

export function ingestRig(options: Partial<IntakeOptions> = {}): IngestRig {
  const sinks = memorySinks();
  const clock = stillClock();
  const counters = new IngestCounters(metrics.getMeter('test'));
  return { intake: new Intake({ sinks, clock, counters, ...options }), sinks, clock, counters };
}

export interface ListeningIngest extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

export async function ingestServer(intake: Intake, options: Partial<IngestHttpOptions> = {}): Promise<ListeningIngest> {
  const handler = ingestOnly(ingestHttp({ intake, logger: silentLogger, ...options }), intake.clock, []);
  const server = await openHttpPort({ host: '127.0.0.1', port: 0 }, 'ingest', handler);
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> => closeHttpPort(server, intake.clock);
  return { port, url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close };
}
