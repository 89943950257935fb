#!/usr/bin/env node
/** The `vitrine` command: arguments in, exit code out. The version check comes before anything that newer Node is needed to read. */
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 15)) {
  const own = `On Linux a project can have a Node.js of its own, which npx uses: npm install node-linux-${process.arch}@24\n`;
  process.stderr.write(
    `vitrine needs Node.js 24.15 or newer; this is ${process.versions.node}.\n` +
      'Install Node.js 24 (LTS), or in the repository use the npm scripts: `npm ci` brings a Node.js of its own.\n' +
      (process.platform === 'linux' ? own : ''),
  );
  process.exit(1);
}
const [command = ''] = process.argv.slice(2);
const isMonitor = process.argv.some(
  (arg, at) => arg === '--role=monitor' || (arg === '--role' && process.argv[at + 1] === 'monitor'),
);
const starts = command === 'start' || command === '' || command.startsWith('-');
if (starts) (await import('./cli/end-signals.ts')).endBeforeStart();
if (starts || command === 'run') {
  const { applyHeapPlan, MONITOR_HEAP, SERVICE_HEAP } = await import('./app/process/lean-heap.ts');
  const nodeFlags = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''];
  applyHeapPlan(isMonitor ? MONITOR_HEAP : SERVICE_HEAP, nodeFlags);
  const { compilePatiently } = await import('./app/process/patient-compiler.ts');
  compilePatiently(nodeFlags);
}
const { surviveClosedOutput } = await import('./cli/output.ts');
surviveClosedOutput();
const { runCommandLine } = await import('./cli/program.ts');
// Time limits do not keep a process alive. Without this one, a command that waits for nothing but a limit would end with 13.
const alive = setInterval(() => {}, 2 ** 30);
process.exitCode = await runCommandLine(process.argv.slice(2));
clearInterval(alive);
// A listener for the parent's messages would keep a command alive that has ended, such as a start that failed.
if (process.connected) process.disconnect();
