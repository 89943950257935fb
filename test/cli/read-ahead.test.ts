import { expect, it } from 'vitest';
import { readAhead } from '../../src/cli/read-ahead.ts';
import { until } from '../support/until.ts';

it('reads on while its reader waits, up to its limit, and gives all in order', async () => {
  let given = 0;
  async function* source(): AsyncGenerator<number> {
    while (given < 50) yield (given += 1);
  }
  const ahead = readAhead(source(), 20);
  await until(() => given === 20);
  const seen: number[] = [];
  for await (const one of ahead) seen.push(one);
  expect(seen).toEqual(Array.from({ length: 50 }, (_, at) => at + 1));
});

it('fails as its source does, after what came before', async () => {
  async function* source(): AsyncGenerator<string> {
    yield 'a';
    throw new Error('cut');
  }
  const seen: string[] = [];
  const reading = (async () => {
    for await (const one of readAhead(source(), 5)) seen.push(one);
  })();
  await expect(reading).rejects.toThrow('cut');
  expect(seen).toEqual(['a']);
});
