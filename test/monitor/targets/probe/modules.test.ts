import { describe, expect, test } from 'vitest';
import { moduleSpec, readModules } from '../../../../src/monitor/targets/probe/modules.ts';
import { probePage } from '../../../../src/monitor/targets/probe/exposition.ts';

const read = (file: string): string => `content of ${file}`;
const specOf = (yaml: string, target: string) => {
  const module = readModules(`modules: { m: ${yaml} }`, 'blackbox.yml').get('m');
  if (module === undefined) throw new Error('no module');
  return moduleSpec(module, target, read);
};

test('the usual modules are there without a file, and a file adds to them', () => {
  expect([...readModules(undefined, '').keys()]).toEqual(
    expect.arrayContaining(['http_2xx', 'http_post_2xx', 'tcp_connect', 'grpc_plain']),
  );
  const own = readModules('modules: { http_2xx: { prober: tcp } }', 'blackbox.yml');
  expect(own.get('http_2xx')?.prober).toBe('tcp');
});

test.each([
  ['{ prober: http, http: { colour: red } }', /modules\.m\.http: Unrecognized key: "colour"/],
  ['{ prober: http, timeout: soon }', /modules\.m\.timeout: "soon" is not a duration/],
  ['{ prober: http, http: { fail_if_body_matches_regexp: ["("] } }', /missing closing \)/],
  ['{ prober: http, http: { oauth2: {} } }', /oauth2 is not supported/],
  ['{ prober: telnet }', /modules\.m\.prober/],
  ['{ prober: dns }', /modules\.m\.dns/],
])('a mistake in %s is named', (yaml, message) => {
  expect(() => readModules(`modules: { m: ${yaml} }`, 'blackbox.yml')).toThrow(message);
});

test('a file that is no YAML, or has no modules', () => {
  expect(() => readModules('modules: [', 'b.yml')).toThrow(/b\.yml/);
  expect(() => readModules('module: {}', 'b.yml')).toThrow(/b\.yml/);
});

describe('checks', () => {
  test('HTTP with credentials, files and TLS', () => {
    expect(specOf('{ prober: http, http: { basic_auth: { username: a, password_file: p } } }', 'x.test')).toMatchObject(
      {
        url: 'http://x.test',
        headers: { Authorization: `Basic ${Buffer.from('a:content of p').toString('base64')}` },
      },
    );
    expect(specOf('{ prober: http, http: { bearer_token_file: t, body_file: b } }', 'http://x')).toMatchObject({
      headers: { Authorization: 'Bearer content of t' },
      body: 'content of b',
    });
    expect(
      specOf(
        '{ prober: http, http: { authorization: { type: Key, credentials: k }, tls_config: { ca_file: ca } } }',
        'x',
      ),
    ).toMatchObject({ headers: { Authorization: 'Key k' }, tls: { ca: 'content of ca', insecure: false } });
    expect(specOf('{ prober: http, http: { body_size_limit: 1KiB, fail_if_not_ssl: true } }', 'x')).toMatchObject({
      maxBodyBytes: 1024,
      expect: { ssl: 'required' },
    });
  });

  test('addresses with and without a port', () => {
    expect(specOf('{ prober: dns, dns: { query_name: a.test } }', '192.0.2.1')).toMatchObject({ port: 53 });
    expect(specOf('{ prober: dns, dns: { query_name: a.test, dns_over_tls: true } }', 'x')).toMatchObject({
      port: 853,
      transport: 'tcp',
    });
    expect(specOf('{ prober: grpc, grpc: { tls: true } }', 'grpcs://x:1')).toMatchObject({ host: 'x', port: 1 });
    expect(() => specOf('{ prober: tcp }', 'x')).toThrow('no address with a port');
    expect(() => specOf('{ prober: http }', 'a b')).toThrow('is no URL');
    expect(() => specOf('{ prober: icmp }', 'x')).toThrow('raw socket');
  });
});

test('the page escapes labels and sorts series', () => {
  const page = probePage({
    success: true,
    reason: '',
    phases: {},
    series: [{ name: 'probe_a', labels: { z: 'a"b\\c\nd', b: '1' }, value: 1_761_031_680 }],
    evidence: { sent: '', address: '' },
    timeMs: 0,
    durationSeconds: 0.5,
    traceId: '',
  });
  expect(page).toContain('probe_a{b="1",z="a\\"b\\\\c\\nd"} 1.76103168e+09\n');
  expect(page.indexOf('probe_a')).toBeLessThan(page.indexOf('probe_success 1'));
});
