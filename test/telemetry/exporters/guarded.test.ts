import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silentLogger } from '../../../src/base/logger.ts';
import { createFlow, guardSpanExporter } from '../../../src/telemetry/exporters/guarded.ts';

describe('an exporter that refuses', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('gets no batch for a second after a failure, and every batch after a success', () => {
    let refuses = true;
    let asked = 0;
    const exporter: SpanExporter = {
      export(_spans, done) {
        asked += 1;
        done({ code: refuses ? ExportResultCode.FAILED : ExportResultCode.SUCCESS });
      },
      shutdown: () => Promise.resolve(),
    };
    const flow = createFlow({ signal: 'traces', exporter: 'otlp', sent: 0, dropped: 0 }, 30_000, silentLogger);
    const guarded = guardSpanExporter(exporter, flow);
    const results: ExportResult[] = [];
    const send = (): void => guarded.export([{} as ReadableSpan], (result) => results.push(result));
    send();
    expect(asked).toBe(1);
    send();
    expect(asked).toBe(1);
    vi.advanceTimersByTime(1_000);
    expect(asked).toBe(2);
    refuses = false;
    vi.advanceTimersByTime(1_000);
    send();
    send();
    expect(asked).toBe(4);
    expect(results.map(({ code }) => code)).toEqual([1, 1, 0, 0]);
    expect(flow.count).toMatchObject({ sent: 2, dropped: 2 });
  });
});
