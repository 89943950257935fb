import { expect, it } from 'vitest';
import { sampleConfig } from '../../src/sample/config.ts';

it('has the two ports of the contract and takes no others than ports', () => {
  expect(sampleConfig.parse({})).toEqual({ ports: [8081, 8082] });
  for (const bad of [{ ports: [] }, { ports: [0] }, { ports: ['8081'] }, { port: 1 }]) {
    expect(sampleConfig.safeParse(bad).success).toBe(false);
  }
});
