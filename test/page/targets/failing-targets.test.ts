import { describe, expect, it } from 'vitest';
import { isFailing } from '../../../src/page/state/failing-targets.ts';
import { fakeTargets } from '../../support/page/fake-target-routes.ts';

const [down] = fakeTargets(1_800_000_000_000);

describe('targets in the badge and in the overview', () => {
  it('are those that are down by a fault of their own', () => expect(isFailing(down)).toBe(true));

  it.each([
    ['up', { state: 'up' as const }],
    ['without a verdict yet', { state: 'unknown' as const }],
    ['switched off', { enabled: false }],
    ['somebody else’s', { competitor: true }],
    ['behind a parent that is down', { cause: 'resolver' }],
    ['in maintenance', { maintenance: true }],
  ])('are not those that are %s', (_, more) => expect(isFailing({ ...down, ...more })).toBe(false));
});
