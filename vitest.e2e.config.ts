import { defineConfig } from 'vitest/config';

const ALL = 'test/{e2e,apps}/**/*.e2e.ts';
/** They play the Ansible role for minutes, measure nothing and use nothing in common: two at a time. */
const INSTALLERS = ['ansible-service', 'ansible'].map((name) => `test/e2e/packaging/${name}.e2e.ts`);

const LIMITS = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
  retry: 1,
  // Tests count requests: only those of the first minute switch the sample traffic on.
  env: { VITRINE_SAMPLE__TRAFFIC: 'false' },
};

/**
 * Suites that start whole processes, a browser, Redis, Prometheus, a Collector or Jaeger. One file at a time, because they
 * share two cores, but for those that only install. A test that fails is run once more, because a neighbour on the machine may
 * have taken the cores; twice is a failure.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: { ...LIMITS, name: 'installers', include: INSTALLERS, maxWorkers: 2, sequence: { groupOrder: 0 } },
      },
      {
        test: {
          ...LIMITS,
          name: 'one at a time',
          include: [ALL],
          exclude: INSTALLERS,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
