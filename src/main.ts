#!/usr/bin/env node
/** The `vitrine` command: arguments in, exit code out. The version check comes before anything that newer Node is needed to read. */
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write(
    `vitrine needs Node.js 24.15 or newer; this is ${process.versions.node}.\n` +
      'Install Node.js 24 (LTS), or in the repository use the npm scripts: `npm ci` brings a Node.js of its own.\n',
  );
  process.exit(1);
}
const [command = ''] = process.argv.slice(2);
// A monitor alone keeps V8's own sizes: its queries live on them.
const isMonitor = process.argv.some(
  (arg, at) => arg === '--role=monitor' || (arg === '--role' && process.argv[at + 1] === 'monitor'),
);
if (!isMonitor && (command === 'start' || command === 'run' || command === '' || command.startsWith('-'))) {
  const { growSlowly } = await import('./app/lean-heap.ts');
  growSlowly([...process.execArgv, process.env['NODE_OPTIONS'] ?? '']);
}
const { surviveClosedOutput } = await import('./cli/output.ts');
surviveClosedOutput();
const { runCommandLine } = await import('./cli/program.ts');
process.exitCode = await runCommandLine(process.argv.slice(2));
