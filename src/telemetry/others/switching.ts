/**
 * What stands in the API's global slots under the preload: providers that pass everything to Vitrine's SDK until the application
 * registers its own, and to that one from then on. Tracers that were taken before change too, because an application constructs
 * its instrumentations before it starts its SDK.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type {
  Context,
  ContextManager,
  Span,
  SpanOptions,
  TextMapGetter,
  TextMapPropagator,
  TextMapSetter,
  Tracer,
  TracerOptions,
  TracerProvider,
} from '@opentelemetry/api';
import { context, INVALID_SPAN_CONTEXT, trace } from '@opentelemetry/api';
import { OWN_WAY } from '../instrumentation-packages.ts';
import { heardScope, suffixOf } from './scopes.ts';

type Asked = readonly [name: string, version?: string, options?: TracerOptions];

class SwitchingTracer implements Tracer {
  readonly #provider: () => TracerProvider;
  readonly #isSilent: () => boolean;
  readonly #asked: Asked;
  #from: TracerProvider | undefined;
  #tracer: Tracer | undefined;

  /** `isSilent`: Vitrine observes by itself what this tracer's instrumentation observes, so its spans would be second ones. */
  constructor(provider: () => TracerProvider, isSilent: () => boolean, asked: Asked) {
    this.#provider = provider;
    this.#isSilent = isSilent;
    this.#asked = asked;
  }

  get #current(): Tracer {
    const from = this.#provider();
    if (this.#tracer === undefined || this.#from !== from) {
      this.#from = from;
      this.#tracer = from.getTracer(...this.#asked);
    }
    return this.#tracer;
  }

  startSpan(name: string, options?: SpanOptions, parent?: Context): Span {
    if (this.#isSilent()) return trace.wrapSpanContext(trace.getSpanContext(context.active()) ?? INVALID_SPAN_CONTEXT);
    return this.#current.startSpan(name, options, parent);
  }

  startActiveSpan<F extends (span: Span) => unknown>(name: string, ...rest: unknown[]): ReturnType<F> {
    const start = this.#current.startActiveSpan.bind(this.#current) as (...args: unknown[]) => ReturnType<F>;
    return start(name, ...rest);
  }
}

export class SwitchingTracerProvider implements TracerProvider {
  readonly own: TracerProvider;
  /** The application's. */
  theirs: TracerProvider | undefined;

  constructor(own: TracerProvider) {
    this.own = own;
  }

  getTracer(name: string, version?: string, options?: TracerOptions): Tracer {
    heardScope(name);
    const isSecond = OWN_WAY.has(suffixOf(name) ?? '');
    const silent = (): boolean => isSecond && this.theirs === undefined;
    return new SwitchingTracer(() => this.theirs ?? this.own, silent, [name, version, options]);
  }
}

/** Tracers of the provider that `current` gives at each span. */
export const followingProvider = (current: () => TracerProvider): TracerProvider => ({
  getTracer: (...asked) => new SwitchingTracer(current, () => false, asked),
});

interface Attachable {
  attach?(entered: Context): { dispose(): void };
  readonly _asyncLocalStorage?: unknown;
}

export class SwitchingContextManager implements ContextManager {
  readonly #own: ContextManager;
  #current: ContextManager & Attachable;

  constructor(own: ContextManager) {
    this.#own = own;
    this.#current = own;
  }

  get isTheirs(): boolean {
    return this.#current !== this.#own;
  }

  use(theirs: ContextManager | undefined): void {
    this.#current = theirs ?? this.#own;
  }

  active(): Context {
    return this.#current.active();
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    entered: Context,
    run: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#current.with(entered, run, thisArg, ...args);
  }

  bind<T>(bound: Context, target: T): T {
    return this.#current.bind(bound, target);
  }

  /** Managers of older versions have no `attach`; where one holds no storage of Node.js the context is not entered. */
  attach(entered: Context): { dispose(): void } {
    const current = this.#current;
    if (typeof current.attach === 'function') return current.attach(entered);
    const { _asyncLocalStorage: storage } = current;
    if (!(storage instanceof AsyncLocalStorage)) return { dispose() {} };
    const before: unknown = storage.getStore();
    storage.enterWith(entered);
    return { dispose: () => storage.enterWith(before) };
  }

  enable(): this {
    this.#current.enable();
    return this;
  }

  disable(): this {
    this.#current.disable();
    return this;
  }
}

/** The application's propagator decides what is sent; what the balancer sent is read as well. */
export class SwitchingPropagator implements TextMapPropagator {
  readonly #own: TextMapPropagator;
  theirs: TextMapPropagator | undefined;

  constructor(own: TextMapPropagator) {
    this.#own = own;
  }

  inject(from: Context, carrier: unknown, setter: TextMapSetter): void {
    (this.theirs ?? this.#own).inject(from, carrier, setter);
  }

  extract(into: Context, carrier: unknown, getter: TextMapGetter): Context {
    if (this.theirs === undefined) return this.#own.extract(into, carrier, getter);
    const found = this.theirs.extract(into, carrier, getter);
    const isFound = trace.getSpanContext(found) !== trace.getSpanContext(into);
    return isFound ? found : this.theirs.extract(this.#own.extract(into, carrier, getter), carrier, getter);
  }

  fields(): string[] {
    return [...new Set([...this.#own.fields(), ...(this.theirs?.fields() ?? [])])];
  }
}
