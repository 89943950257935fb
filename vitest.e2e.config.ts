import { defineConfig } from 'vitest/config';

/**
 * Suites that start whole processes, a browser, Redis, Prometheus, a Collector or Jaeger. One file at a time: they share two
 * cores. A test that fails is run once more, because a neighbour on the machine may have taken the cores; twice is a failure.
 */
export default defineConfig({
  test: {
    include: ['test/{e2e,apps}/**/*.e2e.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Tests count requests: only those of the first minute switch the sample traffic on.
    env: { VITRINE_SAMPLE__TRAFFIC: 'false' },
    fileParallelism: false,
    retry: 1,
  },
});
