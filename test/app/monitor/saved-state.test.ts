/** Patterns and errors of a real process survive SIGTERM, when it has a monitor of its own and when it is one. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { ErrorsAnswer, PatternsAnswer } from '../../../src/monitor/api/records/contract.ts';
import { startProgram, untilReady } from '../../support/program.ts';
import { json, MAIN, portsEnvironment, startVitrine } from '../../support/programs/vitrine-process.ts';

const STACK = 'CardError: no\n    at pay (/srv/app/pay.js:1:1)';

async function send(monitor: string, n: number): Promise<void> {
  const line = {
    msg: `order ${n} placed by ann`,
    service: 'shop',
    level: 'error',
    err: { type: 'CardError', message: 'no', stack: STACK },
  };
  const headers = { 'content-type': 'application/x-ndjson' };
  const answer = await json(`${monitor}/api/logs`, { method: 'POST', headers, body: JSON.stringify(line) });
  expect(answer).toMatchObject({ accepted: 1 });
}

it('saves them at SIGTERM and goes on with them', { timeout: 300_000 }, async () => {
  await using vitrine = await startVitrine();
  const saved = (name: string): unknown => JSON.parse(readFileSync(path.join(vitrine.dataDir, name), 'utf8'));
  await send(vitrine.monitor, 1);
  expect(await vitrine.stop()).toBe(0);
  const shop = { service: 'shop', words: ['order', '<*>', 'placed', 'by', 'ann'] };
  expect(saved('log-patterns.json')).toMatchObject({
    patterns: expect.arrayContaining([expect.objectContaining({ ...shop, count: 1 })]) as unknown,
  });
  expect(saved('errors.json')).toMatchObject({ groups: [{ type: 'CardError', count: 1 }] });

  await using alone = startProgram(process.execPath, [MAIN, 'start', '--role', 'monitor', '--data', vitrine.dataDir], {
    env: portsEnvironment(vitrine.ports),
  });
  await untilReady(alone, [`${vitrine.monitor}/readyz`]);
  await send(vitrine.monitor, 2);
  const { patterns } = await json<PatternsAnswer>(`${vitrine.monitor}/api/logs/patterns?q=service:shop`);
  expect(patterns).toMatchObject([{ template: shop.words.join(' '), count: 2 }]);
  const { errors } = await json<ErrorsAnswer>(`${vitrine.monitor}/api/errors`);
  expect(errors).toMatchObject([{ type: 'CardError', count: 2, state: 'new' }]);
  expect(await alone.stop()).toBe(0);
  expect(saved('log-patterns.json')).toMatchObject({
    patterns: expect.arrayContaining([expect.objectContaining({ ...shop, count: 2 })]) as unknown,
  });
});
