/**
 * `DIR/run.json` describes the running Vitrine for the commands that talk to it (`drill`, `doctor`, `top`). It is written
 * whole and moved into place, is readable only by the owner, because it holds the token of the drills, and is removed at the end.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { VitrineError } from '../../base/errors.ts';

export interface RunningService {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
}

export interface RunFile {
  readonly pid: number;
  readonly balancer?: string | undefined;
  readonly monitor?: string | undefined;
  readonly monitorPid?: number | undefined;
  readonly otlpHttp?: string | undefined;
  readonly otlpGrpc?: string | undefined;
  readonly services: readonly RunningService[];
  readonly drillToken?: string | undefined;
}

const fileIn = (dataDir: string): string => path.join(dataDir, 'run.json');

export function writeRunFile(dataDir: string, run: RunFile): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const file = fileIn(dataDir);
  writeFileSync(`${file}.new`, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Throws `unreachable` when no Vitrine runs on this data directory. */
export function readRunFile(dataDir: string): RunFile {
  try {
    return JSON.parse(readFileSync(fileIn(dataDir), 'utf8')) as RunFile;
  } catch (cause) {
    throw new VitrineError('unreachable', `No Vitrine runs on ${dataDir}.`, {
      hint: 'Start one with `vitrine start`, or name its data directory with --data.',
      cause,
    });
  }
}

/** Removes the file if this process wrote it: a start that was refused must not remove the file of the running Vitrine. */
export function removeRunFile(dataDir: string): void {
  let owner: number | undefined;
  try {
    owner = (JSON.parse(readFileSync(fileIn(dataDir), 'utf8')) as RunFile).pid;
  } catch {
    // There is no file, or it cannot be read.
    return;
  }
  if (owner === process.pid) rmSync(fileIn(dataDir), { force: true });
}
