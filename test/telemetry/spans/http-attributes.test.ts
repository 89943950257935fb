import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { serverAttributes } from '../../../src/telemetry/spans/http-attributes.ts';
import { detectorsFromEnv } from '../../../src/telemetry/resource.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

function of(headers: object, url = '/', method?: string): Record<string, unknown> {
  const socket = { remoteAddress: '10.0.0.9', remotePort: 5 };
  return serverAttributes({ headers, url, method, httpVersion: '1.1', socket } as unknown as IncomingMessage, 'https');
}

describe('serverAttributes', () => {
  it.each([
    [{}, undefined, undefined, '10.0.0.9'],
    [{ host: 'shop' }, 'shop', 443, '10.0.0.9'],
    [{ host: 'in', 'x-forwarded-host': 'shop:81', 'x-forwarded-for': '1.2.3.4:99, 5.6.7.8' }, 'shop', 81, '1.2.3.4'],
    [{ 'x-forwarded-host': ['shop'], 'x-forwarded-proto': ['http'], 'x-forwarded-for': ['::1'] }, 'shop', 80, '::1'],
    [{ 'x-forwarded-host': 'shop', 'x-forwarded-for': '' }, 'shop', undefined, '10.0.0.9'],
    [{ forwarded: 'for="[2001:db8::1]:4711";proto=http;host="shop:82"' }, 'shop', 82, '2001:db8::1'],
    [{ forwarded: 'secret=x', host: 'in:1' }, 'in', 1, '10.0.0.9'],
  ])('%j', (headers, host, port, client) => {
    const attributes = of(headers);
    expect([attributes['server.address'], attributes['server.port'], attributes['client.address']]).toEqual([
      host,
      port,
      client,
    ]);
  });

  it('reads every form of a target', () => {
    const target = (url: string): unknown[] => [of({}, url)['url.path'], of({}, url)['url.query']];
    expect(target('/a?b=1')).toEqual(['/a', 'b=1']);
    expect(target('http://shop/a?b')).toEqual(['/a', 'b']);
    expect(target('*')).toEqual(['*', undefined]);
    expect(target('?q')).toEqual(['/', 'q']);
    expect(of({}, '/', 'BREW')).toMatchObject({
      'http.request.method': '_OTHER',
      'http.request.method_original': 'BREW',
    });
  });
});

describe('detectorsFromEnv', () => {
  const of = (OTEL_NODE_RESOURCE_DETECTORS?: string, logger = recordingLogger()) =>
    detectorsFromEnv({ OTEL_NODE_RESOURCE_DETECTORS }, logger);

  it('leaves out the command line', () => {
    const attributes = Object.assign({}, ...of('host,os,process').map((each) => each.detect().attributes)) as Record<
      string,
      unknown
    >;
    expect(attributes).toHaveProperty(['process.pid']);
    for (const key of Object.keys(attributes)) expect(key).not.toMatch(/command|owner/);
  });

  it('finds each by its name, warns of unknown ones, and has none where `none` is named', () => {
    expect(of()).toEqual([]);
    expect(of('none')).toEqual([]);
    expect(of('host,none')).toEqual([]);
    expect(of('env,serviceinstance')).toEqual([]);
    expect(['container', 'alibaba', 'aws', 'azure', 'gcp'].map((name) => of(name).length)).toEqual([1, 1, 5, 3, 1]);
    expect(of('all')).toHaveLength(14);
    const logger = recordingLogger();
    expect(of('host,nothing', logger)).toHaveLength(1);
    expect(logger.lines.map(({ message }) => message)).toEqual([
      'OTEL_NODE_RESOURCE_DETECTORS names "nothing", which is not a known detector and is ignored.',
    ]);
  });
});
