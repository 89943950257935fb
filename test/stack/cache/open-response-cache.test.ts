import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { cacheConfig } from '../../../src/stack/cache/config.ts';
import { loadRedis } from '../../../src/stack/cache/store/redis-store.ts';
import { openResponseCache } from '../../../src/stack/cache/open-response-cache.ts';

const request = { method: 'GET', scheme: 'http', host: 'a', target: '/', headers: {} };
const open = (section: unknown) => openResponseCache(cacheConfig.parse(section), systemClock, silentLogger);

describe('the response cache from the configuration', () => {
  it('is in memory by default, and reports its health', async () => {
    await using opened = open({});
    const found = await opened?.cache.lookup(request);
    if (found?.kind !== 'miss' || found.fill === undefined) throw new Error('no fill');
    expect(found.fill.head(200, ['Cache-Control', 'max-age=60'])).toBe(true);
    found.fill.chunk(Buffer.from('x'.repeat(1_000)));
    found.fill.end();
    expect((await opened?.cache.lookup(request))?.kind).toBe('hit');
    expect(opened?.sizeBytes()).toBeGreaterThan(1_000);
    expect(opened?.health()).toMatchObject({ status: 'healthy', hits: 1, misses: 1, hit_ratio: 0.5, entries: 1 });
  });

  it('is absent when it is disabled', () => {
    expect(open({ responses: { enabled: false } })).toBeUndefined();
  });

  it('names the command that installs the client of Redis where it is missing, and hides no other fault', () => {
    const failing = (error: Error) => () => {
      throw error;
    };
    const missing = Object.assign(new Error('no'), { code: 'MODULE_NOT_FOUND' });
    const hint = 'npm install redis@6';
    expect(() => loadRedis(failing(missing))).toThrow(
      expect.objectContaining({ code: 'package_missing', hint }) as Error,
    );
    expect(() => loadRedis(failing(new Error('broken')))).toThrow('broken');
  });

  it('forwards requests while its Redis is unreachable', async () => {
    await using opened = open({ url: 'redis://127.0.0.1:1' });
    expect(await opened?.cache.lookup(request)).toMatchObject({ kind: 'error' });
    expect(opened?.health()).toMatchObject({ status: 'degraded', uptime_seconds: 0, errors: 1, hit_ratio: null });
    expect(opened?.sizeBytes()).toBe(0);
  });
});
