/** All applications of the harness, in the order of the table. */
import type { Application } from '../harness/application.ts';
import { FRAMEWORKS } from './frameworks.ts';
import { PACKAGES } from './packages.ts';
import { PLAIN } from './plain.ts';
import { TELEMETRY } from './telemetry.ts';

export const APPLICATIONS: readonly Application[] = [...PLAIN, ...FRAMEWORKS, ...TELEMETRY, ...PACKAGES];
