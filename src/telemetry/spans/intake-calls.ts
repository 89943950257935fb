/**
 * Requests by which another vendor's agent in the process sends its own telemetry. They are not the application's calls. Agents
 * have no common mark for them, but all are made by the agent's own code, with no code of the application on the stack;
 * an agent also stands on the stack of every call of the application, because it wraps the functions. The stack is looked at
 * only in processes that have loaded an agent.
 */
import { createRequire } from 'node:module';
import type { Tracer, TracerProvider } from '@opentelemetry/api';
import { INVALID_SPAN_CONTEXT, trace } from '@opentelemetry/api';

/** Packages of agents that send by `node:http`. Those built on OpenTelemetry suppress the tracing of their own calls. */
const AGENTS: ReadonlySet<string> = new Set([
  'dd-trace',
  'elastic-apm-node',
  'newrelic',
  '@sentry/node',
  '@instana/collector',
  '@dynatrace/oneagent-sdk',
  'appdynamics',
  'applicationinsights',
  '@splunk/otel',
  'solarwinds-apm',
  'skywalking-backend-js',
  'lightrun',
]);
const OF_AGENTS =
  /[\\/]node_modules[\\/](?:dd-trace|@datadog|elastic-apm-node|newrelic|@newrelic|@sentry|@sentry-internal|@instana|@dynatrace|appdynamics|applicationinsights|@splunk|solarwinds-apm|skywalking-backend-js|lightrun)[\\/]/;
/** Packages that agents use for their connections and streams. */
const BETWEEN =
  /[\\/]node_modules[\\/](?:agentkeepalive|agent-base|https?-proxy-agent|proxy-agent|readable-stream|stream-chopper|end-of-stream|pump|once|wrappy|import-in-the-middle|require-in-the-middle|fast-stream-to-buffer|@grpc|@opentelemetry)[\\/]/;
/** Deeper stacks are those of applications. */
const FRAMES = 50;

export const isAgent = (name: string): boolean => AGENTS.has(name);

let isPresent = false;

/** An agent has been loaded. */
export function noteAgent(): void {
  isPresent = true;
}

/** Agents that `--require` loaded before the preload. */
export function lookForAgents(): void {
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  if (loaded.some((file) => OF_AGENTS.test(file))) noteAgent();
}

/** Whether a stack, the text of `Error.stack`, holds frames of an agent and none of the application. `own`: this preload's folder. */
export function isOfAgent(stack: string, own: string): boolean {
  let found = false;
  for (const line of stack.split('\n').slice(1)) {
    // The agent's own modules are being loaded, by whichever code requires it.
    if (found && line.includes('node:internal/modules/')) return true;
    if (line.includes('node:') || line.includes('<anonymous>') || line.includes(own)) continue;
    if (OF_AGENTS.test(line)) found = true;
    else if (!BETWEEN.test(line)) return false;
  }
  return found;
}

/** For instrumentations of connections and names: their spans of such a call have no request above them. */
export const withoutIntakeCalls = (provider: TracerProvider): TracerProvider => ({
  getTracer(...asked) {
    const tracer = provider.getTracer(...asked);
    const startSpan: Tracer['startSpan'] = (...given) =>
      isIntakeCall() ? trace.wrapSpanContext(INVALID_SPAN_CONTEXT) : tracer.startSpan(...given);
    return { startSpan, startActiveSpan: tracer.startActiveSpan.bind(tracer) };
  },
});

const OWN = new URL('..', import.meta.url).pathname;

/** Whether the request that is being made now is such a call. */
export function isIntakeCall(): boolean {
  if (!isPresent) return false;
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  const { stack } = new Error();
  Error.stackTraceLimit = limit;
  return typeof stack === 'string' && isOfAgent(stack, OWN);
}
