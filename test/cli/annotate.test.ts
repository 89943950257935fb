/** `vitrine annotate` and the marks of other commands, against the real API with its database. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { timeOf, tryMark } from '../../src/cli/annotate.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { ANNOTATION_TABLES, Annotations } from '../../src/monitor/store/state/annotations.ts';
import { openStateDatabase, type StateDatabase } from '../../src/monitor/store/state/state-database.ts';
import type { PageServer } from '../support/page/page-server.ts';
import { startPageServer } from '../support/page/page-server.ts';

const streams = [process.stdout, process.stderr] as const;
const originals = streams.map((stream) => stream.write.bind(stream));
let dir = '';
let state: StateDatabase;
let server: PageServer;
let annotations: Annotations;

beforeEach(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'vitrine-annotate-'));
  state = openStateDatabase({ dir, owners: [ANNOTATION_TABLES], clock: systemClock, logger: silentLogger });
  annotations = new Annotations(state);
  server = await startPageServer({ kind: 'empty', overrides: { annotations } });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await state[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

async function heard(work: () => Promise<unknown>): Promise<{ result: unknown; out: string; err: string }> {
  let [out, err] = ['', ''];
  process.stdout.write = (text: string) => ((out += text), true);
  process.stderr.write = (text: string) => ((err += text), true);
  try {
    return { result: await work(), out, err };
  } finally {
    streams.forEach((stream, at) => (stream.write = originals[at]));
  }
}
const all = () => annotations.find({ fromMs: 0, toMs: 8e15, tags: [], anyTag: false, limit: 9 });

describe('vitrine annotate', () => {
  it('puts a mark on the charts, with tags, begin and end', async () => {
    const args = ['annotate', 'v2 is out', '--url', server.url, '--tag', 'deploy', 'shop', '--time', '1800000000'];
    const said = await heard(() => runCommandLine([...args, '--end', '2027-01-15T08:00:10Z', '--json']));
    expect(said).toMatchObject({ result: 0, out: '{"id":1}\n' });
    expect(all()).toMatchObject([
      { text: 'v2 is out', tags: ['deploy', 'shop'], timeMs: 1_800_000_000_000, endMs: 1_800_000_010_000 },
    ]);
    const plain = await heard(() => runCommandLine(['annotate', 'now', '--url', server.url]));
    expect(plain).toMatchObject({ result: 0, out: '', err: 'Annotation 2 is on the charts.\n' });
  });

  it('fails with the reason when the server refuses', async () => {
    const said = await heard(() => runCommandLine(['annotate', ' ', '--url', server.url]));
    expect(said.result).not.toBe(0);
    expect(said.err).toContain('"text" must be a text');
  });

  it('understands times in three forms and names the flag of a wrong one', () => {
    expect(timeOf('--time', '5m', 1_000_000)).toBe(700_000);
    expect(timeOf('--time', '1800000000.5', 0)).toBe(1_800_000_000_500);
    expect(timeOf('--time', '2027-01-15T08:00:00Z', 0)).toBe(1_800_000_000_000);
    expect(() => timeOf('--end', 'soon', 0)).toThrow('--end: "soon" is no time.');
  });

  it('never makes the command fail whose run it marks', async () => {
    const mark = { text: 'Load test', tags: ['load'], timeMs: Date.now() };
    await tryMark({ url: server.url }, mark);
    const { err } = await heard(() => tryMark({ url: 'http://127.0.0.1:9' }, mark));
    expect(err).toContain('No mark was put on the charts');
    expect(all()).toHaveLength(1);
  });

  it('marks a load test from its begin to its end', async () => {
    const args = [
      'load',
      '--url',
      `${server.url}/api/metrics`,
      '--scenario',
      'get',
      '--users',
      '1',
      '--duration',
      '0.2',
    ];
    const { result } = await heard(() => runCommandLine([...args, '--mark', server.url]));
    expect(result).toBe(0);
    const [{ text, tags, timeMs, endMs }] = all();
    expect([text.includes('1 users'), tags, endMs > timeMs]).toEqual([true, ['load'], true]);
  });
});
