/** Compares `LeanSpan` with the SDK's span: under any operations they must be the same to whoever reads them. */
import type { HrTime, Link, Span, SpanContext, SpanStatus, TimeInput } from '@opentelemetry/api';
import { ROOT_CONTEXT, SpanKind } from '@opentelemetry/api';
import type { ReadableSpan, SpanLimits, SpanProcessor } from '@opentelemetry/sdk-trace';
import { AlwaysOnSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differenceOf, fieldsOf, leanFault } from '../../../src/telemetry/spans/lean-proof.ts';
import { LeanSpan } from '../../../src/telemetry/spans/lean-span.ts';

const OTHER: SpanContext = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
const NIGHTLY = process.env['VITRINE_NIGHTLY'] === '1';

interface Pair {
  readonly ended: ReadableSpan[];
  readonly sdk: Span;
  readonly lean: Span;
}

function pair(limits: Required<SpanLimits>): Pair {
  const ended: ReadableSpan[] = [];
  const spanProcessor: SpanProcessor = {
    onStart() {},
    onEnding: (span) => void span.setAttribute('ending', true),
    onEnd: (span) => void ended.push(span),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  const provider = new TracerProvider({
    sampler: new AlwaysOnSampler(),
    spanLimits: limits,
    spanProcessors: [spanProcessor],
  });
  const sdk = provider.getTracer('t').startSpan('s', { kind: SpanKind.SERVER }, ROOT_CONTEXT);
  const resource = (sdk as unknown as ReadableSpan).resource;
  const shared = { resource, scope: { name: 't' }, processor: spanProcessor, limits, ended: () => {} };
  return { ended, sdk, lean: new LeanSpan(shared, 's', SpanKind.SERVER, OTHER, undefined) };
}

const circular: Record<string, unknown> = {};
circular['self'] = circular;

/** A new value for each span, so that each has its own to keep or copy; `spoil` changes it afterwards. */
const value = fc.constantFrom<() => unknown>(
  () => 'short',
  () => 'a text that is longer than any limit here',
  () => 7,
  () => Number.NaN,
  () => true,
  () => null,
  () => undefined,
  () => ['a', 'a text that is longer than any limit here', null],
  () => [1, 'a'],
  () => [],
  () => ({ nested: { text: 'a text that is longer than any limit here', n: [1, { d: 2 }] } }),
  () => new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
  () => 10n,
  () => Symbol('s'),
  () => () => {},
  () => new Date(0),
  () => circular,
  () => Object.create(null),
);
const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', '', '__proto__', 'constructor');
const bag = fc.array(fc.tuple(key, value), { maxLength: 6 }).map((entries) => () => {
  const made: Record<string, unknown> = {};
  for (const [name, make] of entries)
    Object.defineProperty(made, name, { value: make(), enumerable: true, writable: true, configurable: true });
  return made;
});
const time = fc.constantFrom<() => unknown>(
  () => undefined,
  () => [2 ** 33, 5] satisfies HrTime,
  () => [1, 999_999_999] satisfies HrTime,
  () => new Date(86_400_000),
  () => 1_800_000_000_000,
  () => [1, 2, 3],
  () => 'not a time',
);
const exception = fc.constantFrom<() => unknown>(
  () => 'text',
  () => '',
  () => Object.assign(new TypeError('bad'), { stack: 'at here' }),
  () => Object.assign(new Error('coded'), { code: 42, stack: undefined }),
  () => ({ name: 'Named' }),
  () => ({}),
  () => undefined,
);
const link = bag.map((make) => (): Link => ({ context: OTHER, attributes: make() }));
const status = fc.constantFrom<() => unknown>(
  () => ({ code: 0 }),
  () => ({ code: 1, message: 'ignored' }),
  () => ({ code: 2 }),
  () => ({ code: 2, message: 'why' }),
  () => ({ code: 2, message: 7 }),
);

type Step = (span: Span, given: object[]) => void;

/** Remembers what was given, to change it when the span has ended. */
const note = <T>(given: object[], made: T): T => {
  if (typeof made === 'object' && made !== null) given.push(made);
  return made;
};

const step = fc.oneof<fc.Arbitrary<Step>[]>(
  fc.tuple(key, value).map(
    ([name, make]): Step =>
      (span, given) =>
        void span.setAttribute(name, note(given, make())),
  ),
  bag.map(
    (make): Step =>
      (span, given) =>
        void span.setAttributes(note(given, make())),
  ),
  fc.tuple(fc.option(bag), time).map(
    ([make, at]): Step =>
      (span, given) =>
        void span.addEvent('e', make === null ? (at() as TimeInput) : note(given, make()), at() as TimeInput),
  ),
  link.map(
    (make): Step =>
      (span, given) =>
        void span.addLink(note(given, make())),
  ),
  fc.array(link, { maxLength: 4 }).map(
    (makes): Step =>
      (span) =>
        void span.addLinks(makes.map((make) => make())),
  ),
  status.map(
    (make): Step =>
      (span, given) =>
        void span.setStatus(note(given, make()) as SpanStatus),
  ),
  fc.string().map(
    (name): Step =>
      (span) =>
        void span.updateName(name),
  ),
  fc.tuple(exception, time).map(
    ([make, at]): Step =>
      (span) =>
        span.recordException(make() as never, at() as TimeInput),
  ),
);

const limits = fc.record({
  attributeCountLimit: fc.nat(5),
  attributeValueLengthLimit: fc.constantFrom(3, 10, Infinity),
  eventCountLimit: fc.nat(4),
  linkCountLimit: fc.nat(3),
  attributePerEventCountLimit: fc.nat(3),
  attributePerLinkCountLimit: fc.nat(3),
});

/** Changes everything in place that a span was given. */
function spoil(given: readonly object[]): void {
  for (const each of given) {
    if (Array.isArray(each)) each.push('spoilt');
    else if (ArrayBuffer.isView(each)) new Uint8Array(each.buffer).fill(0);
    else if (each !== circular) Object.assign(each, { spoilt: true, message: 'spoilt' });
  }
}

/** Times of the present are replaced: the two spans read the clock one after the other. */
const NOW_SECONDS = Math.floor(Date.now() / 1_000) - 60;
function plain(span: ReadableSpan): unknown {
  const isNow = ([seconds]: HrTime): boolean => seconds >= NOW_SECONDS && seconds < NOW_SECONDS + 3_600;
  const fields = fieldsOf(span);
  // As entries: an attribute named `__proto__` changes the prototype, which comparing objects would stumble over.
  const entries = (attributes: object | undefined): unknown => attributes && Object.entries(attributes);
  return {
    ...fields,
    parentSpanContext: undefined,
    attributes: entries(span.attributes),
    links: span.links.map((each) => ({ ...each, attributes: entries(each.attributes) })),
    events: span.events.map((event) => ({
      ...event,
      attributes: entries(event.attributes),
      time: isNow(event.time) ? 'now' : event.time,
    })),
    endTime: isNow(span.endTime) ? 'now' : span.endTime,
    zero: span.duration[0] === 0 && span.duration[1] === 0,
  };
}

describe('a lean span', () => {
  it('is the same as the SDK’s after any operations, in every limit, and keeps nothing that its user changes later', () => {
    fc.assert(
      fc.property(
        limits,
        fc.array(step, { maxLength: 14 }),
        time,
        fc.array(step, { maxLength: 2 }),
        (most, steps, end, late) => {
          const { ended, sdk, lean } = pair(most);
          for (const span of [sdk, lean]) {
            const given: object[] = [];
            for (const run of steps) run(span, given);
            const at = end();
            if (Array.isArray(at) && at.length === 3) span.end();
            else span.end(typeof at === 'string' ? undefined : (at as TimeInput));
            for (const run of late) run(span, given);
            span.end();
            spoil(given);
          }
          expect(ended).toHaveLength(2);
          const [a, b] = ended.map(plain) as { zero: boolean; endTime: unknown }[];
          if (a.endTime === 'now') a.zero = b.zero;
          expect(b).toEqual(a);
        },
      ),
      { numRuns: NIGHTLY ? 20_000 : 1_500 },
    );
  });

  it('is compared with the SDK’s at start, and a difference is named', () => {
    expect(leanFault()).toBeUndefined();
    const shared = { resource: undefined as never, scope: { name: 'p' }, ended: () => {} };
    class Forgetful extends LeanSpan {
      override addEvent(): this {
        return this;
      }
    }
    class Throwing extends LeanSpan {
      override setStatus(): this {
        throw new Error('changed');
      }
    }
    const made = (Class: typeof LeanSpan) =>
      differenceOf(
        (processor, most) => new Class({ ...shared, processor, limits: most }, 's', SpanKind.SERVER, OTHER, undefined),
      );
    expect(made(LeanSpan)).toBeUndefined();
    expect(made(Forgetful)).toBe('events');
    expect(made(Throwing)).toBe('it throws changed');
  });

  it('adds attributes one by one where a whole object could pass the limit', () => {
    const { ended, lean, sdk } = pair({
      attributeCountLimit: 3,
      attributeValueLengthLimit: Infinity,
      eventCountLimit: 1,
      linkCountLimit: 1,
      attributePerEventCountLimit: 1,
      attributePerLinkCountLimit: 1,
    });
    lean.setAttributes({ a: 1, b: 2 });
    (lean as LeanSpan).complete({ a: 3, c: 4, d: 5 });
    lean.end();
    sdk.setAttributes({ a: 1, b: 2 }).setAttributes({ a: 3, c: 4, d: 5 }).end();
    expect(ended.map(({ attributes, droppedAttributesCount }) => [attributes, droppedAttributesCount])).toEqual([
      [{ a: 3, b: 2, c: 4 }, 2],
      [{ a: 3, b: 2, c: 4 }, 2],
    ]);
  });

  it('that is finished with many attributes takes one more from a processor only below the limit', () => {
    for (const attributeCountLimit of [3, 64, 65]) {
      const many = Object.fromEntries(Array.from({ length: Math.min(attributeCountLimit, 64) }, (_, at) => [at, at]));
      const { ended, lean, sdk } = pair({
        attributeCountLimit,
        attributeValueLengthLimit: Infinity,
        eventCountLimit: 1,
        linkCountLimit: 1,
        attributePerEventCountLimit: 1,
        attributePerLinkCountLimit: 1,
      });
      sdk.setAttributes(many).end();
      (lean as LeanSpan).finish({ ...many }, 1);
      const [a, b] = ended.map(({ attributes, droppedAttributesCount }) => [attributes, droppedAttributesCount]);
      expect(b).toEqual(a);
    }
  });
});
