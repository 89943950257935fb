/** The commands of the documents: every fenced `sh` block of README.md and docs/, with the place it stands at. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { REPOSITORY } from '../programs/vitrine-process.ts';

export interface FencedCommand {
  /** `README.md:23` */
  readonly place: string;
  readonly command: string;
}

export const documents = (): string[] => ['README.md', ...globSync('docs/**/*.md', { cwd: REPOSITORY }).sort()];

export function fencedBlocks(text: string, language: string): { line: number; body: string }[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  return [...text.matchAll(fence)].map((match) => ({
    line: text.slice(0, match.index).split('\n').length + 1,
    body: match[1].trimEnd(),
  }));
}

export function fencedCommands(): FencedCommand[] {
  return documents().flatMap((file) =>
    fencedBlocks(readFileSync(path.join(REPOSITORY, file), 'utf8'), 'sh').flatMap(({ line, body }) =>
      body.split('\n').map((command, at) => ({ place: `${file}:${line + at}`, command })),
    ),
  );
}
