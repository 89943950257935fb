/** Stacks of requests that agents of other vendors make for themselves, and of requests of applications beside such an agent. */
import { describe, expect, it } from 'vitest';
import { isAgent, isIntakeCall, isOfAgent, withoutIntakeCalls } from '../../../src/telemetry/spans/intake-calls.ts';

const stack = (...files: string[]): string => ['Error', ...files.map((file) => `    at f (${file}:1:1)`)].join('\n');
const OWN = '/v/telemetry';
const HTTP = 'node:_http_client';
const DD = '/app/node_modules/dd-trace/packages/dd-trace/src/exporters/common/request.js';
const WRAPPER = '/app/node_modules/dd-trace/packages/datadog-instrumentations/src/http/client.js';

describe('a request', () => {
  it.each([
    ['of an agent', [HTTP, WRAPPER, DD, 'node:internal/timers'], true],
    [
      'of an agent, through its packages',
      [HTTP, '/app/node_modules/elastic-apm-node/lib/apm-client/x.js', '/app/node_modules/readable-stream/lib/y.js'],
      true,
    ],
    [
      'of an agent while the application loads it',
      [HTTP, '/app/node_modules/newrelic/index.js', 'node:internal/modules/cjs/loader', '/app/server.js'],
      true,
    ],
    [
      'of the application, through the wrapper of an agent',
      [HTTP, WRAPPER, '/app/server.js', 'node:internal/timers'],
      false,
    ],
    ['of another package', [HTTP, WRAPPER, '/app/node_modules/axios/lib/adapters/http.js'], false],
    ['of the application alone', [HTTP, '/app/server.js'], false],
    ['with nothing of anybody', [HTTP, `${OWN}/spans/x.js`], false],
  ])('%s: %s', (_name, files, expected) => {
    expect(isOfAgent(stack(...files), OWN)).toBe(expected);
  });

  it('is not looked at without an agent in the process', () => {
    expect([isAgent('dd-trace'), isAgent('express'), isIntakeCall()]).toEqual([true, false, false]);
    const calls: string[] = [];
    const tracer = { startSpan: (name: string) => void calls.push(name), startActiveSpan: () => calls.push('active') };
    withoutIntakeCalls({ getTracer: () => tracer as never })
      .getTracer('net')
      .startSpan('connect');
    expect(calls).toEqual(['connect']);
  });
});
