/** A part of `npm run apps`: applications that need Node alone, bare and under `run`. */
import { describe, expect, test } from 'vitest';
import { compare } from './harness/compare.ts';
import { PLAIN } from './list/plain.ts';

/** The kinds that differ most; the rest runs with `npm run apps` and in the long form. */
const PART = [
  'node:http on a Unix socket',
  'node:https with an own certificate',
  'node:http2 without TLS (h2c)',
  'cluster of four workers',
  'a port of its own, with the inspector open',
  'an own handler of SIGTERM',
  'an uncaught error later',
  'a worker without a port',
  'a job that ends by itself',
  'stdin',
  'a shell that starts two processes',
];
const chosen = process.env['VITRINE_NIGHTLY'] === '1' ? PLAIN : PLAIN.filter(({ name }) => PART.includes(name));

describe('an application under `run` is as it is bare', () => {
  test.each(chosen.map((app) => [app.name, app] as const))('%s', { timeout: 180_000 }, async (_name, app) => {
    const { differences, missedRoutes } = await compare(app, '', process.env['VITRINE_NIGHTLY'] === '1');
    expect({ differences, missedRoutes }).toEqual({ differences: [], missedRoutes: [] });
  });
});
