/**
 * A span of `lean-tracer.ts`. For processors, exporters and users it behaves as the SDK's span does: events, links,
 * exceptions, the cleaning and copying of attributes, every limit, and the order in which events and links are evicted. It
 * differs in when work is done: times are computed when they are read, and `complete` takes a whole object of attributes
 * at the end. A test runs random operations on both classes and compares them; `lean-proof.ts` compares them at start.
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
import { diag, SpanStatusCode } from '@opentelemetry/api';
import type { InstrumentationScope } from '@opentelemetry/core';
import {
  AddAttributeDecision,
  addHrTimes,
  cleanAttributes,
  cleanSimpleAttributes,
  hrTimeDuration,
  isTimeInput,
  isTimeInputHrTime,
  maybeAddAttribute,
  millisToHrTime,
} from '@opentelemetry/core';
import type { ReadableSpan, SpanLimits, SpanProcessor, TimedEvent } from '@opentelemetry/sdk-trace';
import { wallTimeOf } from './wall-time.ts';

/** `finish` takes no more attributes than this, so a limit that is as high need not be checked there. */
export const FINISHED_ATTRIBUTES = 64;

/** The parts that all spans of one tracer share. */
export interface LeanShared {
  readonly resource: ReadableSpan['resource'];
  readonly scope: InstrumentationScope;
  readonly processor: SpanProcessor;
  readonly limits: Required<SpanLimits>;
  /** Called when a span ends that is `sampled` or only recorded. */
  ended(sampled: boolean): void;
}

/** Listing the keys of an object costs an array: they are counted when a processor adds an attribute to a span that ends. */
const NOT_COUNTED = -1;

export class LeanSpan implements Span, ReadableSpan {
  readonly #shared: LeanShared;
  readonly #context: SpanContext;
  readonly #startMs: number;
  readonly #startMonotonicMs: number;
  /** -1 until the end. */
  #tookMs = -1;
  /** Set only where the end was given as a time of day. */
  #endTime: HrTime | undefined;
  #ended = false;
  #attributesCount = 0;
  readonly kind: SpanKind;
  readonly parentSpanContext: SpanContext | undefined;
  name: string;
  attributes: Attributes = {};
  status: SpanStatus = { code: SpanStatusCode.UNSET };
  links: Link[] = [];
  events: TimedEvent[] = [];
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
    if (this.#endTime !== undefined) return this.#endTime;
    return this.#tookMs < 0 ? [0, 0] : addHrTimes(this.startTime, millisToHrTime(this.#tookMs));
  }

  get duration(): HrTime {
    if (this.#endTime !== undefined) return hrTimeDuration(this.startTime, this.#endTime);
    return this.#tookMs < 0 ? [-1, -1] : millisToHrTime(this.#tookMs);
  }

  get ended(): boolean {
    return this.#ended;
  }

  spanContext(): SpanContext {
    return this.#context;
  }

  isRecording(): boolean {
    return !this.#ended;
  }

  /** Whether every exporter can write its name, status and times: most spans tell it without computing a time. */
  get isPlain(): boolean {
    return (
      this.#endTime === undefined &&
      this.#tookMs >= 0 &&
      Number.isFinite(this.#tookMs + this.#startMs) &&
      typeof this.name === 'string' &&
      this.status.message === undefined &&
      this.events.length === 0
    );
  }

  /**
   * Adds all `attributes`: plain strings and numbers, none undefined. On a span without attributes the object itself becomes the
   * span's, so the caller must not use it again. Where the limit of attributes could be reached, each is added on its own.
   */
  complete(attributes: Attributes): void {
    const more = Object.keys(attributes).length;
    if (this.#counted() + more > this.#shared.limits.attributeCountLimit) {
      this.setAttributes(attributes);
    } else if (this.#attributesCount === 0) {
      this.attributes = attributes;
      this.#attributesCount = more;
    } else {
      Object.assign(this.attributes, attributes);
      this.#attributesCount = Object.keys(this.attributes).length;
    }
  }

  /**
   * As `complete` and `end`, for a span that took `tookMs` by the caller's clock: the clock is not read again. `attributes` are
   * `FINISHED_ATTRIBUTES` at most.
   */
  finish(attributes: Attributes, tookMs: number): void {
    if (this.#isOver()) return;
    if (this.#attributesCount !== 0 || this.#shared.limits.attributeCountLimit < FINISHED_ATTRIBUTES)
      this.complete(attributes);
    else {
      this.attributes = attributes;
      this.#attributesCount = NOT_COUNTED;
    }
    this.#tookMs = tookMs;
    this.#close();
  }

  setAttribute(key: string, value: AttributeValue): this {
    if (this.#isOver()) return this;
    const { attributes } = this;
    const { limits } = this.#shared;
    const currentAttributesCount = this.#counted();
    const decision = maybeAddAttribute({ key, value, attributes, limits, currentAttributesCount });
    if (decision === AddAttributeDecision.ADD_NEW) this.#attributesCount += 1;
    else if (decision === AddAttributeDecision.DROP_LIMIT_REACHED) this.droppedAttributesCount += 1;
    return this;
  }

  setAttributes(attributes: Attributes): this {
    for (const key in attributes) {
      if (Object.hasOwn(attributes, key)) this.setAttribute(key, attributes[key]);
    }
    return this;
  }

  addEvent(name: string, attributes?: Attributes | TimeInput, time?: TimeInput): this {
    if (this.#isOver()) return this;
    const { eventCountLimit, attributePerEventCountLimit, attributeValueLengthLimit } = this.#shared.limits;
    if (eventCountLimit === 0) {
      this.droppedEventsCount += 1;
      return this;
    }
    if (this.events.length >= eventCountLimit) {
      this.events.shift();
      this.droppedEventsCount += 1;
    }
    const isTime = isTimeInput(attributes);
    const at = isTime && !isTimeInput(time) ? attributes : time;
    const limits = { attributeCountLimit: attributePerEventCountLimit, attributeValueLengthLimit };
    const cleaned = isTime ? {} : cleanSimpleAttributes(attributes, limits);
    this.events.push({ name, time: this.#timeOf(at), ...cleaned });
    return this;
  }

  addLink(link: Link): this {
    if (this.#isOver()) return this;
    const { linkCountLimit, attributePerLinkCountLimit, attributeValueLengthLimit } = this.#shared.limits;
    if (linkCountLimit === 0) {
      this.droppedLinksCount += 1;
      return this;
    }
    if (this.links.length >= linkCountLimit) {
      this.links.shift();
      this.droppedLinksCount += 1;
    }
    const limits = { attributeCountLimit: attributePerLinkCountLimit, attributeValueLengthLimit };
    this.links.push({ context: link.context, ...cleanAttributes(link.attributes, limits) });
    return this;
  }

  addLinks(links: Link[]): this {
    for (const link of links) this.addLink(link);
    return this;
  }

  /** OK is final, as in the SDK. */
  setStatus({ code, message }: SpanStatus): this {
    if (this.#isOver() || code === SpanStatusCode.UNSET || this.status.code === SpanStatusCode.OK) return this;
    this.status = { code };
    if (code === SpanStatusCode.ERROR && typeof message === 'string') this.status.message = message;
    return this;
  }

  updateName(name: string): this {
    if (!this.#isOver()) this.name = name;
    return this;
  }

  recordException(exception: Exception, time?: TimeInput): void {
    const attributes: Attributes = {};
    if (typeof exception === 'string') attributes['exception.message'] = exception;
    else if (exception) {
      if (exception.code) attributes['exception.type'] = exception.code.toString();
      else if (exception.name) attributes['exception.type'] = exception.name;
      if (exception.message) attributes['exception.message'] = exception.message;
      if (exception.stack) attributes['exception.stacktrace'] = exception.stack;
    }
    const isKnown = attributes['exception.type'] || attributes['exception.message'];
    if (isKnown) this.addEvent('exception', attributes, time);
    else diag.warn('An exception without name and message is not recorded.');
  }

  /** An `endTime` before the start ends the span at its start. */
  end(endTime?: TimeInput): void {
    if (this.#isOver()) return;
    if (endTime === undefined) this.#tookMs = performance.now() - this.#startMonotonicMs;
    else if (typeof endTime === 'number' && endTime <= performance.now())
      this.#tookMs = Math.max(0, endTime - this.#startMonotonicMs);
    else this.#endAt(this.#timeOf(endTime));
    this.#close();
  }

  #close(): void {
    const { processor } = this.#shared;
    processor.onEnding?.(this);
    this.#shared.ended((this.#context.traceFlags & 1) === 1);
    this.#ended = true;
    processor.onEnd(this);
  }

  #endAt(time: HrTime): void {
    if (hrTimeDuration(this.startTime, time)[0] < 0) this.#tookMs = 0;
    else this.#endTime = time;
  }

  /** As in the SDK a number up to the present `performance.now()` is one of that clock; any other is a time of day. */
  #timeOf(time: TimeInput | undefined): HrTime {
    if (typeof time === 'number') {
      const offsetMs = time <= performance.now() ? this.#startMs - this.#startMonotonicMs : 0;
      return millisToHrTime(time + offsetMs);
    }
    if (time instanceof Date) return millisToHrTime(time.getTime());
    if (isTimeInputHrTime(time)) return time;
    return millisToHrTime(this.#startMs + performance.now() - this.#startMonotonicMs);
  }

  #counted(): number {
    if (this.#attributesCount === NOT_COUNTED) this.#attributesCount = Object.keys(this.attributes).length;
    return this.#attributesCount;
  }

  #isOver(): boolean {
    if (this.#ended) diag.warn(`The span ${this.#context.spanId} has ended and is not changed.`);
    return this.#ended;
  }
}
