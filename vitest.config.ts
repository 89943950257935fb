import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/e2e/**', 'test/bench/**'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Tests count requests: only those of the first minute switch the sample traffic on.
    env: { VITRINE_SAMPLE__TRAFFIC: 'false' },
    maxWorkers: 2,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/page/**', 'src/main.ts', 'src/**/entry.ts'],
      thresholds: { lines: 90, branches: 85 },
    },
  },
});
