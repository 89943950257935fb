import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { HealthRegistry, healthAnswer } from '../../../src/stack/server/health.ts';
import { jsonDepth } from '../../../src/stack/server/body.ts';
import { recordTelemetry } from '../../support/telemetry/recorded-telemetry.ts';

const telemetry = recordTelemetry();

describe('health', () => {
  it('is the worst status of its components, in the words of the contract', async () => {
    const registry = new HealthRegistry(systemClock, () => ({ cacheSizeMb: 50, queueSize: 3 }));
    registry.add('balancer', () => ({ status: 'healthy', uptime_seconds: 5 }));
    registry.add('cache', async () => ({ status: 'degraded', uptime_seconds: 0, reason: 'store down', entries: 4 }));
    const health = await registry.report();
    expect(health).toMatchObject({ status: 'degraded', cache_size_mb: 50, queue_size: 3, uptime: '0 seconds' });
    expect(health.components.cache).toMatchObject({ entries: 4, reason: 'store down' });
    expect(health.memory_usage_mb).toBeGreaterThan(10);
    expect(healthAnswer(health, undefined).status).toBe(200);
    const draft = healthAnswer(health, 'application/health+json');
    expect(draft.type).toBe('application/health+json');
    expect(JSON.parse(draft.body)).toMatchObject({
      status: 'warn',
      checks: { 'cache:uptime': [{ status: 'warn', output: 'store down' }] },
    });
  });

  it('reports a component as unhealthy when its check throws or hangs', async () => {
    let fire = (): void => {};
    const clock: Clock = { ...systemClock, after: (_ms, callback) => ((fire = callback), () => {}) };
    const registry = new HealthRegistry(clock);
    registry.add('hangs', () => new Promise(() => {}));
    const report = registry.report();
    fire();
    expect((await report).components.hangs.reason).toMatch(/No answer/);
    registry.add('hangs', () => {
      throw new Error('lost');
    });
    const health = await registry.report();
    expect(health.components.hangs).toMatchObject({ status: 'unhealthy', reason: 'lost' });
    expect(healthAnswer(health, '*/*').status).toBe(503);
  });

  it('records the uptime of each component', async () => {
    const registry = new HealthRegistry(systemClock);
    registry.add('cache', () => ({ status: 'healthy', uptime_seconds: 12 }));
    const end = registry.observeUptime();
    expect(await telemetry.points('vitrine.component.uptime')).toEqual([
      { attributes: { 'vitrine.component': 'cache' }, value: 12 },
    ]);
    end();
  });
});

it('measures the depth of JSON outside strings', () => {
  const depth = (text: string): number => jsonDepth(Buffer.from(text));
  expect(depth('1')).toBe(0);
  expect(depth('{"a":[{}]}')).toBe(3);
  expect(depth(String.raw`["[[[","\"[["]`)).toBe(1);
  expect(depth('['.repeat(100_000))).toBe(65);
});
