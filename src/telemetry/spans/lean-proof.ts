/**
 * Compares `LeanSpan` with the span of the SDK that runs: the same operations on both must give the same result. It runs
 * once a process and takes a few milliseconds. A version of the SDK whose spans behave differently makes the comparison
 * fail; the SDK's own tracer is used then. `startTelemetry` runs it before it routes the SDK's diagnostics, since the
 * comparison uses values about which the SDK warns.
 */
import type { Span, SpanContext } from '@opentelemetry/api';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan, SpanLimits, SpanProcessor } from '@opentelemetry/sdk-trace';
import { AlwaysOnSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import { LeanSpan } from './lean-span.ts';

const LIMITS: Required<SpanLimits> = {
  attributeCountLimit: 4,
  attributeValueLengthLimit: 8,
  eventCountLimit: 2,
  linkCountLimit: 2,
  attributePerEventCountLimit: 2,
  attributePerLinkCountLimit: 1,
};
const OTHER: SpanContext = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };

/** Every method of a span, with values that are refused, cut, copied and evicted. */
function use(span: Span): void {
  const list = ['long enough to be cut', 'b'];
  span.setAttribute('list', list).setAttributes({ text: 'longer than eight', odd: Symbol('odd'), none: undefined });
  list.push('later');
  span.setAttribute('a', 1).setAttribute('b', 2).setAttribute('c', 3).setAttribute('a', 4).setAttribute('', 5);
  const bag: Record<string, unknown> = { one: 1, two: { nested: true }, three: 3, four: 4 };
  span.addEvent('first').addEvent('second', bag, [1, 2]);
  bag['one'] = 'later';
  span
    .addEvent('third', new Date(5))
    .recordException(Object.assign(new Error('failed'), { code: 'E_CODE', stack: '' }));
  span.recordException('text', [3, 4]);
  span.addLink({ context: OTHER, attributes: { x: 1, y: 2 } }).addLinks([{ context: OTHER }, { context: OTHER }]);
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'm' }).setStatus({ code: SpanStatusCode.UNSET });
  span.updateName('renamed').end([2 ** 33, 5]);
  span.setAttribute('late', 1).addEvent('late').updateName('late').setStatus({ code: SpanStatusCode.OK });
}

/** The fields of a span that do not depend on the clock. */
export function fieldsOf(span: ReadableSpan): Readonly<Record<string, unknown>> {
  const { name, kind, attributes, status, links, events, endTime, ended } = span;
  const { droppedAttributesCount, droppedEventsCount, droppedLinksCount, parentSpanContext } = span;
  const dropped = [droppedAttributesCount, droppedEventsCount, droppedLinksCount];
  return { name, kind, attributes, status, links, events, endTime, ended, dropped, parentSpanContext };
}

/** The clock's part of a span is compared apart: an event without a time of its own must lie between start and end. */
const textOf = (value: unknown): string =>
  JSON.stringify(value, (key, inner: unknown) =>
    key === 'time' && Array.isArray(inner) && inner[0] > 5 ? 'now' : inner,
  );

/** The first field in which spans made by `lean` differ from the SDK's; undefined where none does. */
export function differenceOf(
  lean: (processor: SpanProcessor, limits: Required<SpanLimits>) => Span,
): string | undefined {
  const ended: ReadableSpan[] = [];
  const processor: SpanProcessor = {
    onStart() {},
    onEnd: (span) => void ended.push(span),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  const provider = new TracerProvider({
    sampler: new AlwaysOnSampler(),
    spanLimits: LIMITS,
    spanProcessors: [processor],
  });
  try {
    use(provider.getTracer('proof').startSpan('s', { kind: SpanKind.SERVER }, ROOT_CONTEXT));
    use(lean(processor, LIMITS));
  } catch (error) {
    return `it throws ${error instanceof Error ? error.message : String(error)}`;
  }
  if (ended.length !== 2) return `${ended.length} of 2 spans ended`;
  const [sdk, ours] = ended.map(fieldsOf);
  return Object.keys(sdk).find((key) => textOf(sdk[key]) !== textOf(ours[key]));
}

const ownSpan = (processor: SpanProcessor, limits: Required<SpanLimits>): Span =>
  new LeanSpan(
    { resource: undefined as never, scope: { name: 'proof' }, processor, limits, ended: () => {} },
    's',
    SpanKind.SERVER,
    OTHER,
    undefined,
  );

let known: { readonly fault: string | undefined } | undefined;

/** Why lean spans cannot replace the SDK's in this process; undefined where they can. */
export function leanFault(): string | undefined {
  known ??= { fault: differenceOf(ownSpan) };
  return known.fault;
}
