/**
 * Runs the public HTTP cache tests against a balancer process and prints the totals and each test that did not pass:
 * `node test/cache-tests/run.ts [--json] [--only ID] [--cache '{ url: "redis://127.0.0.1:6379" }']`.
 */
import { parseArgs } from 'node:util';
import { runSuite, totals } from './suite.ts';

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, only: { type: 'string' }, cache: { type: 'string' } },
});
const results = await runSuite({ only: values.only, cacheConfig: values.cache });
if (values.json === true) console.log(JSON.stringify(results));
else {
  for (const { id, kind, verdict, reason } of results) {
    if (verdict !== 'pass' && (kind !== 'check' || values.only !== undefined))
      console.log(`${kind} ${verdict} ${id}: ${reason}`);
  }
  for (const kind of ['required', 'optimal', 'check'] as const) {
    const { passed, of } = totals(results, kind);
    console.log(`${kind}: ${passed} of ${of}`);
  }
}
// The client of the suite leaves connections open.
process.exit(0);
