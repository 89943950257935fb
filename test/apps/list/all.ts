/** All applications of the harness, in the order of the table. */
import type { Application } from '../harness/application.ts';
import { PACKAGES } from './packages.ts';
import { PLAIN } from './plain.ts';

export const APPLICATIONS: readonly Application[] = [...PLAIN, ...PACKAGES];
