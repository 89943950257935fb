import { describe, expect, it } from 'vitest';
import { RUN_DEFAULTS } from '../../../src/app/command/run-defaults.ts';
import { settingsFrom } from '../../../src/app/process/settings.ts';

const settings = (text: string | undefined, env: NodeJS.ProcessEnv = {}, flags = {}) =>
  settingsFrom(text, { file: undefined, env, flags, defaults: RUN_DEFAULTS });

describe('the defaults under `run`', () => {
  it('have no limit that an application does not have, keep no answer and send nothing twice', () => {
    const { balancer, cache } = settings(undefined);
    const { timeouts, limits, retries, ejection, health_check: check, queue } = balancer;
    const ours = [timeouts.connect, timeouts.first_byte, timeouts.hedge, timeouts.idle, timeouts.total, limits.body];
    const rest = [
      limits.connections,
      limits.min_rate,
      retries.max,
      ejection.failures,
      check.interval,
      queue.max_inflight,
    ];
    expect([...ours, ...rest]).toEqual(Array.from({ length: 12 }, () => 0));
    expect(cache.responses.enabled).toBe(false);
    expect(balancer.health_prefix).toBe('/-');
  });

  it('yield to the file, the environment and flags, and to nothing else of their section', () => {
    const file = 'balancer: { timeouts: { first_byte: 3s } }\ncache: { responses: { enabled: true } }\n';
    const env = { VITRINE_BALANCER__LIMITS__BODY: '1MiB' };
    const { balancer, cache } = settings(file, env, { 'balancer.retries.max': 1 });
    expect(balancer.timeouts.first_byte).toBe(3_000);
    expect(balancer.timeouts.total).toBe(0);
    expect(balancer.limits.body).toBe(1024 ** 2);
    expect(balancer.retries.max).toBe(1);
    expect(cache.responses.enabled).toBe(true);
  });
});
