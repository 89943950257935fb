import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';
import { fakeObjectives, fakeTargets } from '../support/page/fake-target-routes.ts';

let server: Server;
let answers: Record<string, unknown>;
let url: string;
let out = '';
let err = '';

beforeEach(async () => {
  const nowMs = Date.now();
  answers = { '/api/targets': { targets: fakeTargets(nowMs) }, '/api/slo': { objectives: fakeObjectives(nowMs) } };
  server = createServer((request, response) => response.end(JSON.stringify(answers[request.url ?? ''])));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  [out, err] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((err += String(text)), true));
});
afterEach(() => {
  vi.restoreAllMocks();
  server.close();
});

const run = (...args: string[]): Promise<number> => runCommandLine([...args, '--url', url]);

test('targets are a table, whichever way they are asked for', async () => {
  expect(await run('targets')).toBe(0);
  const lines = out.split('\n');
  expect(lines[0]).toMatch(/^target +kind +state +last +24 h +address/);
  expect(lines[1]).toMatch(
    /^bank-api +http +down +5000 ms +99\.800 % +https:\/\/bank-api\.example\/ +The TLS handshake/,
  );
  expect(lines[4]).toMatch(/rival .* competitor$/);
  const first = out;
  out = '';
  await run('targets', 'list');
  expect(out).toBe(first);
  out = '';
  await run('targets', 'list', '--json');
  expect(JSON.parse(out)).toMatchObject({ targets: [{ id: 'bank-api' }, {}, {}, {}, {}, {}] });
});

test('objectives are a table, and a missed one gives exit code 5', async () => {
  expect(await run('slo')).toBe(0);
  expect(out.split('\n')[1]).toMatch(/^checkout +kept +99\.900 % +30d +99\.940 % +38\.000 % +14\.90$/);
  expect(out).toMatch(/fresh +no data .* unknown +unknown +unknown/);
  const [checkout] = fakeObjectives(Date.now());
  answers['/api/slo'] = { objectives: [{ ...checkout, breached: true }] };
  out = '';
  expect(await run('slo')).toBe(5);
  expect(out).toContain('MISSED');
});

test('the past of an objective that is not configured', async () => {
  const [checkout] = fakeObjectives(Date.now());
  const asked = '/api/slo/preview?total=route%3A%2Fcheckout*&good=status%3A%3C500&objective=99.5%25&window=7d';
  answers[asked] = { ...checkout, window: '7d', breached: true, events: { good: 990, total: 1_000 } };
  const flags = ['--total', 'route:/checkout*', '--good', 'status:<500', '--objective', '99.5%', '--window', '7d'];
  expect(await run('slo', 'preview', ...flags)).toBe(5);
  expect(out).toMatch(/^range +state +good +budget left\nlast 7d +MISSED +99\.940 % +38\.000 %\n/);
  expect(out).toContain('10 of 1000 requests were bad, counted row by row.');
  out = '';
  expect(await run('slo', 'preview', ...flags, '--json')).toBe(5);
  expect(JSON.parse(out)).toMatchObject({ window: '7d' });
});

test('nothing configured is said, not printed', async () => {
  answers = { '/api/targets': { targets: [] }, '/api/slo': { objectives: [] } };
  expect([await run('targets'), await run('slo')]).toEqual([0, 0]);
  expect(out).toBe('');
  expect(err).toBe('No target is configured.\nNo objective is configured.\n');
});
