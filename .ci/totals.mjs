// Adds up what the suites of .ci/run wrote and prints it as the last line.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const [dir] = process.argv.slice(2);
const sum = { passed: 0, failed: 0, skipped: 0 };
for (const file of readdirSync(dir).filter((name) => name.endsWith('.json'))) {
  const result = JSON.parse(readFileSync(path.join(dir, file), 'utf8'));
  sum.passed += result.numPassedTests;
  // A file that cannot be collected has no failed test of its own.
  sum.failed += result.numFailedTests + (result.success === false && result.numFailedTests === 0 ? 1 : 0);
  sum.skipped += result.numPendingTests + result.numTodoTests;
  for (const { name, assertionResults } of result.testResults ?? [])
    for (const { status, fullName } of assertionResults)
      if (status === 'pending' || status === 'skipped' || status === 'todo') console.log(`skipped: ${path.relative('.', name)}: ${fullName}`);
}
const checks = path.join(dir, 'checks');
for (const line of existsSync(checks) ? readFileSync(checks, 'utf8').trim().split('\n') : []) sum[line === 'pass' ? 'passed' : 'failed'] += 1;
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0;
