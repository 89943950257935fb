/** Spans that exporters could not serialise are replaced; all others are passed on, and cost no more than a check. */
import { SpanKind, type SpanContext } from '@opentelemetry/api';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import { soundSpan } from '../../../src/telemetry/exporters/sound-values.ts';
import { LeanSpan } from '../../../src/telemetry/spans/lean-span.ts';

const CONTEXT: SpanContext = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
const processor: SpanProcessor = {
  onStart() {},
  onEnd() {},
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};
const limits = {
  attributeCountLimit: 128,
  attributeValueLengthLimit: Infinity,
  eventCountLimit: 128,
  linkCountLimit: 128,
  attributePerEventCountLimit: 128,
  attributePerLinkCountLimit: 128,
};
const shared = { resource: undefined as never, scope: { name: 't' }, processor, limits, ended: () => {} };
const spanOf = (begunMs?: number): LeanSpan =>
  new LeanSpan(shared, 'GET /', SpanKind.SERVER, CONTEXT, undefined, begunMs);

describe('a span for an exporter', () => {
  it('is passed on without computing its times, which a lean span does at each reading', () => {
    const span = spanOf();
    let reads = 0;
    for (const name of ['startTime', 'endTime', 'duration'])
      Object.defineProperty(span, name, {
        get() {
          reads += 1;
          return [1, 0];
        },
      });
    span.finish({ a: 1 }, 5);
    expect(soundSpan(span)).toBe(span);
    expect(reads).toBe(0);
    // A span with an event is looked at whole.
    const other = spanOf();
    other.addEvent('e').end();
    expect(soundSpan(other)).toBe(other);
  });

  it('has a text as its name and numbers as its times, whatever its user gave', () => {
    const named = spanOf();
    named.updateName(Symbol('odd') as never).end();
    expect(soundSpan(named).name).toBe('Symbol(odd)');
    const timeless = spanOf(Number.NaN);
    timeless.end();
    expect(soundSpan(timeless)).toMatchObject({ name: 'GET /', startTime: [0, 0], endTime: [0, 0] });
    const endless = spanOf();
    endless.finish({}, Number.NaN);
    const sound = soundSpan(endless);
    expect(sound.endTime).toEqual(sound.startTime);
    expect(sound.spanContext()).toEqual(CONTEXT);
  });
});
