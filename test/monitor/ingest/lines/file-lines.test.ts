import { appendFile, copyFile, mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FileLines, type FileSource } from '../../../../src/monitor/ingest/lines/file-lines.ts';
import { LineReader } from '../../../../src/monitor/ingest/lines/line-reader.ts';
import { ingestRig, NOW_MS } from '../../../support/telemetry/ingest-bench.ts';
import { movedClock } from '../../../support/moved-clock.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'vitrine-files-'));
});
afterEach(() => rm(dir, { recursive: true }));

const at = (name: string): string => path.join(dir, name);

/** A follower over a new rig; the positions of an earlier one are in the same folder. */
async function follower(
  over: Partial<FileSource> = {},
): Promise<{ files: FileLines; bodies: () => unknown[]; troubles: string[]; services: () => unknown[] }> {
  const rig = ingestRig();
  const troubles: string[] = [];
  const files = new FileLines({
    sources: [{ path: at('*.log'), format: 'auto', ...over }],
    reader: new LineReader(),
    intake: rig.intake,
    positions: at('state/positions.json'),
    clock: movedClock(NOW_MS),
    onTrouble: (message) => troubles.push(message),
  });
  await files.start();
  return {
    files,
    troubles,
    bodies: () => rig.sinks.logs.records.map(({ body }) => body),
    services: () => rig.sinks.logs.records.map(({ resource }) => resource.attributes['service.name']),
  };
}

it('reads what is there and what comes, each line once, over a restart', async () => {
  await writeFile(at('shop.log'), '{"msg":"one"}\nlevel=info msg=two\n');
  const first = await follower();
  expect(first.bodies()).toEqual(['one', 'two']);
  expect(first.services()).toEqual(['shop', 'shop']);
  await appendFile(at('shop.log'), '{"msg":"three"}\n{"msg":"fo');
  await first.files.round();
  expect(first.bodies()).toEqual(['one', 'two', 'three']);
  await first.files[Symbol.asyncDispose]();
  await appendFile(at('shop.log'), 'ur"}\n');
  await writeFile(at('cart.log'), '{"msg":"new"}\n');
  const second = await follower({ service: 'named' });
  expect(second.bodies()).toEqual(['new', 'four']);
  expect(second.services()).toEqual(['named', 'named']);
  await second.files[Symbol.asyncDispose]();
});

it('follows rotation by rename, with the rest of the renamed file', async () => {
  await writeFile(at('a.log'), '{"msg":"1"}\n');
  const { files, bodies } = await follower();
  await appendFile(at('a.log'), '{"msg":"2"}\n');
  await rename(at('a.log'), at('a.log.1'));
  await appendFile(at('a.log.1'), '{"msg":"3"}');
  await writeFile(at('a.log'), '{"msg":"4"}\n');
  await files.round();
  expect(new Set(bodies())).toEqual(new Set(['1', '2', '3', '4']));
  expect(bodies()).toHaveLength(4);
  expect(files.files).toBe(1);
  await files[Symbol.asyncDispose]();
});

it('reads the rest of a file that was renamed while nothing followed it', async () => {
  await writeFile(at('a.log'), '{"msg":"1"}\n');
  await (await follower()).files[Symbol.asyncDispose]();
  await appendFile(at('a.log'), '{"msg":"2"}\n');
  await rename(at('a.log'), at('a.log.1'));
  await writeFile(at('a.log'), '{"msg":"3"}\n');
  const { files, bodies } = await follower();
  await files.round();
  expect(new Set(bodies())).toEqual(new Set(['2', '3']));
  expect(bodies()).toHaveLength(2);
  await files[Symbol.asyncDispose]();
});

it.each([
  ['shorter', '{"msg":"new"}\n', ['new']],
  [
    'longer',
    `{"msg":"other 1"}\n{"msg":"other 2"}\n${'{"msg":"other 3"}\n'.repeat(3)}`,
    ['other 1', 'other 2', 'other 3', 'other 3', 'other 3'],
  ],
])('follows copytruncate when the new content is %s', async (_, content, expected) => {
  await writeFile(at('a.log'), '{"msg":"1"}\n{"msg":"2"}\n');
  const { files, bodies } = await follower();
  await copyFile(at('a.log'), at('a.log.1'));
  await truncate(at('a.log'), 0);
  await appendFile(at('a.log'), content);
  await files.round();
  expect(bodies()).toEqual(['1', '2', ...expected]);
  await files[Symbol.asyncDispose]();
});

it('joins a stack trace in plain text, and waits for its end', async () => {
  await writeFile(at('a.log'), 'ERROR failed\nTypeError: x\n    at f (a.js:1:2)\n');
  const { files, bodies } = await follower({ format: 'text' });
  expect(bodies()).toEqual(['ERROR failed']);
  await appendFile(at('a.log'), '    at g (b.js:3:4)\nnext\n');
  await files.round();
  expect(bodies()).toEqual(['ERROR failed', 'TypeError: x\n    at f (a.js:1:2)\n    at g (b.js:3:4)']);
  await files.round();
  expect(bodies().at(-1)).toBe('next');
  await files[Symbol.asyncDispose]();
});

it('skips and counts lines over the limit, and lines that cannot be read', async () => {
  await writeFile(at('a.log'), `${'x'.repeat(300_000)}\n{"msg":"good"}\n{broken\n`);
  const { files, bodies } = await follower({ format: 'json' });
  expect(bodies()).toEqual(['good']);
  await files[Symbol.asyncDispose]();
});

it('begins anew with a damaged file of positions', async () => {
  await writeFile(at('a.log'), '{"msg":"1"}\n');
  await (await follower()).files[Symbol.asyncDispose]();
  const state = JSON.parse(await readFile(at('state/positions.json'), 'utf8')) as { offset: number }[];
  expect(state).toMatchObject([{ offset: 12 }]);
  await writeFile(at('state/positions.json'), '[{"key":5},{');
  const { files, bodies } = await follower();
  expect(bodies()).toEqual(['1']);
  await files[Symbol.asyncDispose]();
});
