/**
 * A span of `lean-tracer.ts`: a `ReadableSpan` for processors and exporters, whose times are computed when they are read and
 * whose attributes are set as one object at the end, without a check of the attribute limits. Other code, such as a
 * processor in `onStart`, can use it like any span; attributes that are set one by one are checked.
 */
import type {
  Attributes,
  AttributeValue,
  Exception,
  HrTime,
  Link,
  Span,
  SpanContext,
  SpanKind,
  SpanStatus,
  TimeInput,
} from '@opentelemetry/api';
import { SpanStatusCode } from '@opentelemetry/api';
import type { InstrumentationScope } from '@opentelemetry/core';
import { addHrTimes, maybeAddAttribute, millisToHrTime, timeInputToHrTime } from '@opentelemetry/core';
import type { ReadableSpan, SpanLimits, SpanProcessor, TimedEvent } from '@opentelemetry/sdk-trace';
import { wallTimeOf } from './wall-time.ts';

/** What all spans of one tracer have in common. */
export interface LeanShared {
  readonly resource: ReadableSpan['resource'];
  readonly scope: InstrumentationScope;
  readonly processor: SpanProcessor;
  readonly limits: Required<SpanLimits>;
  /** A span that is `sampled` or only recorded has ended. */
  ended(sampled: boolean): void;
}

const NO_ATTRIBUTES: Attributes = Object.freeze({});
const NO_LINKS: Link[] = [];
const NO_EVENTS: TimedEvent[] = [];
const UNSET: SpanStatus = Object.freeze({ code: SpanStatusCode.UNSET });
const ERROR: SpanStatus = Object.freeze({ code: SpanStatusCode.ERROR });

export class LeanSpan implements Span, ReadableSpan {
  readonly #shared: LeanShared;
  readonly #context: SpanContext;
  readonly #startMs: number;
  readonly #startMonotonicMs: number;
  /** -1 while it runs. */
  #tookMs = -1;
  readonly kind: SpanKind;
  readonly parentSpanContext: SpanContext | undefined;
  name: string;
  attributes: Attributes = NO_ATTRIBUTES;
  status: SpanStatus = UNSET;
  links: Link[] = NO_LINKS;
  events: TimedEvent[] = NO_EVENTS;
  droppedAttributesCount = 0;
  droppedEventsCount = 0;
  droppedLinksCount = 0;

  /** `begunMs`: when it began, if not now, in milliseconds of `performance.now()`. */
  constructor(
    shared: LeanShared,
    name: string,
    kind: SpanKind,
    context: SpanContext,
    parentSpanContext: SpanContext | undefined,
    begunMs?: number,
  ) {
    const nowMs = performance.now();
    this.#startMonotonicMs = begunMs ?? nowMs;
    this.#startMs = wallTimeOf(nowMs) - (nowMs - this.#startMonotonicMs);
    this.#shared = shared;
    this.name = name;
    this.kind = kind;
    this.#context = context;
    this.parentSpanContext = parentSpanContext;
  }

  get resource(): ReadableSpan['resource'] {
    return this.#shared.resource;
  }

  get instrumentationScope(): InstrumentationScope {
    return this.#shared.scope;
  }

  get startTime(): HrTime {
    return millisToHrTime(this.#startMs);
  }

  get endTime(): HrTime {
    return this.#tookMs < 0 ? [0, 0] : addHrTimes(this.startTime, this.duration);
  }

  get duration(): HrTime {
    return this.#tookMs < 0 ? [-1, -1] : millisToHrTime(this.#tookMs);
  }

  get ended(): boolean {
    return this.#tookMs >= 0;
  }

  spanContext(): SpanContext {
    return this.#context;
  }

  isRecording(): boolean {
    return this.#tookMs < 0;
  }

  /** Takes `attributes` over as they are: plain strings and numbers, fewer than any limit the tracer is used with. */
  complete(attributes: Attributes): void {
    this.attributes = this.attributes === NO_ATTRIBUTES ? attributes : Object.assign(this.attributes, attributes);
  }

  setAttribute(key: string, value: AttributeValue): this {
    if (this.ended) return this;
    if (this.attributes === NO_ATTRIBUTES) this.attributes = {};
    const { attributes } = this;
    const before = Object.keys(attributes).length;
    maybeAddAttribute({ key, value, attributes, limits: this.#shared.limits, currentAttributesCount: before });
    if (!Object.hasOwn(attributes, key)) this.droppedAttributesCount += 1;
    return this;
  }

  setAttributes(attributes: Attributes): this {
    for (const [key, value] of Object.entries(attributes)) if (value !== undefined) this.setAttribute(key, value);
    return this;
  }

  addEvent(name: string, attributes?: Attributes | TimeInput, time?: TimeInput): this {
    if (this.ended) return this;
    if (this.events.length >= this.#shared.limits.eventCountLimit) {
      this.droppedEventsCount += 1;
      return this;
    }
    const given = typeof attributes === 'object' && !Array.isArray(attributes) && !(attributes instanceof Date);
    const at = time ?? (given ? undefined : attributes);
    const event: TimedEvent = { name, time: timeInputToHrTime(at ?? wallTimeOf(performance.now())) };
    if (given) event.attributes = attributes;
    this.events = [...this.events, event];
    return this;
  }

  addLink(link: Link): this {
    return this.addLinks([link]);
  }

  addLinks(links: Link[]): this {
    if (this.ended) return this;
    const all = [...this.links, ...links];
    this.links = all.slice(0, this.#shared.limits.linkCountLimit);
    this.droppedLinksCount += all.length - this.links.length;
    return this;
  }

  /** OK is final, as in the SDK. */
  setStatus(status: SpanStatus): this {
    if (this.ended || status.code === SpanStatusCode.UNSET || this.status.code === SpanStatusCode.OK) return this;
    const plain = status.code !== SpanStatusCode.ERROR || status.message === undefined;
    this.status = plain ? (status.code === SpanStatusCode.ERROR ? ERROR : { code: status.code }) : { ...status };
    return this;
  }

  updateName(name: string): this {
    if (!this.ended) this.name = name;
    return this;
  }

  recordException(exception: Exception, time?: TimeInput): void {
    const { message, name } = typeof exception === 'string' ? { message: exception, name: undefined } : exception;
    const attributes: Attributes = {};
    if (name !== undefined) attributes['exception.type'] = name;
    if (message !== undefined) attributes['exception.message'] = message;
    this.addEvent('exception', attributes, time);
  }

  /** `endTime` is for those who know better than the clock; it is not before the start. */
  end(endTime?: TimeInput): void {
    if (this.ended) return;
    const { processor } = this.#shared;
    processor.onEnding?.(this);
    if (endTime === undefined) this.#tookMs = performance.now() - this.#startMonotonicMs;
    // As in the SDK: a number that is too small for the time of day is one of `performance.now()`.
    else if (typeof endTime === 'number' && endTime < performance.timeOrigin)
      this.#tookMs = Math.max(0, endTime - this.#startMonotonicMs);
    else {
      const [seconds, nanos] = timeInputToHrTime(endTime);
      this.#tookMs = Math.max(0, seconds * 1e3 + nanos / 1e6 - this.#startMs);
    }
    this.#shared.ended((this.#context.traceFlags & 1) === 1);
    processor.onEnd(this);
  }
}
