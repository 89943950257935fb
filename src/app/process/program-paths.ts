/** Paths of the programs that are started as child processes: TypeScript in the repository, JavaScript in the package. */
import { fileURLToPath } from 'node:url';

const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

const inSource = (path: string): string => fileURLToPath(new URL(`../../${path}${EXTENSION}`, import.meta.url));

export const MAIN_PROGRAM = inSource('main');
export const SAMPLE_PROGRAM = inSource('sample/entry');
export const CHECKS_PROGRAM = inSource('monitor/targets/schedule/checks-entry');
export const REGISTER_PRELOAD = inSource('telemetry/register');
/** Root of the package: `rules/` and `dist/page` are below it. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../../..', import.meta.url));
