/** `vitrine status-page export`: the files of the status page in a folder. Links are relative, so it opens from there. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { VitrineError } from '../../base/errors.ts';
import type { StatusExportJson } from '../../monitor/api/status/contract.ts';
import { ask } from '../client.ts';
import { print, tell } from '../output.ts';
import type { TargetsRequest } from './targets.ts';

/** A server cannot write outside the folder: each part begins with a letter or digit. */
const SAFE = /^[a-z0-9][\w-]*(?:\/[a-z0-9][\w-]*)*\.[a-z]{3,5}$/;

export async function exportStatusPage(request: TargetsRequest, folder: string): Promise<number> {
  const { files } = (await ask(request, '/api/status/export')) as StatusExportJson;
  const unsafe = files.find((file) => !SAFE.test(file.path));
  if (unsafe !== undefined) {
    throw new VitrineError(
      'query_failed',
      `${request.url} names a file ${JSON.stringify(unsafe.path)}, which is not of a status page.`,
    );
  }
  try {
    for (const file of files) {
      const target = path.join(folder, file.path);
      await mkdir(path.dirname(target), { recursive: true });
      await writeFile(target, file.text);
    }
  } catch (cause) {
    const { code = 'error' } = cause as NodeJS.ErrnoException;
    throw new VitrineError('query_failed', `${folder} cannot be written (${code}).`, { cause });
  }
  if (request.json) print(JSON.stringify({ folder, files: files.map((file) => file.path) }));
  else tell(`${files.length} files; open ${path.join(folder, 'index.html')}`);
  return 0;
}
